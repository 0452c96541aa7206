#include <algorithm>
#include <map>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"
#include "net/sse.h"

namespace steward::gateway::gemini {
namespace {

std::string answer_id(const AnswerContext& context) { return context.call.substr(context.call.find('_') + 1); }

std::string shown(const Reasoning& reasoning) {
  std::string out = reasoning.text;
  for (const auto& summary : reasoning.summary) out += (out.empty() ? "" : "\n\n") + summary;
  return out;
}

void sign(Json& part, const Signature& signature) {
  if (!signature.empty()) part["thoughtSignature"] = seal(signature);
}

Json call_json(const ToolCall& call) {
  Json inside = Json::object();
  if (!call.id.empty()) inside["id"] = call.id;
  inside["name"] = call.name;
  inside["args"] =
      args_of(call.kind == ToolCall::Kind::kCustom ? custom_tool_arguments(call.arguments) : call.arguments);
  return {{"functionCall", std::move(inside)}};
}

Json media_json(const Media& media) {
  Json inside = {{"mimeType", media.mime}};
  if (!media.data.empty()) {
    inside["data"] = media.data;
    return {{"inlineData", std::move(inside)}};
  }
  inside["fileUri"] = media.url.empty() ? media.file_id : media.url;
  return {{"fileData", std::move(inside)}};
}

// A whole part; null where there is nothing to say.
Json part_json(const Part& part, Dialect from) {
  Json json;
  if (const auto* text = std::get_if<Text>(&part.body)) json = {{"text", text->text}};
  if (const auto* refusal = std::get_if<Refusal>(&part.body)) json = {{"text", refusal->text}};
  if (const auto* call = std::get_if<ToolCall>(&part.body)) json = call_json(*call);
  if (const auto* media = std::get_if<Media>(&part.body)) json = media_json(*media);
  if (const auto* thought = std::get_if<Reasoning>(&part.body)) json = {{"text", shown(*thought)}, {"thought", true}};
  if (const auto* foreign = std::get_if<Foreign>(&part.body)) {
    json =
        foreign->from == Dialect::kGemini
            ? foreign->raw
            : Json{{"x_steward", {{"from", to_text(foreign->from)}, {"type", foreign->type}, {"raw", foreign->raw}}}};
  }
  if (json.is_null()) return json;
  if (from == Dialect::kGemini) {
    for (const auto& [name, value] : part.extra.items()) json[name] = value;
  }
  sign(json, part.signature);
  return json;
}

Json finish_json(const Finish& finish, bool own, const std::vector<Citation>& citations, const std::string& text) {
  Json out = {{"finishReason", word_of(finish, own)}};
  if (own) {
    for (const auto& [name, value] : finish.extra.items()) out[name] = value;
  } else if (!citations.empty()) {
    out["groundingMetadata"] = grounding_of(citations, text);
  }
  return out;
}

class Writer final : public AnswerWriter {
 public:
  explicit Writer(AnswerContext context) : context_(std::move(context)) {}

  std::string delta(const Delta& delta) override {
    return std::visit([this](const auto& one) { return write(one); }, delta);
  }

  // How each choice ended is told with the usage, as Google does.
  std::string finish(const ledger::Usage& usage, const Json& report) override {
    Json last = envelope(std::move(ended_));
    last["usageMetadata"] = write_usage(usage, own() ? usage_raw_ : Json());
    last["steward"] = report;
    return net::sse_data(dump(last));
  }

  std::string fail(const Error& error) override { return net::sse_data(dump(write_error(error))); }

  // Google's own clients take no comments: a chunk with nothing in it.
  std::string keep_alive() const override { return net::sse_data(R"({"candidates":[]})"); }

 private:
  struct ChoiceState {
    std::map<size_t, Part> parts;  // open ones
    std::vector<Citation> citations;
    std::string text;
    bool thought = false;
  };

  bool own() const { return from_ == Dialect::kGemini; }

  Json envelope(Json candidates) {
    Json out = {
        {"candidates", std::move(candidates)}, {"modelVersion", context_.model}, {"responseId", answer_id(context_)}};
    for (const auto& [name, value] : extra_.items()) out[name] = value;
    extra_ = Json::object();
    return out;
  }

  std::string chunk(int64_t index, Json part, Json more = Json::object()) {
    Json candidate = {{"content", {{"role", "model"}, {"parts", Json::array()}}}, {"index", index}};
    if (!part.is_null()) candidate["content"]["parts"].push_back(std::move(part));
    for (const auto& [name, value] : more.items()) candidate[name] = value;
    return net::sse_data(dump(envelope(Json::array({std::move(candidate)}))));
  }

  void extras(const Json& extra) {
    if (!own() || !extra.is_object()) return;
    for (const auto& [name, value] : extra.items()) extra_[name] = value;
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
    Part& part = choice.parts[open.part] = open.value;
    if (auto* text = std::get_if<Text>(&part.body)) {
      for (const auto& citation : text->citations) choice.citations.push_back(citation);
      const std::string said = std::exchange(text->text, {});
      return said.empty() ? "" : write(Append{.choice = open.choice, .part = open.part, .text = said});
    }
    if (auto* thought = std::get_if<Reasoning>(&part.body)) {
      const std::string said = shown(*thought);
      *thought = Reasoning{.summary = {}, .redacted = thought->redacted};
      return said.empty() ? "" : write(Append{.choice = open.choice, .part = open.part, .text = said});
    }
    return {};
  }

  std::string write(const Append& append) {
    ChoiceState& choice = choices_[append.choice];
    const auto found = choice.parts.find(append.part);
    if (found == choice.parts.end() || append.text.empty()) return {};
    if (auto* call = std::get_if<ToolCall>(&found->second.body)) {
      call->arguments += append.text;
      return {};
    }
    Json part = {{"text", append.text}};
    if (std::holds_alternative<Reasoning>(found->second.body))
      part["thought"] = true;
    else
      choice.text += append.text;
    return chunk(append.choice, std::move(part));
  }

  std::string write(const Summarise& summarise) {
    const std::string gap = summarise.index > summaries_[{summarise.choice, summarise.part}] ? "\n\n" : "";
    summaries_[{summarise.choice, summarise.part}] = summarise.index;
    if (summarise.text.empty()) return {};
    return chunk(summarise.choice, {{"text", gap + summarise.text}, {"thought", true}});
  }

  std::string write(const Cite& cite) {
    choices_[cite.choice].citations.push_back(cite.citation);
    return {};
  }

  std::string write(const Logprobs& told) {
    return chunk(told.choice, Json(), {{"logprobsResult", logprobs_result(told.entries)}});
  }

  std::string write(const Close& close) {
    ChoiceState& choice = choices_[close.choice];
    const auto found = choice.parts.find(close.part);
    if (found == choice.parts.end()) return {};
    Part part = std::move(found->second);
    choice.parts.erase(found);
    if (!close.signature.empty()) part.signature = close.signature;
    for (const auto& [name, value] : close.extra.items()) part.extra[name] = value;
    if (auto* foreign = std::get_if<Foreign>(&part.body); foreign && !close.raw.is_null()) foreign->raw = close.raw;
    const bool told = std::holds_alternative<Text>(part.body) || std::holds_alternative<Refusal>(part.body) ||
                      std::holds_alternative<Reasoning>(part.body);
    if (told && part.signature.empty()) return {};
    return chunk(close.choice, part_json(part, from_));  // of texts only the signature is left to tell
  }

  std::string write(const Finish& finish) {
    const ChoiceState& choice = choices_[finish.choice];
    Json candidate = {{"content", {{"role", "model"}, {"parts", Json::array({Json{{"text", ""}}})}}},
                      {"index", finish.choice}};
    const Json ended = finish_json(finish, own(), choice.citations, choice.text);
    for (const auto& [name, value] : ended.items()) candidate[name] = value;
    ended_.push_back(std::move(candidate));
    return {};
  }

  std::string write(const UsageTold& usage) {
    usage_raw_ = usage.raw;
    return {};
  }
  std::string write(const ForeignEvent&) { return {}; }

  AnswerContext context_;
  Dialect from_ = Dialect::kChat;
  std::map<int64_t, ChoiceState> choices_;
  std::map<std::pair<int64_t, size_t>, size_t> summaries_;
  Json extra_ = Json::object(), ended_ = Json::array(), usage_raw_;
};

Json details(int64_t all, int64_t image, int64_t audio) {
  Json out = Json::array({Json{{"modality", "TEXT"}, {"tokenCount", std::max<int64_t>(all - image - audio, 0)}}});
  if (image > 0) out.push_back({{"modality", "IMAGE"}, {"tokenCount", image}});
  if (audio > 0) out.push_back({{"modality", "AUDIO"}, {"tokenCount", audio}});
  return out;
}

}  // namespace

std::string word_of(const Finish& finish, bool own) {
  if (own && !finish.raw.empty()) return finish.raw;
  switch (finish.reason) {
    case FinishReason::kLength: return "MAX_TOKENS";
    case FinishReason::kContentFilter:
    case FinishReason::kRefusal: return "SAFETY";
    case FinishReason::kOther: return "OTHER";
    case FinishReason::kStop:
    case FinishReason::kStopSequence:
    case FinishReason::kToolCalls:
    case FinishReason::kPause: break;
  }
  return "STOP";
}

Json write_usage(const ledger::Usage& usage, const Json& raw) {
  // Google counts thoughts, and what tools brought in, apart.
  const int64_t tools =
      raw.is_object() ? std::min(peek_integer(raw, "toolUsePromptTokenCount"), usage.prompt_tokens) : 0;
  Json out = {{"promptTokenCount", usage.prompt_tokens - tools},
              {"candidatesTokenCount", usage.completion_tokens - usage.reasoning_tokens},
              {"totalTokenCount", usage.prompt_tokens + usage.completion_tokens}};
  if (tools > 0) out["toolUsePromptTokenCount"] = tools;
  if (usage.cached_tokens > 0) out["cachedContentTokenCount"] = usage.cached_tokens;
  if (usage.reasoning_tokens > 0) out["thoughtsTokenCount"] = usage.reasoning_tokens;
  out["promptTokensDetails"] = details(usage.prompt_tokens - tools, usage.image_input_tokens, usage.audio_input_tokens);
  if (usage.service != ledger::ServiceLevel::kDefault) out["serviceTier"] = ledger::to_text(usage.service);
  if (!raw.is_object()) return out;
  for (const auto& [name, value] : raw.items()) {
    if (!out.contains(name) || name == "promptTokensDetails") out[name] = value;
  }
  return out;
}

std::unique_ptr<AnswerWriter> make_writer(const Request&, AnswerContext context) {
  return std::make_unique<Writer>(std::move(context));
}

Json write_answer(const WholeAnswer& answer, const Request&, const AnswerContext& context, const ledger::Usage& usage,
                  const Json&) {
  const bool own = answer.begin.from == Dialect::kGemini;
  Json candidates = Json::array();
  for (const auto& [index, choice] : answer.choices) {
    Json parts = Json::array();
    std::vector<Citation> citations;
    std::string text;
    for (const Part& part : choice.parts) {
      if (const auto* one = std::get_if<Text>(&part.body)) {
        text += one->text;
        citations.insert(citations.end(), one->citations.begin(), one->citations.end());
      }
      if (Json json = part_json(part, answer.begin.from); !json.is_null()) parts.push_back(std::move(json));
    }
    Json candidate = {{"content", {{"role", "model"}, {"parts", std::move(parts)}}}, {"index", index}};
    const Json ended = finish_json(choice.finish.value_or(Finish{}), own, citations, text);
    for (const auto& [name, value] : ended.items()) candidate[name] = value;
    if (const Json& entries = peek(choice.logprobs, "content"); entries.is_array())
      candidate["logprobsResult"] = logprobs_result(entries);
    candidates.push_back(std::move(candidate));
  }
  Json body = {{"candidates", std::move(candidates)},
               {"usageMetadata", write_usage(usage, own && answer.usage ? answer.usage->raw : Json())},
               {"modelVersion", context.model},
               {"responseId", answer_id(context)}};
  if (own) {
    for (const auto& [name, value] : answer.begin.extra.items()) body[name] = value;
  }
  return body;
}

}  // namespace steward::gateway::gemini
