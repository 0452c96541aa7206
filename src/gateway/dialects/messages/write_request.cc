#include <algorithm>

#include "gateway/dialects/hints.h"
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {
namespace {

Status refuse_sampling(const Request& request, Refusals& refusals) {
  struct Case {
    bool asked;
    Setting setting;
    std::string_view advice;
  };
  const Case cases[] = {
      {request.n > 1, Setting::kN, "one answer comes a call; make the call several times."},
      {request.logprobs || request.top_logprobs.value_or(0) > 0, Setting::kLogprobs,
       "leave it out; no model of Anthropic tells them."},
      {request.presence_penalty.value_or(0) != 0, Setting::kPresencePenalty,
       "leave it out, or ask a model of another provider."},
      {request.frequency_penalty.value_or(0) != 0, Setting::kFrequencyPenalty,
       "leave it out, or ask a model of another provider."},
      {request.seed.has_value(), Setting::kSeed, "answers can't be made repeatable; leave it out."},
      {request.logit_bias.is_object() && !request.logit_bias.empty(), Setting::kLogitBias,
       "leave it out, or ask a model of another provider."},
      {request.temperature.value_or(0) > 1, Setting::kTemperature, "it must be at most 1."},
      {!request.verbosity.empty() && request.verbosity != "medium", Setting::kVerbosity,
       "say in the instructions how long the answer should be."},
      {request.format.kind == Format::Kind::kJson, Setting::kFormat,
       "give a JSON Schema (json_schema) instead of json_object."},
  };
  const bool own = request.from == Dialect::kMessages;
  for (const Case& one : cases) {
    if (!one.asked || (own && one.setting == Setting::kTemperature)) continue;
    if (auto ok = refusals.refuse(one.setting, one.advice); !ok) return ok;
  }
  return {};
}

// One name of whom the call is for goes out, and a mark on the whole request only with a time.
void tell_unwritten(const Request& request, const Json& body, Refusals& refusals) {
  tell_hints(request, {Setting::kPromptCacheKey, Setting::kPromptCacheRetention, Setting::kMetadata}, refusals);
  if (!request.user.empty()) tell_hints(request, {Setting::kSafetyIdentifier}, refusals);
  if (!body.contains("cache_control")) tell_hints(request, {Setting::kCache}, refusals);
}

Status write_tier(Json& body, const Request& request, Refusals& refusals) {
  const std::string& tier = request.service_tier;
  if (tier.empty()) return {};
  if (tier == "auto" || tier == "priority") {
    body["service_tier"] = "auto";  // the priority tier where the account has it
    return {};
  }
  if (tier == "default" || tier == "standard") {
    body["service_tier"] = "standard_only";
    return {};
  }
  if (request.from == Dialect::kMessages) {
    body["service_tier"] = tier;
    return {};
  }
  return refusals.refuse(Setting::kServiceTier, "it must be auto or default.");
}

void write_format(Json& body, const Request& request) {
  const Format& format = request.format;
  if (format.kind != Format::Kind::kSchema) return;
  Json out = {{"type", "json_schema"}, {"schema", format.schema}};
  if (request.from == Dialect::kMessages) {
    put(out, "name", format.name);
    merge_into(out, format.extra);
  } else if (!format.description.empty() && !format.schema.contains("description")) {
    out["schema"]["description"] = format.description;
  }
  body["output_config"]["format"] = std::move(out);
}

void write_sampling(Json& body, const Request& request) {
  const bool own = request.from == Dialect::kMessages;
  if (request.temperature && (own || *request.temperature <= 1)) body["temperature"] = *request.temperature;
  if (request.top_p) body["top_p"] = *request.top_p;
  if (request.top_k) body["top_k"] = *request.top_k;
  if (!request.stop.empty()) body["stop_sequences"] = request.stop;
}

Status write_rest(Json& body, const Request& request, const OutgoingCall& call) {
  if (request.from != Dialect::kMessages) {
    if (auto ok = call.refusals->refuse_extra(request.format.extra, caller_name(request.from, Setting::kFormat),
                                              "leave it out.");
        !ok)
      return ok;
    return call.refusals->refuse_extra(request.extra, "", "Messages has no such member; leave it out.");
  }
  merge_into(body, request.own);
  for (const auto& [name, value] : request.extra.items()) {
    if (name == "metadata" || name == "output_config")
      merge_into(body[name], value);
    else
      body[name] = value;
  }
  return {};
}

}  // namespace

Json bedrock_body(Json body, const std::vector<std::string>& betas) {
  body.erase("model");
  body.erase("stream");
  Json out = {{"anthropic_version", kBedrockVersion}};
  merge_into(out, body);
  if (!betas.empty()) out["anthropic_beta"] = betas;
  return out;
}

Result<Json> write_request(const Request& request, const OutgoingCall& call) {
  Json body = {{"model", call.model}, {"max_tokens", call.max_output}};
  if (auto ok = refuse_sampling(request, *call.refusals); !ok) return fail(std::move(ok.error()));
  for (auto* write : {write_messages, write_tools, write_thinking}) {
    if (auto ok = write(body, request, call); !ok) return fail(std::move(ok.error()));
  }
  write_sampling(body, request);
  write_format(body, request);
  if (auto ok = write_tier(body, request, *call.refusals); !ok) return fail(std::move(ok.error()));
  const std::string& who = request.user.empty() ? request.safety_identifier : request.user;
  if (!who.empty()) body["metadata"]["user_id"] = who;
  const bool own = request.from == Dialect::kMessages;
  if (request.cache && (own || request.cache->extra.empty() || !request.cache->ttl.empty()))
    body["cache_control"] = cache_control(*request.cache, own);
  if (!own) tell_unwritten(request, body, *call.refusals);
  if (auto ok = write_rest(body, request, call); !ok) return fail(std::move(ok.error()));
  if (call.profile->dialect == ProviderDialect::kBedrock) return bedrock_body(std::move(body), request.betas);
  if (call.stream) body["stream"] = true;
  return body;
}

}  // namespace steward::gateway::messages
