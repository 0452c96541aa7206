#include <algorithm>
#include <map>

#include "gateway/dialects/chat/chat.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"
#include "net/sse.h"

namespace steward::gateway::chat {
namespace {

class Writer final : public AnswerWriter {
 public:
  Writer(const Request& request, AnswerContext context)
      : request_(request), context_(std::move(context)), include_usage_(request.include_usage) {}

  std::string delta(const Delta& delta) override {
    return std::visit([this](const auto& one) { return write(one); }, delta);
  }

  std::string finish(const ledger::Usage& usage, const Json& report) override {
    std::string out;
    if (include_usage_) {
      Json last = envelope(Json::array());
      last["usage"] = write_usage(usage, own() ? usage_raw_ : Json());
      last["steward"] = report;
      out = net::sse_data(dump(last));
    } else {
      out = net::sse_comment(dump(report));
    }
    return out + net::sse_data("[DONE]");
  }

  // The status line is out: the error is told in the stream, which then ends without [DONE].
  std::string fail(const Error& error) override { return net::sse_data(dump(write_error(error))); }

 private:
  struct ChoiceState {
    std::map<size_t, Part> parts;    // open ones
    std::map<size_t, size_t> calls;  // part → index among the tool calls
    size_t points = 0;               // code points of content so far
    bool said = false;               // its role was told
    bool summarised = false;         // reasoning was shown before
    std::string before, after;       // of a chunk that holds only text, around the text; empty: to be made
  };

  bool own() const { return from_ == Dialect::kChat; }

  Json envelope(Json choices) {
    Json chunk = {{"id", answer_id(context_)},
                  {"object", "chat.completion.chunk"},
                  {"created", context_.now},
                  {"model", context_.model},
                  {"choices", std::move(choices)}};
    merge_into(chunk, steady_);
    merge_into(chunk, std::exchange(once_, Json::object()));
    return chunk;
  }

  std::string chunk(int64_t index, Json delta, Json finish_reason = nullptr, Json more = Json::object()) {
    ChoiceState& choice = choices_[index];
    if (!choice.said) {
      choice.said = true;
      Json first = {{"role", "assistant"}};
      if (!delta.contains("content") && !delta.contains("tool_calls")) first["content"] = "";
      if (delta.contains("tool_calls")) first["content"] = nullptr;
      merge_into(first, delta);
      delta = std::move(first);
    }
    Json one = {{"index", index}, {"delta", std::move(delta)}, {"logprobs", nullptr}};
    one["finish_reason"] = std::move(finish_reason);
    merge_into(one, more);
    return net::sse_data(dump(envelope(Json::array({std::move(one)}))));
  }

  // Told with every chunk are only the two that OpenAI tells so; the rest once.
  void extras(const Json& extra) {
    if (!own() || !extra.is_object()) return;
    for (auto& [index, choice] : choices_) choice.before.clear();
    for (const auto& [name, value] : extra.items())
      (name == "system_fingerprint" || name == "service_tier" ? steady_ : once_)[name] = value;
  }

  std::string write(const Begin& begin) {
    from_ = begin.from;
    extras(begin.extra);
    return {};
  }
  std::string write(const AnswerExtra& extra) {
    extras(extra.extra);
    return {};
  }

  std::string write(const Open& open) {
    ChoiceState& choice = choices_[open.choice];
    choice.parts[open.part] = open.value;
    const Part& part = open.value;
    if (const auto* text = std::get_if<Text>(&part.body)) {
      std::string out = text->text.empty() ? "" : content(open.choice, text->text);
      for (const auto& citation : text->citations) out += cite(open.choice, citation);
      return out;
    }
    if (const auto* refusal = std::get_if<Refusal>(&part.body))
      return refusal->text.empty() ? "" : chunk(open.choice, {{"refusal", refusal->text}});
    if (const auto* thought = std::get_if<Reasoning>(&part.body)) {
      std::string text = thought->text;
      for (const auto& summary : thought->summary) text += (text.empty() ? "" : "\n\n") + summary;
      return reasoning(open.choice, text, true);
    }
    if (const auto* call = std::get_if<ToolCall>(&part.body)) return open_call(open, *call);
    if (const auto* media = std::get_if<Media>(&part.body); media && media->kind == Media::Kind::kImage) {
      const std::string url = media->url.empty() ? data_url(*media) : media->url;
      return chunk(open.choice,
                   {{"images", Json::array({Json{{"type", "image_url"}, {"image_url", {{"url", url}}}}})}});
    }
    if (const auto* media = std::get_if<Media>(&part.body))
      return close_foreign(open.choice, foreign_media(*media, from_));
    return {};
  }

  // A custom tool that the provider knows as a function: its input is known when the arguments are whole.
  bool is_turned_back(const ToolCall& call) const {
    return call.kind == ToolCall::Kind::kFunction && is_custom_tool(request_, call.name);
  }

  std::string open_call(const Open& open, const ToolCall& call) {
    ChoiceState& choice = choices_[open.choice];
    const size_t index = choice.calls.size();
    choice.calls[open.part] = index;
    std::string id = call.id;
    if (id.empty()) {
      id = fmt::format("call_{}_{}_{}", context_.call.substr(context_.call.find('_') + 1), open.choice, open.part);
    }
    Json json = {{"index", index}, {"id", id}};
    const bool turned_back = is_turned_back(call);
    if (turned_back || call.kind == ToolCall::Kind::kCustom) {
      json["type"] = "custom";
      json["custom"] = {{"name", call.name}, {"input", turned_back ? "" : call.arguments}};
    } else {
      json["type"] = "function";
      json["function"] = {{"name", call.name}, {"arguments", call.arguments}};
    }
    return chunk(open.choice, {{"tool_calls", Json::array({std::move(json)})}});
  }

  std::string content(int64_t index, const std::string& text) {
    ChoiceState& choice = choices_[index];
    choice.points += static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
    if (!choice.said || !once_.empty()) return chunk(index, {{"content", text}});
    if (choice.before.empty()) make_frame(index, choice);
    std::string out;
    out.reserve(choice.before.size() + text.size() + 2 + choice.after.size());
    out.append(choice.before);
    append_quoted(out, text);
    return out.append(choice.after);
  }

  // Nearly all chunks differ in their text alone: what stands around it is written once.
  void make_frame(int64_t index, ChoiceState& choice) {
    static constexpr std::string_view kEmpty = R"("delta":{"content":"")";
    const std::string whole = chunk(index, {{"content", ""}});
    const size_t at = whole.find(kEmpty) + kEmpty.size();  // no text can hold it: its quotes would be escaped
    choice.before = whole.substr(0, at - 2);
    choice.after = whole.substr(at);
  }

  static void append_quoted(std::string& out, const std::string& text) {
    const bool plain =
        std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c < 0x80 && c != '"' && c != '\\'; });
    if (!plain) {
      out += dump(Json(text));
      return;
    }
    out.push_back('"');
    out.append(text).push_back('"');
  }

  // Several reasoning parts are one text to the client, a blank line between them.
  std::string reasoning(int64_t index, const std::string& text, bool begins) {
    if (text.empty()) return {};
    ChoiceState& choice = choices_[index];
    const std::string gap = begins && choice.summarised ? "\n\n" : "";
    choice.summarised = true;
    return chunk(index, {{"reasoning_content", gap + text}});
  }

  std::string write(const Append& append) {
    ChoiceState& choice = choices_[append.choice];
    const auto found = choice.parts.find(append.part);
    if (found == choice.parts.end() || append.text.empty()) return {};
    Part& part = found->second;
    if (std::holds_alternative<Text>(part.body)) return content(append.choice, append.text);
    if (std::holds_alternative<Refusal>(part.body)) return chunk(append.choice, {{"refusal", append.text}});
    if (auto* thought = std::get_if<Reasoning>(&part.body)) {
      const bool begins = thought->text.empty();
      thought->text += append.text;
      return reasoning(append.choice, append.text, begins);
    }
    if (auto* call = std::get_if<ToolCall>(&part.body)) {
      if (is_turned_back(*call)) {
        call->arguments += append.text;
        return {};
      }
      const bool custom = call->kind == ToolCall::Kind::kCustom;
      Json json = {{"index", choice.calls[append.part]}};
      json[custom ? "custom" : "function"] = {{custom ? "input" : "arguments", append.text}};
      return chunk(append.choice, {{"tool_calls", Json::array({std::move(json)})}});
    }
    return {};
  }

  std::string write(const Summarise& summarise) {
    ChoiceState& choice = choices_[summarise.choice];
    const auto found = choice.parts.find(summarise.part);
    auto* thought = found == choice.parts.end() ? nullptr : std::get_if<Reasoning>(&found->second.body);
    if (thought == nullptr || summarise.index >= kMaxParts) return {};
    const bool begins = thought->summary.size() <= summarise.index;
    if (begins) thought->summary.resize(summarise.index + 1);
    thought->summary[summarise.index] += summarise.text;
    return reasoning(summarise.choice, summarise.text, begins);
  }

  std::string cite(int64_t choice, const Citation& citation) {
    if (own() && citation.raw.is_null()) return {};  // told in the answer's own list of sources
    return chunk(choice, {{"annotations", Json::array({annotation_of(citation, own())})}});
  }
  std::string write(const Cite& one) { return cite(one.choice, one.citation); }

  std::string write(const Logprobs& told) {
    Json both = {{"content", nullptr}, {"refusal", nullptr}};
    both[told.of_refusal ? "refusal" : "content"] = told.entries;
    return chunk(told.choice, Json::object(), nullptr, {{"logprobs", std::move(both)}});
  }

  std::string write(const Close& close) {
    ChoiceState& choice = choices_[close.choice];
    const auto found = choice.parts.find(close.part);
    if (found == choice.parts.end()) return {};
    Part part = std::move(found->second);
    choice.parts.erase(found);
    if (!close.signature.empty()) part.signature = close.signature;
    if (!close.id.empty()) part.id = close.id;
    merge_into(part.extra, close.extra);
    if (auto* foreign = std::get_if<Foreign>(&part.body)) {
      if (!close.raw.is_null()) foreign->raw = close.raw;
      return close_foreign(close.choice, *foreign);
    }
    const auto* call = std::get_if<ToolCall>(&part.body);
    std::string input;
    if (call != nullptr && is_turned_back(*call))
      input = call_piece(close, {{"custom", {{"input", custom_tool_input(call->arguments)}}}});
    if (part.signature.empty()) return input;
    const std::string sealed = seal_signature(part.signature);
    if (std::holds_alternative<Reasoning>(part.body))
      return chunk(close.choice, {{"reasoning_details", details_of(part, sealed, static_cast<int64_t>(close.part))}});
    const Json proof = {{"google", {{"thought_signature", sealed}}}};
    if (std::holds_alternative<Text>(part.body)) return chunk(close.choice, {{"extra_content", proof}});
    return call == nullptr ? std::string() : input + call_piece(close, {{"extra_content", proof}});
  }

  std::string call_piece(const Close& close, Json members) {
    members["index"] = choices_[close.choice].calls[close.part];
    return chunk(close.choice, {{"tool_calls", Json::array({std::move(members)})}});
  }

  std::string close_foreign(int64_t index, const Foreign& part) {
    if (part.from == Dialect::kChat && part.type == "message") return own() ? chunk(index, part.raw) : std::string();
    const Json entry = foreign_entry(part, choices_[index].points);
    return chunk(index, {{"x_steward", {{"from", to_text(part.from)}, {"parts", Json::array({entry})}}}});
  }

  std::string write(const Finish& finish) {
    const ChoiceState& choice = choices_[finish.choice];
    return chunk(finish.choice, Json::object(), word_of(finish, own(), !choice.calls.empty()),
                 own() ? finish.extra : Json::object());
  }

  std::string write(const UsageTold& usage) {
    usage_raw_ = usage.raw;
    return {};
  }
  std::string write(const ForeignEvent&) { return {}; }

  const Request& request_;  // outlives the answer
  AnswerContext context_;
  bool include_usage_;
  Dialect from_ = Dialect::kChat;
  std::map<int64_t, ChoiceState> choices_;
  Json steady_ = Json::object(), once_ = Json::object(), usage_raw_;
};

}  // namespace

std::unique_ptr<AnswerWriter> make_writer(const Request& request, AnswerContext context) {
  return std::make_unique<Writer>(request, std::move(context));
}

}  // namespace steward::gateway::chat
