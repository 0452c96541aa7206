#include <algorithm>
#include <array>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"

namespace steward::gateway::gemini {
namespace {

constexpr std::string_view kConfig = "generationConfig";

std::optional<double> number(const Json& json, const char* name) {
  const Json& value = peek(json, name);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}
std::optional<int64_t> integer(const Json& json, const char* name) {
  const Json& value = peek(json, name);
  return value.is_number() ? std::optional(peek_integer(json, name)) : std::nullopt;
}
std::optional<bool> boolean(const Json& json, const char* name) {
  const Json& value = peek(json, name);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

Result<Message> read_content(const Json& json, const std::string& at) {
  if (!json.is_object() && !json.is_string()) return bad(at, fmt::format("'{}' must be an object with 'parts'.", at));
  Message message;
  if (json.is_string()) {
    message.parts.push_back(text_part(json));
    return message;
  }
  const std::string role = peek_text(json, "role");
  if (!role.empty() && role != "user" && role != "model" && role != "function" && role != "system")
    return bad(at + ".role", fmt::format("'{}' is not a role: user or model.", role.substr(0, 40)));
  message.role = role == "model" ? Role::kAssistant : Role::kUser;
  message.own = {{"role", role}};
  const Json& parts = peek(json, "parts");
  const Json listed = parts.is_object() ? Json::array({parts}) : parts;
  if (!listed.is_null() && !listed.is_array())
    return bad(at + ".parts", fmt::format("'{}.parts' must be an array.", at));
  if (listed.size() > kMaxParts) return bad(at, fmt::format("'{}' has more than {} parts.", at, kMaxParts));
  for (size_t i = 0; i < listed.size(); ++i) {
    auto part = read_part(listed[i], fmt::format("{}.parts[{}]", at, i));
    if (!part) return fail(std::move(part.error()));
    message.parts.push_back(std::move(*part));
  }
  for (const auto& [name, value] : json.items()) {
    if (name != "role" && name != "parts" && !value.is_null()) message.extra[name] = value;
  }
  return message;
}

Status read_contents(const Json& body, Request& request) {
  const Json& system = peek(body, "systemInstruction");
  if (!system.is_null()) {
    auto message = read_content(system, "systemInstruction");
    if (!message) return fail(std::move(message.error()));
    message->role = Role::kSystem;
    message->top_level = true;
    request.messages.push_back(std::move(*message));
  }
  const Json& contents = peek(body, "contents");
  const Json listed = contents.is_object() || contents.is_string() ? Json::array({contents}) : contents;
  if (!listed.is_array() || listed.empty()) return bad("contents", "'contents' is missing: an array of contents.");
  if (listed.size() > kMaxContents) return bad("contents", fmt::format("'contents' has more than {}.", kMaxContents));
  for (size_t i = 0; i < listed.size(); ++i) {
    auto message = read_content(listed[i], fmt::format("contents[{}]", i));
    if (!message) return fail(std::move(message.error()));
    request.messages.push_back(std::move(*message));
  }
  pair_calls(request);
  return {};
}

Result<Tool> read_function(const Json& json, const std::string& at) {
  if (!peek(json, "name").is_string()) return bad(at, fmt::format("'{}.name' is missing.", at));
  Tool tool{.name = json["name"], .description = peek_text(json, "description")};
  if (const Json& schema = peek(json, "parametersJsonSchema"); schema.is_object()) {
    tool.parameters = schema;
  } else if (const Json& subset = peek(json, "parameters"); subset.is_object()) {
    tool.parameters = json_schema_of(subset);
    tool.own["parameters"] = subset;
  }
  static constexpr std::string_view kKnown[] = {"name", "description", "parameters", "parametersJsonSchema"};
  for (const auto& [name, value] : json.items()) {
    if (!value.is_null() && std::ranges::find(kKnown, name) == std::end(kKnown)) tool.extra[name] = value;
  }
  return tool;
}

Status read_tools(const Json& body, Request& request) {
  const Json& tools = peek(body, "tools");
  const Json listed = tools.is_object() ? Json::array({tools}) : tools;
  if (!listed.is_null() && !listed.is_array()) return bad("tools", "'tools' must be an array.");
  for (size_t i = 0; i < listed.size(); ++i) {
    if (!listed[i].is_object()) return bad("tools", "Each of 'tools' must be an object.");
    for (const auto& [name, value] : listed[i].items()) {
      if (name != "functionDeclarations") {
        Tool tool{.kind = Tool::Kind::kHosted, .type = name, .name = name, .extra = {{name, value}}};
        tool.own["at"] = i;
        request.tools.push_back(std::move(tool));
        continue;
      }
      for (size_t k = 0; k < value.size() && value.is_array(); ++k) {
        auto tool = read_function(value[k], fmt::format("tools[{}].functionDeclarations[{}]", i, k));
        if (!tool) return fail(std::move(tool.error()));
        tool->own["at"] = i;
        request.tools.push_back(std::move(*tool));
      }
    }
    if (request.tools.size() > kMaxTools) return bad("tools", fmt::format("'tools' has more than {}.", kMaxTools));
  }
  return {};
}

Status read_choice(const Json& body, Request& request) {
  const Json& config = peek(body, "toolConfig");
  if (config.is_null()) return {};
  const Json& calling = peek(config, "functionCallingConfig");
  const std::string mode = peek_text(calling, "mode");
  ToolChoice& choice = request.tool_choice;
  using Kind = ToolChoice::Kind;
  if (mode == "AUTO" || mode == "VALIDATED") choice.kind = Kind::kAuto;
  if (mode == "NONE") choice.kind = Kind::kNone;
  if (mode == "ANY") choice.kind = Kind::kRequired;
  if (!mode.empty() && mode != "MODE_UNSPECIFIED" && choice.kind == Kind::kUnset)
    return bad("toolConfig.functionCallingConfig.mode", "The mode must be AUTO, ANY, NONE or VALIDATED.");
  for (const auto& name : peek(calling, "allowedFunctionNames")) {
    if (name.is_string()) choice.names.push_back(name);
  }
  if (!choice.names.empty() && choice.kind != Kind::kNone) {
    choice.must = mode == "ANY";
    choice.kind = choice.must && choice.names.size() == 1 ? Kind::kNamed : Kind::kAllowed;
  }
  choice.own = {{"mode", mode}};
  for (const auto& [name, value] : config.items()) {
    if (name != "functionCallingConfig" && !value.is_null()) choice.extra[name] = value;
  }
  return {};
}

void read_format(const Json& config, Request& request) {
  const std::string mime = peek_text(config, "responseMimeType");
  Format& format = request.format;
  for (const char* name : {"responseJsonSchema", "_responseJsonSchema"}) {
    if (!peek(config, name).is_object()) continue;
    format.kind = Format::Kind::kSchema;
    format.schema = config[name];
  }
  if (const Json& subset = peek(config, "responseSchema"); subset.is_object()) {
    format.kind = Format::Kind::kSchema;
    format.schema = json_schema_of(subset);
    format.own["responseSchema"] = subset;
  }
  if (!mime.empty()) format.own["responseMimeType"] = mime;
  if (format.kind == Format::Kind::kSchema) return;
  if (mime == "application/json") format.kind = Format::Kind::kJson;
  if (mime == "text/plain") format.kind = Format::Kind::kText;
}

void read_thinking(const Json& config, Request& request) {
  const Json& asked = peek(config, "thinkingConfig");
  if (!asked.is_object()) return;
  Thinking& thinking = request.thinking;
  thinking.show = boolean(asked, "includeThoughts");
  thinking.budget_tokens = integer(asked, "thinkingBudget");
  std::string level = peek_text(asked, "thinkingLevel");
  std::ranges::transform(level, level.begin(), [](unsigned char c) { return std::tolower(c); });
  if (level != "thinking_level_unspecified") thinking.effort = level;
  static constexpr std::string_view kKnown[] = {"includeThoughts", "thinkingBudget", "thinkingLevel"};
  for (const auto& [name, value] : asked.items()) {
    if (!value.is_null() && std::ranges::find(kKnown, name) == std::end(kKnown)) thinking.extra[name] = value;
  }
}

bool only_text(const Json& modalities) {
  return std::ranges::all_of(modalities, [](const Json& one) { return one == "TEXT" || one == "text"; });
}

Status read_config(const Json& body, Request& request) {
  const Json& config = peek(body, kConfig.data());
  if (config.is_null()) return {};
  if (!config.is_object()) return bad(kConfig, "'generationConfig' must be an object.");
  request.n = integer(config, "candidateCount").value_or(1);
  if (request.n < 1 || request.n > 128)
    return bad("generationConfig.candidateCount", "'generationConfig.candidateCount' must lie between 1 and 128.");
  request.max_output = integer(config, "maxOutputTokens");
  if (request.max_output && *request.max_output < 1)
    return bad("generationConfig.maxOutputTokens", "'generationConfig.maxOutputTokens' must be at least 1.");
  request.temperature = number(config, "temperature");
  request.top_p = number(config, "topP");
  request.top_k = integer(config, "topK");
  request.presence_penalty = number(config, "presencePenalty");
  request.frequency_penalty = number(config, "frequencyPenalty");
  request.seed = integer(config, "seed");
  request.logprobs = peek(config, "responseLogprobs") == true;
  request.top_logprobs = integer(config, "logprobs");
  const Json& stops = peek(config, "stopSequences");
  if (stops.size() > kMaxStops) return bad("generationConfig.stopSequences", "Too many stop sequences.");
  for (const auto& one : stops) {
    if (!one.is_string()) return bad("generationConfig.stopSequences", "Each stop sequence must be a string.");
    request.stop.push_back(one);
  }
  read_format(config, request);
  read_thinking(config, request);
  static constexpr std::string_view kKnown[] = {"candidateCount",
                                                "maxOutputTokens",
                                                "temperature",
                                                "topP",
                                                "topK",
                                                "presencePenalty",
                                                "frequencyPenalty",
                                                "seed",
                                                "responseLogprobs",
                                                "logprobs",
                                                "stopSequences",
                                                "responseMimeType",
                                                "responseSchema",
                                                "responseJsonSchema",
                                                "_responseJsonSchema",
                                                "thinkingConfig"};
  for (const auto& [name, value] : config.items()) {
    if (value.is_null() || std::ranges::find(kKnown, name) != std::end(kKnown)) continue;
    if (name == "responseModalities" && only_text(value))
      request.own[name] = value;  // as without it
    else
      request.extra[fmt::format("{}.{}", kConfig, name)] = value;
  }
  if (const std::string mime = peek_text(config, "responseMimeType");
      !mime.empty() && mime != "application/json" && mime != "text/plain")
    request.extra["generationConfig.responseMimeType"] = mime;
  return {};
}

}  // namespace

std::unexpected<Error> bad(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::string(field)}});
}

Result<Request> read_request(Json raw, const IncomingCall& call) {
  if (!raw.is_object()) return fail(ErrorCode::kInvalidRequest, "The body must be a JSON object.");
  Json body = camel_case(raw);
  if (const Json& inside = peek(body, "generateContentRequest"); inside.is_object())
    body = Json(inside);  // countTokens
  Request request;
  request.from = Dialect::kGemini;
  request.model = call.model.empty() ? peek_text(body, "model") : call.model;
  if (request.model.starts_with("models/")) request.model.erase(0, 7);
  if (request.model.empty()) return bad("model", "The model is missing: it stands in the address, '/models/NAME:…'.");
  request.stream = call.stream;
  request.include_usage = true;
  for (auto* read : {read_contents, read_tools, read_choice, read_config}) {
    if (auto ok = read(body, request); !ok) return fail(std::move(ok.error()));
  }
  request.service_tier = peek_text(body, "serviceTier");
  if (request.service_tier == "standard") request.service_tier.clear();
  request.metadata = peek(body, "labels");
  static constexpr std::string_view kKnown[] = {"contents", "systemInstruction", "tools",  "toolConfig",
                                                "model",    "generationConfig",  "labels", "serviceTier"};
  for (const auto& [name, value] : body.items()) {
    if (!value.is_null() && std::ranges::find(kKnown, name) == std::end(kKnown)) request.extra[name] = value;
  }
  return request;
}

}  // namespace steward::gateway::gemini
