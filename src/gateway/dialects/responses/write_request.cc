#include <algorithm>

#include "gateway/dialects/hints.h"
#include "gateway/dialects/responses/responses.h"
#include "gateway/form/reasoning.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

// Models that reason: only these take (and need, where nothing is stored) their reasoning encrypted.
constexpr std::string_view kReasoningModels = "o1*|o3*|o4*|gpt-5*|gpt-6*|*/o1*|*/o3*|*/o4*|*/gpt-5*|*/gpt-6*|*codex*";

bool own(const Request& request) { return request.from == Dialect::kResponses; }

bool chat_tuned(std::string_view model) { return fits_models("gpt-5-chat*|gpt-5.*-chat*", model); }

// Texts of the system that stand before the conversation.
void write_instructions(Json& body, const Request& request) {
  std::string text;
  for (const Message& message : request.messages) {
    if (!message.top_level) continue;
    for (const Part& part : message.parts) {
      if (!text.empty()) text += "\n\n";
      text += std::holds_alternative<Text>(part.body) ? std::get<Text>(part.body).text : std::string();
    }
  }
  if (!text.empty()) body["instructions"] = std::move(text);
}

Status write_limits(Json& body, const Request& request, const OutgoingCall& call) {
  const auto refuse_set = [&](bool set, Setting setting, std::string_view what) -> Status {
    return set ? call.refusals->refuse(setting, what) : Status{};
  };
  constexpr std::string_view kNone = "the Responses API has no such setting; leave it out.";
  if (call.max_output > 0) body["max_output_tokens"] = call.max_output;
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.top_p) body["top_p"] = *request.top_p;
  if (request.top_logprobs) body["top_logprobs"] = *request.top_logprobs;
  if (own(request)) {
    if (request.top_k) body["top_k"] = *request.top_k;
    if (request.seed) body["seed"] = *request.seed;
    if (request.presence_penalty) body["presence_penalty"] = *request.presence_penalty;
    if (request.frequency_penalty) body["frequency_penalty"] = *request.frequency_penalty;
    return {};
  }
  const std::pair<bool, Setting> untold[] = {
      {request.n != 1, Setting::kN},
      {!request.stop.empty(), Setting::kStop},
      {request.seed.has_value(), Setting::kSeed},
      {!request.logit_bias.is_null() && !request.logit_bias.empty(), Setting::kLogitBias},
      {request.presence_penalty.value_or(0) != 0, Setting::kPresencePenalty},
      {request.frequency_penalty.value_or(0) != 0, Setting::kFrequencyPenalty},
  };
  // Some clients send it always (Gemini's own): told as dropped, not refused.
  if (request.top_k) call.refusals->note_dropped(std::string(caller_name(request.from, Setting::kTopK)));
  for (const auto& [set, setting] : untold) {
    if (auto ok = refuse_set(set, setting, kNone); !ok) return ok;
  }
  return {};
}

void write_text(Json& body, const Request& request) {
  if (Json text = text_of(request); !text.empty()) body["text"] = std::move(text);
}

Status write_thinking(Json& body, const Request& request, const OutgoingCall& call) {
  const Thinking& thinking = request.thinking;
  if (thinking.unset()) return {};
  Json reasoning = reasoning_of(thinking, own(request));
  if (peek(request.own, "generate_summary") == true) {
    reasoning["generate_summary"] = thinking.summary;
    reasoning.erase("summary");
  }
  if (!reasoning.empty()) body["reasoning"] = std::move(reasoning);
  if (own(request)) return {};
  return call.refusals->refuse_extra(thinking.extra, caller_name(request.from, Setting::kThinking), "leave it out.");
}

void write_include(Json& body, const Request& request, const OutgoingCall& call) {
  Json include = Json::array();
  // What the model thought comes back with the next turn only if it is asked for here: nothing is kept there for
  // others.
  const bool reasons = fits_models(kReasoningModels, call.model) && !chat_tuned(call.model);
  if (request.include_encrypted_reasoning || (reasons && body["store"] == false))
    include.push_back("reasoning.encrypted_content");
  if (own(request) ? request.own.contains("include_logprobs") : request.logprobs)
    include.push_back("message.output_text.logprobs");
  for (const Json* from : {&request.extra, &request.own}) {
    if (!own(request)) break;
    for (const auto& one : peek(*from, "include")) include.push_back(one);
  }
  if (!include.empty()) body["include"] = std::move(include);
}

void write_words(Json& body, const Request& request) {
  const std::pair<const char*, const std::string&> words[] = {
      {"service_tier", request.service_tier},
      {"user", request.user},
      {"safety_identifier", request.safety_identifier},
      {"prompt_cache_key", request.prompt_cache_key},
      {"prompt_cache_retention", request.prompt_cache_retention}};
  for (const auto& [name, value] : words) {
    if (!value.empty()) body[name] = value;
  }
  if (!request.metadata.is_null()) body["metadata"] = request.metadata;
  if (own(request) && request.cache) body["prompt_cache_options"] = request.cache->extra;
  // Whatever state there is, is kept here: the provider keeps nothing unless its own dialect's caller says so.
  if (!own(request))
    body["store"] = false;
  else if (request.store)
    body["store"] = *request.store;
}

Status write_extra(Json& body, const Request& request, const OutgoingCall& call) {
  if (!own(request)) {
    tell_hints(request, {Setting::kCache}, *call.refusals);
    tell_cache_marks(request, *call.refusals);
    if (auto ok = call.refusals->refuse_extra(request.format.extra, caller_name(request.from, Setting::kFormat),
                                              "leave it out.");
        !ok)
      return ok;
    return call.refusals->refuse_extra(request.extra, "", "leave it out.");
  }
  for (const Json* from : {&request.extra, &request.own}) {
    if (!from->is_object()) continue;
    for (const auto& [name, value] : from->items()) {
      static constexpr std::string_view kNotes[] = {"include", "include_logprobs", "generate_summary", "echo"};
      if (std::ranges::find(kNotes, name) != std::end(kNotes)) continue;
      if (name == "text")
        merge_members(body["text"], value);
      else
        body[name] = value;
    }
  }
  return {};
}

}  // namespace

Json text_of(const Request& request) {
  Json text = Json::object();
  const Format& format = request.format;
  if (format.kind == Format::Kind::kText) text["format"] = {{"type", "text"}};
  if (format.kind == Format::Kind::kJson) text["format"] = {{"type", "json_object"}};
  if (format.kind == Format::Kind::kSchema) {
    Json schema = {{"type", "json_schema"}, {"name", format.name.empty() ? "answer" : format.name}};
    if (!format.description.empty()) schema["description"] = format.description;
    schema["schema"] = format.schema;
    if (format.strict) schema["strict"] = *format.strict;
    text["format"] = std::move(schema);
  }
  if (own(request) && !format.extra.empty()) merge_members(text["format"], format.extra);
  if (!request.verbosity.empty()) text["verbosity"] = request.verbosity;
  return text;
}

Json reasoning_of(const Thinking& thinking, bool is_own) {
  Json out = Json::object();
  const std::string effort = is_own ? thinking.effort : effort_asked(thinking);
  if (!effort.empty()) out["effort"] = effort == "max" && !is_own ? "xhigh" : effort;
  if (!thinking.summary.empty())
    out["summary"] = thinking.summary;
  else if (!is_own && thinking.show == true)
    out["summary"] = "auto";
  if (is_own) merge_members(out, thinking.extra);
  return out;
}

Result<Json> write_request(const Request& request, const OutgoingCall& call) {
  Json body = {{"model", call.model}};
  write_instructions(body, request);
  auto input = write_input(request, call);
  if (!input) return input;
  if (!input->empty() || request.own.is_null()) body["input"] = std::move(*input);
  if (auto ok = write_tools(body, request, *call.refusals); !ok) return fail(std::move(ok.error()));
  for (auto* write : {write_limits, write_thinking}) {
    if (auto ok = write(body, request, call); !ok) return fail(std::move(ok.error()));
  }
  write_text(body, request);
  write_words(body, request);
  write_include(body, request, call);
  if (call.stream) body["stream"] = true;
  if (auto ok = write_extra(body, request, call); !ok) return fail(std::move(ok.error()));
  if (!call.stream) body.erase("stream_options");
  return body;
}

}  // namespace steward::gateway::responses
