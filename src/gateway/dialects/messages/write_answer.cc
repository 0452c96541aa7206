// Writes a streamed answer in the order that Anthropic's clients rely on: message_start, then one block after another
// (start, deltas, stop), message_delta, message_stop. Blocks never overlap here: what comes for a later part while an
// earlier one is open waits for its turn. message_start is held back until the first thing after it, so that it can
// tell the input's tokens where the provider told them at once.
#include <deque>

#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"
#include "net/sse.h"

namespace steward::gateway::messages {
namespace {

class Writer final : public AnswerWriter {
 public:
  explicit Writer(AnswerContext context) : context_(std::move(context)) {}

  std::string delta(const Delta& delta) override {
    return std::visit([this](const auto& one) { return take(one); }, delta);
  }

  std::string finish(const ledger::Usage& usage, const Json& report) override {
    std::string out = started();
    while (!waiting_.empty()) {  // parts that nobody closed
      const size_t part = waiting_.front().part;
      out += pass(Close{.choice = 0, .part = part, .signature = {}, .extra = Json::object(), .raw = nullptr});
    }
    Json delta = {{"stop_reason", stop_reason_of(finish_, own())}, {"stop_sequence", nullptr}};
    if (!finish_.stop_sequence.empty()) delta["stop_sequence"] = finish_.stop_sequence;
    if (own()) merge_into(delta, finish_.extra);
    Json event = {{"type", "message_delta"}};
    if (own()) place_extras(delta, event);
    event["delta"] = std::move(delta);
    event["usage"] = write_usage(usage, own() ? raw_usage_ : Json());
    if (!before_.empty()) event[std::string(kSteward)] = {{"before", std::move(before_)}};
    out += net::sse_comment(dump(report));
    out += net::sse_event("message_delta", dump(event));
    return out + net::sse_event("message_stop", dump({{"type", "message_stop"}}));
  }

  std::string fail(const Error& error) override { return net::sse_event("error", dump(write_error(error))); }

  std::string keep_alive() const override {
    return told_start_ ? net::sse_event("ping", dump({{"type", "ping"}})) : std::string(": keep-alive\n\n");
  }

 private:
  struct Waiting {  // a part that began, and what came for it while another one was open
    size_t part = 0;
    Part value;
    std::deque<Delta> deltas;
    bool closed = false;
    bool began = false;
    size_t index = 0;
    std::string custom;  // the free text of a custom tool's call, which Messages can only tell as JSON
  };

  bool own() const { return begin_.from == Dialect::kMessages; }

  // Answers of several choices can't be asked for here; of a provider that sends them unasked the first is told.
  std::string take(const Begin& begin) {
    begin_ = begin;
    return {};
  }
  std::string take(const Open& open) {
    if (open.choice != 0) return {};
    std::string out = started();
    waiting_.push_back({.part = open.part, .value = open.value, .deltas = {}, .custom = {}});
    return out + flush();
  }
  std::string take(const Append& one) { return pass(one); }
  std::string take(const Summarise& one) { return pass(one); }
  std::string take(const Cite& one) { return pass(one); }
  std::string take(const Close& one) { return pass(one); }
  std::string take(const Logprobs&) { return {}; }  // can't be asked for in Messages
  std::string take(const Finish& one) {
    if (one.choice == 0) finish_ = one;
    return {};
  }
  std::string take(const UsageTold& told) {
    raw_usage_ = told.raw;
    if (told_start_ || !own()) return {};
    return started();
  }
  std::string take(const AnswerExtra& one) {
    merge_into(late_, one.extra);
    return {};
  }
  std::string take(const ForeignEvent& one) {
    if (one.from != Dialect::kMessages) return {};
    return started() + net::sse_event(one.name.empty() ? peek_text(one.data, "type") : one.name, dump(one.data));
  }

  std::string started() {
    if (told_start_) return {};
    told_start_ = true;
    Json message = {
        {"id", message_id(context_)},
        {"type", "message"},
        {"role", "assistant"},
        {"model", context_.model},
        {"content", Json::array()},
        {"stop_reason", nullptr},
        {"stop_sequence", nullptr},
        {"usage", raw_usage_.is_object() && own() ? raw_usage_ : Json{{"input_tokens", 0}, {"output_tokens", 0}}}};
    if (own()) merge_into(message, begin_.extra);
    return net::sse_event("message_start", dump({{"type", "message_start"}, {"message", std::move(message)}}));
  }

  // What came late stands where Anthropic tells it: the container inside the delta, the rest beside it.
  void place_extras(Json& delta, Json& event) {
    for (const auto& [name, value] : late_.items()) (name == "container" ? delta : event)[name] = value;
  }

  template <class One>
  std::string pass(const One& one) {
    if (one.choice != 0) return {};
    for (Waiting& waiting : waiting_) {
      if (waiting.part != one.part) continue;
      waiting.deltas.emplace_back(one);
      return flush();
    }
    return {};
  }

  std::string flush() {
    std::string out;
    while (!waiting_.empty()) {
      Waiting& front = waiting_.front();
      if (!front.began && waits_for_proof(front)) break;
      if (!front.began) out += begin(front);
      while (!front.deltas.empty()) {
        const Delta delta = std::move(front.deltas.front());
        front.deltas.pop_front();
        out += tell(front, delta);
      }
      if (!front.closed) break;
      waiting_.pop_front();
    }
    return out;
  }

  // Gemini proves a call at its end, and a tool's block has room for that at its start only.
  bool waits_for_proof(Waiting& waiting) const {
    if (begin_.from != Dialect::kGemini || !std::holds_alternative<ToolCall>(waiting.value.body)) return false;
    for (const Delta& delta : waiting.deltas) {
      const auto* close = std::get_if<Close>(&delta);
      if (close == nullptr) continue;
      if (!close->signature.empty()) waiting.value.signature = close->signature;
      return false;
    }
    return true;
  }

  std::string begin(Waiting& waiting) {
    waiting.began = true;
    Json block = block_start(waiting.value, next_, own(), context_);
    if (block.is_null()) return {};  // told beside the next block, once it is whole
    waiting.index = next_++;
    if (!before_.empty()) block[std::string(kSteward)]["before"] = std::exchange(before_, Json::array());
    std::string arguments;
    if (auto* call = std::get_if<ToolCall>(&waiting.value.body)) arguments = call->arguments;
    std::string out = net::sse_event(
        "content_block_start",
        dump({{"type", "content_block_start"}, {"index", waiting.index}, {"content_block", std::move(block)}}));
    if (const auto* text = std::get_if<Text>(&waiting.value.body)) {
      for (const auto& one : text->citations) out += cite(waiting, one);
    }
    return out + input(waiting, arguments);
  }

  std::string cite(const Waiting& waiting, const Citation& citation) const {
    return event_of(waiting, {{"type", "citations_delta"}, {"citation", citation_json(citation, own())}});
  }

  bool is_foreign(const Waiting& waiting) const {
    const auto* foreign = std::get_if<Foreign>(&waiting.value.body);
    return std::holds_alternative<Media>(waiting.value.body) ||
           std::holds_alternative<ToolResult>(waiting.value.body) ||
           (foreign != nullptr && foreign->from != Dialect::kMessages);
  }

  static std::string event_of(const Waiting& waiting, Json delta) {
    return net::sse_event(
        "content_block_delta",
        dump({{"type", "content_block_delta"}, {"index", waiting.index}, {"delta", std::move(delta)}}));
  }

  std::string input(Waiting& waiting, const std::string& more) {
    if (more.empty()) return {};
    if (std::get<ToolCall>(waiting.value.body).kind == ToolCall::Kind::kCustom) {
      waiting.custom += more;
      return {};
    }
    return event_of(waiting, {{"type", "input_json_delta"}, {"partial_json", more}});
  }

  std::string tell(Waiting& waiting, const Delta& delta) {
    if (const auto* close = std::get_if<Close>(&delta)) return this->close(waiting, *close);
    if (const auto* append = std::get_if<Append>(&delta)) {
      if (append->text.empty()) return {};
      if (std::holds_alternative<ToolCall>(waiting.value.body)) return input(waiting, append->text);
      if (std::holds_alternative<Reasoning>(waiting.value.body)) return thinking(waiting, append->text);
      return event_of(waiting, {{"type", "text_delta"}, {"text", append->text}});
    }
    if (const auto* summary = std::get_if<Summarise>(&delta)) {
      auto* reasoning = std::get_if<Reasoning>(&waiting.value.body);
      if (reasoning == nullptr) return {};
      const bool first = reasoning->summary.size() <= summary->index;
      if (first) reasoning->summary.resize(summary->index + 1);
      return thinking(waiting, (first && summary->index > 0 ? "\n\n" : "") + summary->text);
    }
    const auto* found = std::get_if<Cite>(&delta);
    return found == nullptr ? "" : cite(waiting, found->citation);
  }

  static std::string thinking(Waiting& waiting, const std::string& text) {
    return text.empty() ? "" : event_of(waiting, {{"type", "thinking_delta"}, {"thinking", text}});
  }

  std::string close(Waiting& waiting, const Close& close) {
    waiting.closed = true;
    Part& part = waiting.value;
    Json told;  // of a foreign block, as it started
    if (auto* foreign = std::get_if<Foreign>(&part.body)) {
      told = foreign->raw;
      if (!close.raw.is_null()) foreign->raw = close.raw;
    }
    if (is_foreign(waiting)) {
      if (Json entry = foreign_entry(part); !entry.is_null()) before_.push_back(std::move(entry));
      return {};
    }
    std::string out = close_foreign(waiting, told);
    if (!waiting.custom.empty()) {
      const std::string json = dump({{"input", waiting.custom}});
      out += event_of(waiting, {{"type", "input_json_delta"}, {"partial_json", json}});
    }
    const bool reasoning = std::holds_alternative<Reasoning>(part.body);
    const Signature& signature = close.signature.empty() ? part.signature : close.signature;
    const bool redacted = reasoning && std::get<Reasoning>(part.body).redacted && !part.signature.empty();
    if (reasoning && !redacted && !signature.empty())
      out += event_of(waiting, {{"type", "signature_delta"}, {"signature", seal_signature(signature)}});
    Json stop = {{"type", "content_block_stop"}, {"index", waiting.index}};
    return out + net::sse_event("content_block_stop", dump(stop));
  }

  // A block of Messages' own that was gathered whole: what came after its start is told in one piece.
  static std::string close_foreign(const Waiting& waiting, const Json& told) {
    const auto* foreign = std::get_if<Foreign>(&waiting.value.body);
    if (foreign == nullptr) return {};
    const Json& input = peek(foreign->raw, "input");
    if (input.is_object() && input != peek(told, "input"))
      return event_of(waiting, {{"type", "input_json_delta"}, {"partial_json", dump(input)}});
    const Json& content = peek(foreign->raw, "content");
    if (foreign->type == "compaction" && content != peek(told, "content"))
      return event_of(waiting, {{"type", "compaction_delta"}, {"content", content}});
    return {};
  }

  AnswerContext context_;
  Begin begin_;
  Finish finish_{.choice = 0, .reason = FinishReason::kOther, .raw = {}, .stop_sequence = {}};
  Json raw_usage_;
  Json late_ = Json::object();
  Json before_ = Json::array();  // what waits for the next block
  bool told_start_ = false;
  size_t next_ = 0;
  std::deque<Waiting> waiting_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_writer(const Request&, AnswerContext context) {
  return std::make_unique<Writer>(std::move(context));
}

}  // namespace steward::gateway::messages
