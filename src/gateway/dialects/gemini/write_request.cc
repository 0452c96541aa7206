#include <algorithm>
#include <map>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/dialects/hints.h"
#include "gateway/form/custom_tools.h"
#include "gateway/form/reasoning.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

bool own(const Request& request) { return request.from == Dialect::kGemini; }

Json function_of(const Tool& tool, bool own) {
  Json json = {{"name", tool.name}};
  if (tool.kind == Tool::Kind::kCustom) {
    json["description"] = custom_tool_description(tool);
    json["parametersJsonSchema"] = custom_tool_schema();
    return json;
  }
  if (!tool.description.empty()) json["description"] = tool.description;
  if (own && !peek(tool.own, "parameters").is_null())
    json["parameters"] = tool.own["parameters"];
  else if (!tool.parameters.is_null())
    json["parametersJsonSchema"] = tool.parameters;
  if (!own) return json;
  for (const auto& [name, value] : tool.extra.items()) json[name] = value;
  return json;
}

// Where not all tools may be called, the others aren't offered; ANY alone takes a list of names.
bool is_offered(const Request& request, const Tool& tool) {
  const ToolChoice& choice = request.tool_choice;
  if (choice.kind != ToolChoice::Kind::kAllowed || choice.must || own(request)) return true;
  return std::ranges::find(choice.names, tool.name) != choice.names.end();
}

Status write_tools(Json& body, const Request& request, const OutgoingCall& call) {
  std::map<int64_t, Json> groups;  // as the caller grouped them; else one of functions
  for (size_t i = 0; i < request.tools.size(); ++i) {
    const Tool& tool = request.tools[i];
    if (tool.kind == Tool::Kind::kHosted && !own(request)) {
      if (auto ok = call.refusals->leave_out_hosted(request, i); !ok) return ok;
      continue;
    }
    if (!is_offered(request, tool)) continue;
    Json& group = groups[own(request) ? peek_integer(tool.own, "at") : 0];
    if (tool.kind == Tool::Kind::kHosted) {
      for (const auto& [name, value] : tool.extra.items()) group[name] = value;
      continue;
    }
    if (!own(request)) {
      Json rest = tool.extra;
      if (tool.kind == Tool::Kind::kCustom) rest.erase("format");  // it is told in the description
      const std::string at = fmt::format("{}[{}]", caller_name(request.from, Setting::kTools), i);
      if (auto ok = call.refusals->refuse_extra(rest, at, "leave it out."); !ok) return ok;
    }
    group["functionDeclarations"].push_back(function_of(tool, own(request)));
  }
  for (auto& [at, group] : groups) body["tools"].push_back(std::move(group));
  return {};
}

Status write_choice(Json& body, const Request& request, const OutgoingCall& call) {
  const ToolChoice& choice = request.tool_choice;
  using Kind = ToolChoice::Kind;
  Json calling = Json::object();
  if (choice.kind == Kind::kAuto) calling["mode"] = "AUTO";
  if (choice.kind == Kind::kNone) calling["mode"] = "NONE";
  if (choice.kind == Kind::kRequired || choice.kind == Kind::kNamed) calling["mode"] = "ANY";
  if (choice.kind == Kind::kAllowed) calling["mode"] = choice.must ? "ANY" : "AUTO";
  const bool named = choice.kind == Kind::kNamed || (choice.kind == Kind::kAllowed && (choice.must || own(request)));
  if (named) calling["allowedFunctionNames"] = choice.names;
  if (const std::string mode = peek_text(choice.own, "mode"); own(request) && !mode.empty()) calling["mode"] = mode;
  const bool offered = body.contains("tools") || own(request);
  if (!calling.empty() && offered) body["toolConfig"]["functionCallingConfig"] = std::move(calling);
  if (own(request)) {
    for (const auto& [name, value] : choice.extra.items()) body["toolConfig"][name] = value;
  } else if (auto ok = call.refusals->refuse_extra(choice.extra, caller_name(request.from, Setting::kToolChoice),
                                                   "leave it out.");
             !ok) {
    return ok;
  }
  if (request.parallel_tool_calls == false && body.contains("tools"))
    return call.refusals->refuse(Setting::kParallelToolCalls,
                                 "Gemini may always call several tools at once; leave it out.");
  return {};
}

Status write_format(Json& config, const Request& request, const OutgoingCall& call) {
  const Format& format = request.format;
  const std::string mime = own(request) ? peek_text(format.own, "responseMimeType") : "";
  if (!mime.empty()) config["responseMimeType"] = mime;
  if (format.kind == Format::Kind::kJson || format.kind == Format::Kind::kSchema) {
    if (!own(request)) config["responseMimeType"] = "application/json";
    if (const Json& subset = peek(format.own, "responseSchema"); own(request) && !subset.is_null()) {
      config["responseSchema"] = subset;
    } else if (format.kind == Format::Kind::kSchema) {
      config["responseJsonSchema"] = format.schema;
      if (!format.description.empty() && !format.schema.contains("description"))
        config["responseJsonSchema"]["description"] = format.description;
    }
  }
  return call.refusals->refuse_extra(format.extra, caller_name(request.from, Setting::kFormat), "leave it out.");
}

std::string level_of(const std::string& effort) {
  if (effort == "none" || effort == "minimal") return "minimal";
  return effort == "low" || effort == "medium" ? effort : "high";
}

Status write_thinking(Json& config, const Request& request, const OutgoingCall& call) {
  const Thinking& thinking = request.thinking;
  if (thinking.unset()) return {};
  Json out = Json::object();
  const std::string effort = effort_asked(thinking);
  if (own(request)) {
    if (thinking.budget_tokens) out["thinkingBudget"] = *thinking.budget_tokens;
    if (!thinking.effort.empty()) out["thinkingLevel"] = thinking.effort;
    if (thinking.show) out["includeThoughts"] = *thinking.show;
    for (const auto& [name, value] : thinking.extra.items()) out[name] = value;
  } else {
    if (thinks_in_levels(call.model)) {
      if (!effort.empty()) out["thinkingLevel"] = level_of(effort);
    } else if (const auto budget = budget_asked(thinking, call.max_output)) {
      out["thinkingBudget"] = *budget;
    }
    if (effort != "none") out["includeThoughts"] = thinking.show.value_or(true);
    if (auto ok =
            call.refusals->refuse_extra(thinking.extra, caller_name(request.from, Setting::kThinking), "leave it out.");
        !ok)
      return ok;
  }
  if (!out.empty() || own(request)) config["thinkingConfig"] = std::move(out);
  return {};
}

void write_sampling(Json& config, const Request& request, const OutgoingCall& call) {
  const auto set = [&](const char* name, const auto& value) {
    if (value) config[name] = *value;
  };
  if (request.n != 1) config["candidateCount"] = request.n;
  if (call.max_output > 0) config["maxOutputTokens"] = call.max_output;
  set("temperature", request.temperature);
  set("topP", request.top_p);
  set("topK", request.top_k);
  set("presencePenalty", request.presence_penalty);
  set("frequencyPenalty", request.frequency_penalty);
  set("seed", request.seed);
  if (!request.stop.empty()) config["stopSequences"] = request.stop;
  if (!request.logprobs) return;
  config["responseLogprobs"] = true;
  set("logprobs", request.top_logprobs);
}

// Gemini caches by itself.
void tell_unwritten(const Request& request, const OutgoingCall& call) {
  if (own(request)) return;
  tell_hints(request,
             {Setting::kPromptCacheKey, Setting::kPromptCacheRetention, Setting::kSafetyIdentifier, Setting::kUser,
              Setting::kMetadata, Setting::kCache},
             *call.refusals);
  tell_cache_marks(request, *call.refusals);
}

Status write_tier(Json& body, const Request& request, const OutgoingCall& call) {
  const std::string& tier = request.service_tier;
  if (own(request) ? !tier.empty() : tier == "flex" || tier == "priority") {
    body["serviceTier"] = tier;
    return {};
  }
  if (own(request) || is_usual_level(tier)) return {};
  return call.refusals->refuse(Setting::kServiceTier, "it must be auto, default, flex or priority.");
}

// Settings that Gemini has nothing for.
Status refuse_rest(const Request& request, const OutgoingCall& call) {
  const Quirks& quirks = call.profile->quirks;
  Refusals& refusals = *call.refusals;
  const auto check = [&](bool given, Setting setting, std::string_view why) {
    return given ? refusals.refuse(setting, why) : Status{};
  };
  if (auto ok = check(!request.logit_bias.is_null(), Setting::kLogitBias, "steer with the prompt or a JSON Schema.");
      !ok)
    return ok;
  if (auto ok = check(!request.verbosity.empty(), Setting::kVerbosity, "ask for brevity in the messages."); !ok)
    return ok;
  if (auto ok = check(quirks.max_choices > 0 && request.n > quirks.max_choices, Setting::kN,
                      "Gemini makes at most 8 answers a call: call again for more.");
      !ok)
    return ok;
  return check(quirks.max_stops > 0 && std::cmp_greater(request.stop.size(), quirks.max_stops), Setting::kStop,
               "Gemini takes at most 5 strings.");
}

Status write_extra(Json& body, const Request& request, const OutgoingCall& call) {
  if (!own(request)) return call.refusals->refuse_extra(request.extra, "", "leave it out.");
  constexpr std::string_view kInConfig = "generationConfig.";
  for (const auto& [name, value] : request.extra.items()) {
    if (name.starts_with(kInConfig))
      body["generationConfig"][name.substr(kInConfig.size())] = value;
    else
      body[name] = value;
  }
  if (const Json& modalities = peek(request.own, "responseModalities"); !modalities.is_null())
    body["generationConfig"]["responseModalities"] = modalities;
  if (!request.metadata.is_null()) body["labels"] = request.metadata;
  return {};
}

}  // namespace

bool thinks_in_levels(std::string_view model) {
  return fits_models("gemini-3*|gemini-4*|models/gemini-3*|google/gemini-3*", model);
}

Result<Json> write_request(const Request& request, const OutgoingCall& call) {
  Json body = Json::object();
  for (auto* write : {write_contents, write_tools, write_choice}) {
    if (auto ok = write(body, request, call); !ok) return fail(std::move(ok.error()));
  }
  Json config = Json::object();
  write_sampling(config, request, call);
  for (auto* write : {write_format, write_thinking}) {
    if (auto ok = write(config, request, call); !ok) return fail(std::move(ok.error()));
  }
  body["generationConfig"] = std::move(config);
  if (auto ok = refuse_rest(request, call); !ok) return fail(std::move(ok.error()));
  tell_unwritten(request, call);
  for (auto* write : {write_tier, write_extra}) {
    if (auto ok = write(body, request, call); !ok) return fail(std::move(ok.error()));
  }
  return body;
}

}  // namespace steward::gateway::gemini
