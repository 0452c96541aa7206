#include <algorithm>

#include "gateway/dialects/chat/chat.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

size_t points_in(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string call_id(const std::string& given, const AnswerContext& context, int64_t choice, size_t part) {
  if (!given.empty()) return given;
  const std::string tail = context.call.substr(context.call.find('_') + 1);
  return fmt::format("call_{}_{}_{}", tail, choice, part);
}

Json call_json(const ToolCall& call, const std::string& id, const Request& request) {
  const bool custom = call.kind == ToolCall::Kind::kCustom;
  if (custom || is_custom_tool(request, call.name)) {
    const std::string input = custom ? call.arguments : custom_tool_input(call.arguments);
    return {{"id", id}, {"type", "custom"}, {"custom", {{"name", call.name}, {"input", input}}}};
  }
  return {{"id", id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

void add_signature(Json& json, const Signature& signature) {
  if (!signature.empty()) json["extra_content"]["google"]["thought_signature"] = seal_signature(signature);
}

void add_foreign(Json& message, const Foreign& part, size_t at, Dialect from) {
  if (part.from == Dialect::kChat && part.type == "message") {
    if (from == Dialect::kChat) merge_into(message, part.raw);
    return;
  }
  Json& steward = message["x_steward"];
  if (steward.is_null()) steward = {{"from", to_text(part.from)}, {"parts", Json::array()}};
  steward["parts"].push_back(foreign_entry(part, at));
}

Json image_json(const Media& media) {
  return {{"type", "image_url"}, {"image_url", {{"url", media.url.empty() ? data_url(media) : media.url}}}};
}

// Signed and encrypted reasoning, so that the caller can give it back.
Json sealed_details(const Part& part, size_t index) {
  if (part.signature.empty()) return Json::array();
  return details_of(part, seal_signature(part.signature), static_cast<int64_t>(index));
}

std::string shown(const Reasoning& reasoning) {
  std::string out = reasoning.text;
  for (const auto& summary : reasoning.summary) out += (out.empty() ? "" : "\n\n") + summary;
  return out;
}

Json extras_of(const Begin& begin) { return begin.from == Dialect::kChat ? begin.extra : Json::object(); }

void echo(Json& body, const Request& request) {
  if (request.metadata.is_object()) body["metadata"] = request.metadata;
}

Json message_of(const Choice& choice, const Request& request, const AnswerContext& context, Dialect from) {
  Json message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  std::string text, reasoning, refusal;
  bool said = false;
  Json calls = Json::array(), details = Json::array(), annotations = Json::array(), images = Json::array();
  for (size_t i = 0; i < choice.parts.size(); ++i) {
    const Part& part = choice.parts[i];
    if (const auto* one = std::get_if<Text>(&part.body)) {
      text += one->text;
      said = true;
      add_signature(message, part.signature);
      for (const auto& citation : one->citations) {
        if (from != Dialect::kChat || !citation.raw.is_null())
          annotations.push_back(annotation_of(citation, from == Dialect::kChat));
      }
    } else if (const auto* no = std::get_if<Refusal>(&part.body)) {
      refusal += no->text;
    } else if (const auto* thought = std::get_if<Reasoning>(&part.body)) {
      const std::string more = shown(*thought);
      reasoning += (reasoning.empty() || more.empty() ? "" : "\n\n") + more;
      for (auto& entry : sealed_details(part, i)) details.push_back(std::move(entry));
    } else if (const auto* call = std::get_if<ToolCall>(&part.body)) {
      Json json = call_json(*call, call_id(call->id, context, choice.index, i), request);
      add_signature(json, part.signature);
      calls.push_back(std::move(json));
    } else if (const auto* media = std::get_if<Media>(&part.body)) {
      if (media->kind == Media::Kind::kImage)
        images.push_back(image_json(*media));
      else
        add_foreign(message, foreign_media(*media, from), points_in(text), from);
    } else if (const auto* foreign = std::get_if<Foreign>(&part.body)) {
      add_foreign(message, *foreign, points_in(text), from);
    }
  }
  if (said || (calls.empty() && refusal.empty())) message["content"] = text;
  if (!refusal.empty()) message["refusal"] = refusal;
  if (!reasoning.empty()) message["reasoning_content"] = reasoning;
  if (!details.empty()) message["reasoning_details"] = std::move(details);
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  if (!annotations.empty()) message["annotations"] = std::move(annotations);
  if (!images.empty()) message["images"] = std::move(images);
  return message;
}

bool has_calls(const Choice& choice) {
  return std::ranges::any_of(choice.parts,
                             [](const Part& part) { return std::holds_alternative<ToolCall>(part.body); });
}

}  // namespace

Json foreign_entry(const Foreign& part, size_t at) { return {{"type", part.type}, {"raw", part.raw}, {"at", at}}; }

Foreign foreign_media(const Media& media, Dialect from) {
  Json raw = {{"mime", media.mime}};
  (media.data.empty() ? raw["url"] : raw["data"]) = media.data.empty() ? media.url : media.data;
  return {.from = from, .type = std::string(kMediaPart), .raw = std::move(raw)};
}

std::string answer_id(const AnswerContext& context) {
  return "chatcmpl-" + context.call.substr(context.call.find('_') + 1);
}

std::string_view word_of(const Finish& finish, bool own, bool has_calls) {
  static constexpr std::string_view kWords[] = {"stop", "length", "tool_calls", "content_filter", "function_call"};
  if (own && std::ranges::find(kWords, finish.raw) != std::end(kWords)) return finish.raw;
  switch (finish.reason) {
    case FinishReason::kLength: return "length";
    case FinishReason::kToolCalls: return "tool_calls";
    case FinishReason::kContentFilter: return "content_filter";
    case FinishReason::kRefusal: return own ? "stop" : "content_filter";
    case FinishReason::kStop:
    case FinishReason::kStopSequence:
    case FinishReason::kPause:
    case FinishReason::kOther: break;
  }
  return has_calls && !own ? "tool_calls" : "stop";
}

Json write_answer(const WholeAnswer& answer, const Request& request, const AnswerContext& context,
                  const ledger::Usage& usage, const Json& report) {
  const bool own = answer.begin.from == Dialect::kChat;
  Json choices = Json::array();
  for (const auto& [index, choice] : answer.choices) {
    Json one = {{"index", index}, {"message", message_of(choice, request, context, answer.begin.from)}};
    one["logprobs"] = choice.logprobs;
    const Finish finish = choice.finish.value_or(Finish{});
    one["finish_reason"] = word_of(finish, own, has_calls(choice));
    if (own) merge_into(one, finish.extra);
    choices.push_back(std::move(one));
  }
  Json body = {
      {"id", answer_id(context)},      {"object", "chat.completion"},
      {"created", context.now},        {"model", context.model},
      {"choices", std::move(choices)}, {"usage", write_usage(usage, own && answer.usage ? answer.usage->raw : Json())}};
  merge_into(body, extras_of(answer.begin));
  if (usage.service != ledger::ServiceLevel::kDefault && !body.contains("service_tier"))
    body["service_tier"] = ledger::to_text(usage.service);
  echo(body, request);
  (void)report;  // whole answers tell it in headers
  return body;
}

}  // namespace steward::gateway::chat
