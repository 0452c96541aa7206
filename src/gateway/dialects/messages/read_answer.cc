// Reads an answer of Messages. A stream says of each block when it starts, what is added and when it stops; a block
// that only Messages knows is gathered here and given whole when it stops. Some streams hold the whole message in
// message_start (calls made by running code), and then only message_stop.
#include <map>

#include "base/text.h"
#include "gateway/dialects/messages/messages.h"
#include "gateway/dialects/repeating.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

const Json kNoBlocks = Json::array();

constexpr size_t kMaxOpenBlocks = 10'000;

int64_t points_of(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

class Reader final : public AnswerReader, public RepeatingReader {
 public:
  explicit Reader(std::string provider) : provider_(std::move(provider)) {}

  Result<Deltas> event(std::string_view name, Json data) override {
    const std::string type = data.is_object() ? peek_text(data, "type") : std::string();
    if (type.empty()) return fail(ErrorCode::kUpstreamError, "The model's provider sent an event without a type.");
    Deltas out;
    Status ok;
    if (type == "message_start") {
      ok = start(peek(data, "message"), out);
    } else if (type == "content_block_start") {
      ok = open(peek_integer(data, "index", -1), peek(data, "content_block"), out);
    } else if (type == "content_block_delta") {
      ok = add(std::move(data), out);
    } else if (type == "content_block_stop") {
      stop(peek_integer(data, "index", -1), out);
    } else if (type == "message_delta") {
      change(data, out);
    } else if (type == "message_stop") {
      finish(out);
    } else if (type == "error") {
      return fail(error_of_event(data));
    } else if (type != "ping") {
      out.push_back(ForeignEvent{.from = Dialect::kMessages, .name = std::string(name), .data = std::move(data)});
    }
    if (!ok) return fail(std::move(ok.error()));
    return out;
  }

  Result<Deltas> whole(Json body) override {
    if (peek_text(body, "type") == "error") return fail(error_of_event(body));
    if (!peek(body, "content").is_array())
      return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no message.");
    Deltas out;
    if (auto ok = start(body, out); !ok) return fail(std::move(ok.error()));
    finish(out);
    return out;
  }

  Result<Deltas> end() override {
    if (finished_) return Deltas{};
    return fail(ErrorCode::kUpstreamUnreachable, "The model's provider ended its stream in the middle of the answer.");
  }

  bool finished() const override { return finished_; }

  bool repeats(const Append& append) const override { return text_block(append.part) != nullptr; }
  void appended(const Append& append) override {
    if (Block* block = text_block(append.part)) block->text += append.text;
  }

 private:
  struct Block {
    size_t part = 0;
    std::string type;
    std::string text;       // of a text: for the places of its citations
    std::string json;       // of a foreign block: its input as it comes
    std::string signature;  // of thinking
    bool got_input = false;
    Json citations = Json::array();
    Json raw;  // of a foreign block
  };

  Block* text_block(size_t part) {
    for (auto& [index, block] : blocks_) {
      if (block.part == part && block.type == "text" && block.raw.is_null()) return &block;
    }
    return nullptr;
  }
  const Block* text_block(size_t part) const { return const_cast<Reader*>(this)->text_block(part); }

  Status start(const Json& message, Deltas& out) {
    if (begun_) return fail(ErrorCode::kUpstreamError, "The model's provider began its answer twice.");
    begun_ = true;
    out.push_back(Begin{.from = Dialect::kMessages,
                        .id = peek_text(message, "id"),
                        .model = peek_text(message, "model"),
                        .created = 0,
                        .extra = others(message, {"id", "type", "role", "content", "model", "stop_reason",
                                                  "stop_sequence", "stop_details", "usage"})});
    tell_usage(peek(message, "usage"), out, !peek_text(message, "stop_reason").empty());
    const Json& told = peek(message, "content");
    const Json& content = told.is_array() ? told : kNoBlocks;
    if (content.size() > kMaxOpenBlocks)
      return fail(ErrorCode::kUpstreamError, "The model's provider answered with too many content blocks.");
    for (size_t i = 0; i < content.size(); ++i) {
      if (auto ok = open(static_cast<int64_t>(i), content[i], out); !ok) return ok;
      stop(static_cast<int64_t>(i), out);
    }
    remember_stop(message);
    return {};
  }

  Status open(int64_t index, const Json& json, Deltas& out) {
    if (blocks_.contains(index) || blocks_.size() >= kMaxOpenBlocks || !begun_ || peek_text(json, "type").empty())
      return fail(ErrorCode::kUpstreamError, "The model's provider sent a content block that makes no sense here.");
    Block block{.type = peek_text(json, "type")};
    Part part = part_of(json, block);
    block.part = parts_.open(out, 0, std::move(part));
    blocks_.emplace(index, std::move(block));
    return {};
  }

  Part part_of(const Json& json, Block& block) {
    Part part;
    if (block.type == "text") {
      block.text = peek_text(json, "text");
      if (peek(json, "citations").is_array()) block.citations = json["citations"];
      part.body = Text{.text = block.text, .citations = {}};
      part.extra = others(json, {"type", "text", "citations"});
    } else if (block.type == "thinking") {
      part.body = Reasoning{.text = peek_text(json, "thinking"), .summary = {}};
      block.signature = peek_text(json, "signature");
      part.extra = others(json, {"type", "thinking", "signature"});
    } else if (block.type == "redacted_thinking") {
      part.body = Reasoning{.text = {}, .summary = {}, .redacted = true};
      part.signature = {.value = peek_text(json, "data"), .provider = provider_};
      part.extra = others(json, {"type", "data"});
    } else if (block.type == "tool_use") {
      const Json& input = peek(json, "input");
      ToolCall call{.id = peek_text(json, "id"), .name = peek_text(json, "name"), .arguments = {}, .space = {}};
      if (input.is_object() && !input.empty()) call.arguments = dump(input);
      block.got_input = !call.arguments.empty();
      part.body = std::move(call);
      part.extra = others(json, {"type", "id", "name", "input"});
    } else {
      block.raw = json;
      part.body = Foreign{.from = Dialect::kMessages, .type = block.type, .raw = json};
    }
    return part;
  }

  Status add(Json event, Deltas& out) {
    const auto found = blocks_.find(peek_integer(event, "index", -1));
    if (found == blocks_.end())
      return fail(ErrorCode::kUpstreamError, "The model's provider added to a content block that it had not started.");
    Block& block = found->second;
    const Json& delta = peek(event, "delta");
    const std::string type = peek_text(delta, "type");
    if (!block.raw.is_null()) {
      gather(block, type, delta);
    } else if (type == "text_delta") {
      block.text += peek_text(delta, "text");
      append(block, peek_text(delta, "text"), out);
    } else if (type == "thinking_delta") {
      append(block, peek_text(delta, "thinking"), out);
    } else if (type == "signature_delta") {
      block.signature += peek_text(delta, "signature");
    } else if (type == "input_json_delta") {
      const std::string more = peek_text(delta, "partial_json");
      block.got_input = block.got_input || !more.empty();
      append(block, more, out);
    } else if (type == "citations_delta" && block.type == "text") {
      block.citations.push_back(peek(delta, "citation"));
    } else {
      event["index"] = block.part;
      out.push_back(ForeignEvent{.from = Dialect::kMessages, .name = "content_block_delta", .data = std::move(event)});
    }
    return {};
  }

  // A block that only Messages knows: its input comes as JSON in pieces, any other text under its own name.
  static void gather(Block& block, const std::string& type, const Json& delta) {
    if (type == "input_json_delta") {
      block.json += peek_text(delta, "partial_json");
      return;
    }
    if (!delta.is_object()) return;
    for (const auto& [name, value] : delta.items()) {
      if (name == "type") continue;
      Json& into = block.raw[name];
      if (into.is_string() && value.is_string())
        into = into.get<std::string>() + value.get<std::string>();
      else if (!value.is_null())
        into = value;
    }
  }

  void append(const Block& block, std::string text, Deltas& out) const {
    if (!text.empty()) out.push_back(Append{.choice = 0, .part = block.part, .text = std::move(text)});
  }

  void stop(int64_t index, Deltas& out) {
    const auto found = blocks_.find(index);
    if (found == blocks_.end()) return;
    Block block = std::move(found->second);
    blocks_.erase(found);
    for (const auto& one : block.citations) {
      Citation citation = read_citation(one);
      citation.start = 0;  // Messages cites for a whole block
      citation.end = points_of(block.text);
      out.push_back(Cite{.choice = 0, .part = block.part, .citation = std::move(citation)});
    }
    if (block.type == "tool_use" && !block.got_input) append(block, "{}", out);
    if (!block.json.empty()) {
      auto input = parse_json(block.json);
      block.raw["input"] = input ? std::move(*input) : Json{{"INVALID_JSON", block.json}};
    }
    Signature signature;
    if (!block.signature.empty()) signature = {.value = std::move(block.signature), .provider = provider_};
    parts_.close(out, 0, block.part, std::move(signature), Json::object(), std::move(block.raw));
  }

  void change(const Json& event, Deltas& out) {
    const Json& delta = peek(event, "delta");
    remember_stop(delta);
    tell_usage(peek(event, "usage"), out, true);
    Json extra = others(delta, {"stop_reason", "stop_sequence", "stop_details"});
    merge_into(extra, others(event, {"type", "delta", "usage"}));
    if (!extra.empty()) out.push_back(AnswerExtra{.extra = std::move(extra)});
  }

  void remember_stop(const Json& json) {
    if (const std::string reason = peek_text(json, "stop_reason"); !reason.empty()) {
      finish_.raw = reason;
      finish_.reason = finish_of(reason);
    }
    if (const std::string which = peek_text(json, "stop_sequence"); !which.empty()) finish_.stop_sequence = which;
    if (const Json& details = peek(json, "stop_details"); !details.is_null()) finish_.extra["stop_details"] = details;
  }

  // message_delta tells the counts again, as they are now, but not all of them: what it leaves out stands. What a
  // stream's start says of the output is no count yet.
  void tell_usage(const Json& usage, Deltas& out, bool counted) {
    if (!usage.is_object()) return;
    for (const auto& [name, value] : usage.items()) {
      if (!value.is_null() || !usage_.contains(name)) usage_[name] = value;
    }
    UsageTold told{.usage = read_usage(usage_), .raw = usage_};
    if (!counted) {
      told.usage.completion_tokens = 0;
      usage_.erase("output_tokens");
    }
    out.push_back(std::move(told));
  }

  void finish(Deltas& out) {
    if (finished_ || !begun_) return;
    while (!blocks_.empty()) stop(blocks_.begin()->first, out);
    finished_ = true;
    if (finish_.raw.empty()) finish_.reason = FinishReason::kOther;
    out.push_back(finish_);
  }

  std::string provider_;
  bool begun_ = false;
  bool finished_ = false;
  PartCounter parts_;
  std::map<int64_t, Block> blocks_;  // open ones, by the provider's index
  Finish finish_;
  Json usage_ = Json::object();
};

}  // namespace

FinishReason finish_of(std::string_view stop_reason) {
  if (stop_reason == "end_turn") return FinishReason::kStop;
  if (stop_reason == "stop_sequence") return FinishReason::kStopSequence;
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return FinishReason::kLength;
  if (stop_reason == "tool_use") return FinishReason::kToolCalls;
  if (stop_reason == "pause_turn" || stop_reason == "compaction") return FinishReason::kPause;
  if (stop_reason == "refusal") return FinishReason::kRefusal;
  return FinishReason::kOther;
}

std::unique_ptr<AnswerReader> make_reader(std::string provider) {
  return std::make_unique<Reader>(std::move(provider));
}

}  // namespace steward::gateway::messages
