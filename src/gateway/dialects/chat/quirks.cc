// Where a provider departs from the dialect, as its profile has it: applied to the finished body.
#include <algorithm>

#include "gateway/dialects/chat/chat.h"
#include "gateway/dialects/hints.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

// What the caller calls a field of this dialect.
std::string caller_word(const Request& request, std::string_view field) {
  static constexpr std::pair<std::string_view, Setting> kSettings[] = {
      {"tools", Setting::kTools},
      {"tool_choice", Setting::kToolChoice},
      {"stop", Setting::kStop},
      {"seed", Setting::kSeed},
      {"logit_bias", Setting::kLogitBias},
      {"presence_penalty", Setting::kPresencePenalty},
      {"frequency_penalty", Setting::kFrequencyPenalty},
      {"temperature", Setting::kTemperature},
      {"top_p", Setting::kTopP},
      {"top_k", Setting::kTopK},
      {"n", Setting::kN},
      {"metadata", Setting::kMetadata},
      {"user", Setting::kUser},
      {"verbosity", Setting::kVerbosity},
      {"service_tier", Setting::kServiceTier},
      {"prompt_cache_key", Setting::kPromptCacheKey},
      {"prompt_cache_retention", Setting::kPromptCacheRetention}};
  for (const auto& [name, setting] : kSettings) {
    if (name == field) return std::string(caller_name(request.from, setting));
  }
  return std::string(field);
}

Status apply_field(Json& body, const FieldRule& rule, const Request& request, const OutgoingCall& call) {
  const std::string name(rule.field);
  if (!body.contains(name) || (!rule.models.empty() && !fits_models(rule.models, call.model))) return {};
  if (rule.action == FieldAction::kRename) {
    Json value = std::move(body[name]);
    body.erase(name);
    body[std::string(rule.to)] = std::move(value);
    return {};
  }
  const bool usual = !rule.as_usual.empty() && body[name].is_string() &&
                     fits_models(rule.as_usual, body[name].get_ref<const std::string&>());
  if (rule.action == FieldAction::kDrop && body[name] != false)  // `store`: nothing is kept anyway
    call.refusals->note_dropped(caller_word(request, rule.field));
  if (rule.action == FieldAction::kRefuse && !usual) {
    if (auto ok = call.refusals->refuse(caller_word(request, rule.field), fmt::format("{}.", rule.advice)); !ok)
      return ok;
  }
  body.erase(name);
  return {};
}

Status apply_value(Json& body, const ValueRule& rule, const Request& request, const OutgoingCall& call) {
  const std::string name(rule.field);
  if (!body.contains(name) || body[name] != std::string(rule.from)) return {};
  if (!rule.to.empty()) {
    body[name] = std::string(rule.to);
    return {};
  }
  if (auto ok = call.refusals->refuse(caller_word(request, rule.field),
                                      fmt::format("it doesn't take '{}' here; leave it out.", rule.from));
      !ok)
    return ok;
  body.erase(name);
  return {};
}

Status apply_bounds(Json& body, const Request& request, const OutgoingCall& call) {
  const Quirks& quirks = call.profile->quirks;
  Refusals& refusals = *call.refusals;
  if (quirks.max_choices > 0 && request.n > quirks.max_choices && !call.profile->name.empty()) {
    if (auto ok = refusals.refuse(
            Setting::kN, fmt::format("it makes at most {} answers a call: call again for more.", quirks.max_choices));
        !ok)
      return ok;
    body.erase("n");
  }
  if (quirks.max_stops > 0 && std::cmp_greater(request.stop.size(), quirks.max_stops)) {
    if (auto ok = refusals.refuse(Setting::kStop, fmt::format("it takes at most {} strings.", quirks.max_stops)); !ok)
      return ok;
    body["stop"].erase(body["stop"].begin() + quirks.max_stops, body["stop"].end());
  }
  if (request.temperature && *request.temperature > quirks.max_temperature) {
    if (auto ok = refusals.refuse(Setting::kTemperature, fmt::format("it takes at most {}.", quirks.max_temperature));
        !ok)
      return ok;
    body["temperature"] = quirks.max_temperature;
  }
  if (request.logprobs && !quirks.logprobs && !call.profile->name.empty()) {
    if (auto ok = refusals.refuse(Setting::kLogprobs, "it tells no probabilities; leave it out."); !ok) return ok;
    body.erase("logprobs");
    body.erase("top_logprobs");
  }
  return {};
}

}  // namespace

bool takes_custom_tools(const OutgoingCall& call) { return call.profile->quirks.custom_tools; }

Status apply_quirks(Json& body, const Request& request, const OutgoingCall& call) {
  if (auto ok = apply_bounds(body, request, call); !ok) return ok;
  for (const auto& rule : call.profile->quirks.values) {
    if (rule.field.empty()) continue;
    if (auto ok = apply_value(body, rule, request, call); !ok) return ok;
  }
  for (const auto& rule : call.profile->quirks.fields) {
    if (rule.field.empty()) continue;
    if (auto ok = apply_field(body, rule, request, call); !ok) return ok;
  }
  return {};
}

// The embedded engine takes what it knows and nothing else.
Status refuse_unknown(const Request& request, const OutgoingCall& call) {
  for (const auto& [name, value] : request.extra.items()) {
    if (const auto never = never_passed_on(request.from, name, value); !never.empty()) {
      if (auto ok = refuse_never(name, never, *call.refusals); !ok) return ok;
      continue;
    }
    const std::string near = nearest_field(name);
    const bool misspelled = !near.empty() && near != name;
    const std::string why = misspelled ? fmt::format("it is no field of this request; did you mean '{}'?", near)
                                       : std::string("leave it out, or use a provider's model.");
    if (auto ok = call.refusals->refuse(name.substr(0, 100), why); !ok) return ok;
  }
  const std::pair<Setting, const std::string&> words[] = {
      {Setting::kVerbosity, request.verbosity}, {Setting::kPromptCacheRetention, request.prompt_cache_retention}};
  for (const auto& [setting, value] : words) {
    if (value.empty()) continue;
    if (auto ok = call.refusals->refuse(setting, "leave it out, or use a provider's model."); !ok) return ok;
  }
  return {};
}

}  // namespace steward::gateway::chat
