#include <algorithm>

#include "gateway/dialects/chat/chat.h"
#include "gateway/dialects/hints.h"
#include "gateway/form/custom_tools.h"
#include "gateway/form/reasoning.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

bool own(const Request& request) { return request.from == Dialect::kChat; }

Json nested_format(const Json& format) {
  if (peek_text(format, "type") != "grammar" || format.contains("grammar")) return format;
  Json grammar = format;
  grammar.erase("type");
  return {{"type", "grammar"}, {"grammar", std::move(grammar)}};
}

Json function_of(const Tool& tool, const Request& request, const OutgoingCall& call) {
  const Quirks& quirks = call.profile->quirks;
  Json about = {{"name", tool.name}};
  if (tool.kind == Tool::Kind::kCustom && !takes_custom_tools(call)) {
    about["description"] = custom_tool_description(tool);
    about["parameters"] = custom_tool_schema();
    return about;
  }
  if (!tool.description.empty()) about["description"] = tool.description;
  if (tool.kind == Tool::Kind::kCustom) {
    if (const Json& format = peek(tool.extra, "format"); !format.is_null()) about["format"] = nested_format(format);
    return about;
  }
  if (!tool.parameters.is_null()) about["parameters"] = tool.parameters;
  if (tool.strict && (own(request) || quirks.schemas == Schemas::kStrict)) about["strict"] = *tool.strict;
  return about;
}

Status add_tool(size_t index, const Request& request, const OutgoingCall& call, Json& out) {
  const Tool& tool = request.tools[index];
  const std::string at = fmt::format("{}[{}]", caller_name(request.from, Setting::kTools), index);
  const Quirks& quirks = call.profile->quirks;
  if (tool.kind == Tool::Kind::kHosted) {
    if (!own(request) || !quirks.unknown_fields) return call.refusals->leave_out_hosted(request, index);
    out.push_back(tool.extra);
    return {};
  }
  const char* inside = tool.kind == Tool::Kind::kCustom && takes_custom_tools(call) ? "custom" : "function";
  Json json = {{"type", inside}, {inside, function_of(tool, request, call)}};
  if (own(request)) {
    for (const auto& [name, value] : tool.extra.items()) {
      if (name == "format") continue;
      if (!quirks.unknown_fields) {
        if (auto ok = call.refusals->refuse(fmt::format("{}.{}", at, name), "leave it out."); !ok) return ok;
      } else if (name == inside) {
        merge_into(json[inside], value);
      } else {
        json[name] = value;
      }
    }
  } else {
    Json rest = tool.extra;
    rest.erase("format");
    if (auto ok = call.refusals->refuse_extra(rest, at, "leave it out."); !ok) return ok;
  }
  if (tool.cache && (quirks.cache_mark == "cache_control" || (own(request) && quirks.unknown_fields))) {
    json["cache_control"] = {{"type", "ephemeral"}};
    if (!tool.cache->ttl.empty()) json["cache_control"]["ttl"] = tool.cache->ttl;
  }
  out.push_back(std::move(json));
  return {};
}

Json named(const Request& request, const OutgoingCall& call, const std::string& name) {
  const char* inside = is_custom_tool(request, name) && takes_custom_tools(call) ? "custom" : "function";
  return {{"type", inside}, {inside, {{"name", name}}}};
}

Status write_choice(Json& body, const Request& request, const OutgoingCall& call) {
  const ToolChoice& choice = request.tool_choice;
  using Kind = ToolChoice::Kind;
  switch (choice.kind) {
    case Kind::kUnset: return {};
    case Kind::kAuto: body["tool_choice"] = "auto"; break;
    case Kind::kNone: body["tool_choice"] = "none"; break;
    case Kind::kRequired: body["tool_choice"] = "required"; break;
    case Kind::kNamed: body["tool_choice"] = named(request, call, choice.names.empty() ? "" : choice.names[0]); break;
    case Kind::kAllowed: {
      // Only OpenAI knows the list; elsewhere the others aren't offered, which comes to the same.
      if (takes_custom_tools(call)) {
        Json tools = Json::array();
        for (const auto& name : choice.names) tools.push_back(named(request, call, name));
        body["tool_choice"] = {{"type", "allowed_tools"},
                               {"allowed_tools", {{"mode", choice.must ? "required" : "auto"}, {"tools", tools}}}};
        break;
      }
      Json kept = Json::array();
      for (const auto& tool : body["tools"]) {
        const Json& about = tool.contains("custom") ? peek(tool, "custom") : peek(tool, "function");
        if (std::ranges::find(choice.names, peek_text(about, "name")) != choice.names.end()) kept.push_back(tool);
      }
      body["tools"] = std::move(kept);
      body["tool_choice"] = choice.must ? "required" : "auto";
    }
  }
  return call.refusals->refuse_extra(choice.extra, caller_name(request.from, Setting::kToolChoice), "leave it out.");
}

Status write_tools(Json& body, const Request& request, const OutgoingCall& call) {
  Json tools = Json::array();
  for (size_t i = 0; i < request.tools.size(); ++i) {
    if (auto ok = add_tool(i, request, call, tools); !ok) return ok;
  }
  if (tools.empty()) {
    const bool said = request.tool_choice.kind != ToolChoice::Kind::kUnset && own(request) && request.tools.empty();
    return said ? write_choice(body, request, call) : Status{};
  }
  body["tools"] = std::move(tools);
  if (auto ok = write_choice(body, request, call); !ok) return ok;
  if (request.parallel_tool_calls && call.profile->quirks.parallel_tool_calls_field)
    body["parallel_tool_calls"] = *request.parallel_tool_calls;
  else if (request.parallel_tool_calls == false)
    return call.refusals->refuse(Setting::kParallelToolCalls,
                                 "this provider's models may always call several tools at once; leave it out.");
  return {};
}

Status write_format(Json& body, const Request& request, const OutgoingCall& call) {
  const Format& format = request.format;
  const Quirks& quirks = call.profile->quirks;
  if (format.kind == Format::Kind::kUnset) return {};
  if (format.kind == Format::Kind::kText) {
    if (own(request)) body["response_format"] = {{"type", "text"}};
    return {};
  }
  if (quirks.schemas == Schemas::kNone) return call.refusals->refuse(Setting::kFormat, "ask for JSON in the prompt.");
  if (format.kind == Format::Kind::kJson) {
    body["response_format"] = {{"type", "json_object"}};
  } else if (quirks.schemas == Schemas::kObjectOnly) {
    return call.refusals->refuse(Setting::kFormat,
                                 "this provider binds answers to no schema: ask for a JSON object and describe the "
                                 "schema in the prompt, or give it as a tool.");
  } else {
    Json schema = {{"name", format.name.empty() ? "answer" : format.name}};
    if (!format.description.empty()) schema["description"] = format.description;
    schema["schema"] = format.schema;
    if (format.strict && (quirks.schemas == Schemas::kStrict || own(request))) schema["strict"] = *format.strict;
    if (!format.strict && !own(request) && quirks.schemas == Schemas::kStrict) schema["strict"] = true;
    body["response_format"] = {{"type", "json_schema"}, {"json_schema", std::move(schema)}};
  }
  if (own(request) && quirks.unknown_fields) {
    Json rest = format.extra;
    if (rest.contains("json_schema")) {
      merge_into(body["response_format"]["json_schema"], rest["json_schema"]);
      rest.erase("json_schema");
    }
    merge_into(body["response_format"], rest);
    return {};
  }
  return call.refusals->refuse_extra(format.extra, caller_name(request.from, Setting::kFormat), "leave it out.");
}

void write_sampling(Json& body, const Request& request, const OutgoingCall& call) {
  const auto set = [&](const char* name, const auto& value) {
    if (value) body[name] = *value;
  };
  set("temperature", request.temperature);
  set("top_p", request.top_p);
  const bool described = !call.profile->name.empty() && call.profile->quirks.unknown_fields;
  if (own(request) || call.profile->quirks.top_k || !described)
    set("top_k", request.top_k);
  else if (request.top_k)
    call.refusals->note_dropped(std::string(caller_name(request.from, Setting::kTopK)));  // a hint
  set("presence_penalty", request.presence_penalty);
  set("frequency_penalty", request.frequency_penalty);
  set("seed", request.seed);
  if (request.n != 1) body["n"] = request.n;
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (!request.logit_bias.is_null()) body["logit_bias"] = request.logit_bias;
  if (request.logprobs) body["logprobs"] = true;
  if (request.logprobs) set("top_logprobs", request.top_logprobs);
}

void write_words(Json& body, const Request& request) {
  const std::pair<const char*, const std::string&> words[] = {
      {"verbosity", request.verbosity},
      {"service_tier", request.service_tier},
      {"user", request.user},
      {"safety_identifier", request.safety_identifier},
      {"prompt_cache_key", request.prompt_cache_key},
      {"prompt_cache_retention", request.prompt_cache_retention}};
  for (const auto& [name, value] : words) {
    if (!value.empty()) body[name] = value;
  }
  if (!request.metadata.is_null()) body["metadata"] = request.metadata;
  if (request.store && own(request)) body["store"] = *request.store;
}

// Providers without marks cache by themselves; none takes one on the whole request.
void tell_unwritten(const Request& request, const OutgoingCall& call) {
  if (own(request)) return;
  tell_hints(request, {Setting::kCache}, *call.refusals);
  if (call.profile->quirks.cache_mark.empty()) tell_cache_marks(request, *call.refusals);
}

void write_limit(Json& body, const Request& request, const OutgoingCall& call) {
  const bool as_said = call.profile->name.empty() && own(request) && !request.max_output_name.empty();
  const std::string name = as_said ? request.max_output_name : std::string(call.profile->quirks.max_tokens_field);
  if (call.max_output > 0) body[name] = call.max_output;
  if (!call.stream) return;
  body["stream"] = true;
  if (call.profile->quirks.stream_usage_option) body["stream_options"] = {{"include_usage", true}};
}

Status write_extra(Json& body, const Request& request, const OutgoingCall& call) {
  if (!call.profile->quirks.unknown_fields) return refuse_unknown(request, call);
  if (!own(request)) return call.refusals->refuse_extra(request.extra, "", "leave it out.");
  for (const auto& [name, value] : request.extra.items()) {
    if (const auto never = never_passed_on(request.from, name, value); !never.empty()) {
      if (auto ok = refuse_never(name, never, *call.refusals); !ok) return ok;
      continue;
    }
    if (name == "stream_options" && call.profile->quirks.stream_usage_option)
      merge_into(body[name], value);
    else if (name != "stream_options")
      body[name] = value;
  }
  return {};
}

}  // namespace

Status write_thinking(Json& body, const Request& request, const OutgoingCall& call) {
  const Thinking& thinking = request.thinking;
  if (thinking.unset()) return {};
  const std::string effort = effort_asked(thinking);
  const bool plain = call.profile->name.empty() && call.profile->quirks.unknown_fields;
  ReasoningAsk ask = call.profile->quirks.reasoning_ask;
  if (plain && ask == ReasoningAsk::kNone) ask = ReasoningAsk::kEffort;  // most take it
  switch (ask) {
    case ReasoningAsk::kEffort:
      if (!effort.empty()) body["reasoning_effort"] = effort == "max" && !own(request) ? "xhigh" : effort;
      break;
    case ReasoningAsk::kObject: {
      Json& into = body["reasoning"] = Json::object();
      if (!thinking.effort.empty()) into["effort"] = thinking.effort;
      if (thinking.budget_tokens && *thinking.budget_tokens > 0 && thinking.effort.empty())
        into["max_tokens"] = std::min(*thinking.budget_tokens, std::max<int64_t>(call.max_output - 1, 1));
      if (thinking.enabled) into["enabled"] = *thinking.enabled;
      if (thinking.show) into["exclude"] = !*thinking.show;
      if (!thinking.summary.empty()) into["summary"] = thinking.summary;
      if (into.empty() && thinking.adaptive) into["enabled"] = true;
      break;
    }
    case ReasoningAsk::kThinkingType: {
      if (thinking.enabled || !effort.empty()) body["thinking"] = {{"type", effort == "none" ? "disabled" : "enabled"}};
      if (!thinking.effort.empty() && own(request)) body["reasoning_effort"] = thinking.effort;
      break;
    }
    case ReasoningAsk::kEnableThinking:
      if (thinking.enabled || !effort.empty()) body["enable_thinking"] = effort != "none";
      if (const auto budget = budget_asked(thinking, call.max_output); budget && *budget > 0 && effort != "none")
        body["thinking_budget"] = *budget;
      break;
    case ReasoningAsk::kNone:
      if (!effort.empty() && effort != "none")
        return call.refusals->refuse(Setting::kThinking, "its models can't be asked to reason; leave it out.");
      break;
  }
  if (own(request) && call.profile->quirks.unknown_fields) {
    for (const auto& [name, value] : thinking.extra.items()) merge_into(body[name], value);
    return {};
  }
  return call.refusals->refuse_extra(thinking.extra, caller_name(request.from, Setting::kThinking), "leave it out.");
}

Result<Json> write_request(const Request& request, const OutgoingCall& call) {
  Json body = {{"model", call.model}};
  auto messages = write_messages(request, call);
  if (!messages) return messages;
  body["messages"] = std::move(*messages);
  for (auto* write : {write_tools, write_format, write_thinking}) {
    if (auto ok = write(body, request, call); !ok) return fail(std::move(ok.error()));
  }
  write_sampling(body, request, call);
  write_words(body, request);
  tell_unwritten(request, call);
  write_limit(body, request, call);
  for (auto* write : {write_extra, apply_quirks}) {
    if (auto ok = write(body, request, call); !ok) return fail(std::move(ok.error()));
  }
  return body;
}

}  // namespace steward::gateway::chat
