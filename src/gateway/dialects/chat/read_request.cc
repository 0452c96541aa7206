#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/dialects/chat/chat.h"
#include "gateway/fields.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {
namespace {

using enum FieldType;
constexpr double kMost = 1e18;
constexpr double kMostTokens = 10'000'000;

constexpr Field field(std::string_view name, FieldType type, double least = -kMost, double most = kMost) {
  return {.name = name, .type = type, .least = least, .most = most};
}

constexpr std::array kFields = {
    field("model", kString),
    field("messages", kArray),
    field("stream", kBoolean),
    field("stream_options", kObject),
    field("n", kInteger, 1, kMaxChoices),
    field("max_tokens", kInteger, 1, kMostTokens),
    field("max_completion_tokens", kInteger, 1, kMostTokens),
    field("temperature", kNumber, 0, 2),
    field("top_p", kNumber, 0, 1),
    field("top_k", kInteger, -1, kMostTokens),
    field("presence_penalty", kNumber, -2, 2),
    field("frequency_penalty", kNumber, -2, 2),
    field("stop", kStringOrArray),
    field("seed", kInteger, -kMost, kMost),
    field("logit_bias", kObject),
    field("logprobs", kBoolean),
    field("top_logprobs", kInteger, 0, 20),
    field("tools", kArray),
    field("tool_choice", kStringOrObject),
    field("parallel_tool_calls", kBoolean),
    field("response_format", kObject),
    field("user", kString),
    field("metadata", kObject),
    field("store", kBoolean),
    field("service_tier", kString),
    field("safety_identifier", kString),
    field("prompt_cache_key", kString),
    field("prompt_cache_retention", kString),
    field("prompt_cache_options", kObject),
    field("reasoning_effort", kString),
    field("reasoning", kObject),
    field("thinking", kObject),
    field("enable_thinking", kBoolean),
    field("thinking_budget", kInteger, -1, kMostTokens),
    field("verbosity", kString),
    field("web_search_options", kObject),
    field("moderation", kObject),
    field("modalities", kArray),
    field("prediction", kObject),
    field("audio", kObject),
    field("functions", kArray),
    field("function_call", kStringOrObject),
};
// Known, but with no member in the internal form: they travel in `extra`. The last ones no writer takes (hints.h).
constexpr std::string_view kTravelling[] = {
    "prompt_cache_options", "web_search_options", "moderation", "modalities", "prediction", "audio", "functions",
    "function_call"};

Status read_stop(const Json& body, Request& request) {
  const Json& stop = peek(body, "stop");
  if (stop.is_string()) request.stop.push_back(stop);
  if (!stop.is_array()) return {};
  if (stop.size() > kMaxStops) return bad("stop", fmt::format("'stop' takes at most {} strings.", kMaxStops));
  for (const auto& one : stop) {
    if (!one.is_string()) return bad("stop", "'stop' must be a string or an array of strings.");
    request.stop.push_back(one);
  }
  return {};
}

Status read_stream(const Json& body, Request& request) {
  request.stream = peek(body, "stream") == true;
  const Json& options = peek(body, "stream_options");
  if (options.is_null()) return {};
  if (!request.stream) return bad("stream_options", "'stream_options' is only for a streamed call ('stream': true).");
  const Json& usage = peek(options, "include_usage");
  if (!usage.is_null() && !usage.is_boolean())
    return bad("stream_options.include_usage", "'stream_options.include_usage' must be true or false.");
  request.include_usage = usage == true;
  static constexpr std::string_view kKnown[] = {"include_usage"};
  if (Json rest = others(options, kKnown); !rest.empty()) request.extra["stream_options"] = std::move(rest);
  return {};
}

Status read_limit(const Json& body, Request& request) {
  if (!peek(body, "max_tokens").is_null() && !peek(body, "max_completion_tokens").is_null())
    return bad("max_tokens", "'max_tokens' and 'max_completion_tokens' say the same: give one.");
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    if (!peek(body, name).is_number_integer()) continue;
    request.max_output = body[name].get<int64_t>();
    request.max_output_name = name;
  }
  return {};
}

std::optional<double> number(const Json& body, const char* name) {
  const Json& value = peek(body, name);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}
std::optional<int64_t> integer(const Json& body, const char* name) {
  const Json& value = peek(body, name);
  return value.is_number_integer() ? std::optional(value.get<int64_t>()) : std::nullopt;
}
std::optional<bool> boolean(const Json& body, const char* name) {
  const Json& value = peek(body, name);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

Status read_sampling(const Json& body, Request& request) {
  request.temperature = number(body, "temperature");
  request.top_p = number(body, "top_p");
  request.presence_penalty = number(body, "presence_penalty");
  request.frequency_penalty = number(body, "frequency_penalty");
  request.top_k = integer(body, "top_k");
  request.seed = integer(body, "seed");
  request.n = integer(body, "n").value_or(1);
  request.logit_bias = peek(body, "logit_bias");
  request.logprobs = peek(body, "logprobs") == true;
  request.top_logprobs = integer(body, "top_logprobs");
  if (request.top_logprobs && !request.logprobs) return bad("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
  return {};
}

// reasoning_effort (OpenAI), reasoning (OpenRouter), thinking (DeepSeek, Z.ai), enable_thinking (Qwen). What has no
// name in the form stays under its own.
void read_thinking(const Json& body, Request& request) {
  Thinking& thinking = request.thinking;
  thinking.effort = peek_text(body, "reasoning_effort");
  if (const Json& asked = peek(body, "reasoning"); asked.is_object()) {
    if (thinking.effort.empty()) thinking.effort = peek_text(asked, "effort");
    thinking.budget_tokens = integer(asked, "max_tokens");
    thinking.enabled = boolean(asked, "enabled");
    if (const auto hidden = boolean(asked, "exclude")) thinking.show = !*hidden;
    thinking.summary = peek_text(asked, "summary");
    static constexpr std::string_view kKnown[] = {"effort", "max_tokens", "enabled", "exclude", "summary"};
    if (Json rest = others(asked, kKnown); !rest.empty()) thinking.extra["reasoning"] = std::move(rest);
  }
  if (const Json& asked = peek(body, "thinking"); asked.is_object()) {
    const std::string type = peek_text(asked, "type");
    if (type == "enabled" || type == "disabled") thinking.enabled = type == "enabled";
    thinking.adaptive = type == "adaptive" || type == "auto";
    if (const auto budget = integer(asked, "budget_tokens")) thinking.budget_tokens = budget;
    static constexpr std::string_view kKnown[] = {"type", "budget_tokens"};
    if (Json rest = others(asked, kKnown); !rest.empty()) thinking.extra["thinking"] = std::move(rest);
  }
  if (const auto on = boolean(body, "enable_thinking")) thinking.enabled = on;
  if (const auto budget = integer(body, "thinking_budget")) thinking.budget_tokens = budget;
}

Status read_format(const Json& body, Request& request) {
  const Json& format = peek(body, "response_format");
  if (format.is_null()) return {};
  const std::string type = peek_text(format, "type");
  if (type != "text" && type != "json_object" && type != "json_schema")
    return bad("response_format", "'response_format.type' must be text, json_object or json_schema.");
  Format& into = request.format;
  into.kind = type == "text"          ? Format::Kind::kText
              : type == "json_object" ? Format::Kind::kJson
                                      : Format::Kind::kSchema;
  static constexpr std::string_view kKnown[] = {"type", "json_schema"};
  into.extra = others(format, kKnown);
  if (type != "json_schema") return {};
  const Json& schema = peek(format, "json_schema");
  if (!peek(schema, "schema").is_object())
    return bad("response_format", "'response_format.json_schema.schema' is missing.");
  into.name = peek_text(schema, "name");
  into.description = peek_text(schema, "description");
  into.schema = schema["schema"];
  into.strict = boolean(schema, "strict");
  static constexpr std::string_view kSchemaKnown[] = {"name", "description", "schema", "strict"};
  if (Json rest = others(schema, kSchemaKnown); !rest.empty()) into.extra["json_schema"] = std::move(rest);
  return {};
}

// A custom tool's grammar stands nested here and flat in the form (as Responses has it).
Json flat_format(const Json& format) {
  const Json& grammar = peek(format, "grammar");
  if (!grammar.is_object()) return format;
  Json out = {{"type", "grammar"}};
  merge_into(out, grammar);
  return out;
}

Result<Tool> read_tool(const Json& json, const std::string& at) {
  const std::string type = peek_text(json, "type");
  Tool tool;
  if (!json.is_object() || (type.empty() && !peek(json, "function").is_object())) {
    return fail(ErrorCode::kUnsupportedField, fmt::format("'{}' must be of type 'function' or 'custom'.", at),
                {{"param", at + ".type"}});
  }
  if (type != "function" && type != "custom" && !type.empty()) {
    tool.kind = Tool::Kind::kHosted;
    tool.type = type;
    tool.name = peek_text(json, "name");
    tool.extra = json;
    return tool;
  }
  const char* inside = type == "custom" ? "custom" : "function";
  const Json& about = peek(json, inside);
  if (!peek(about, "name").is_string()) return bad(at, fmt::format("'{}.{}.name' is missing.", at, inside));
  tool.kind = type == "custom" ? Tool::Kind::kCustom : Tool::Kind::kFunction;
  tool.name = about["name"];
  tool.description = peek_text(about, "description");
  tool.strict = boolean(about, "strict");
  tool.parameters = peek(about, "parameters");
  if (!tool.parameters.is_null() && !tool.parameters.is_object())
    return bad(at, fmt::format("'{}.function.parameters' must be a JSON Schema.", at));
  const std::array known = {std::string_view("type"), std::string_view(inside), std::string_view("cache_control")};
  tool.extra = others(json, known);
  if (const Json& mark = peek(json, "cache_control"); mark.is_object())
    tool.cache = CacheMark{.ttl = peek_text(mark, "ttl"), .extra = Json::object()};
  static constexpr std::string_view kKnown[] = {"name", "description", "parameters", "strict", "format"};
  if (Json rest = others(about, kKnown); !rest.empty()) tool.extra[inside] = std::move(rest);
  if (const Json& format = peek(about, "format"); !format.is_null()) tool.extra["format"] = flat_format(format);
  return tool;
}

bool is_tool(const Request& request, std::string_view name) {
  return std::ranges::any_of(request.tools, [&](const Tool& tool) { return tool.name == name; });
}

std::string name_in(const Json& choice) {
  std::string name = peek_text(peek(choice, "function"), "name");
  return name.empty() ? peek_text(peek(choice, "custom"), "name") : name;
}

Status read_choice_object(const Json& choice, Request& request) {
  ToolChoice& into = request.tool_choice;
  if (peek_text(choice, "type") == "allowed_tools") {
    const Json& allowed = peek(choice, "allowed_tools");
    into.kind = ToolChoice::Kind::kAllowed;
    into.must = peek_text(allowed, "mode") == "required";
    for (const auto& tool : peek(allowed, "tools")) into.names.push_back(name_in(tool));
    if (into.names.empty()) return bad("tool_choice", "'tool_choice.allowed_tools.tools' is missing.");
  } else {
    into.kind = ToolChoice::Kind::kNamed;
    into.names.push_back(name_in(choice));
    if (into.names[0].empty()) return bad("tool_choice", "'tool_choice' must name a function.");
  }
  for (const auto& name : into.names) {
    if (!is_tool(request, name))
      return bad("tool_choice",
                 fmt::format("'tool_choice' names '{}', which is none of 'tools'.", name.substr(0, 100)));
  }
  return {};
}

Status read_tools(const Json& body, Request& request) {
  const Json& tools = peek(body, "tools");
  const Json& choice = peek(body, "tool_choice");
  if (tools.size() > kMaxTools) return bad("tools", fmt::format("'tools' has more than {} tools.", kMaxTools));
  for (size_t i = 0; i < tools.size(); ++i) {
    auto tool = read_tool(tools[i], fmt::format("tools[{}]", i));
    if (!tool) return fail(std::move(tool.error()));
    request.tools.push_back(std::move(*tool));
  }
  request.parallel_tool_calls = boolean(body, "parallel_tool_calls");
  using Kind = ToolChoice::Kind;
  if (request.tools.empty() && !choice.is_null() && choice != "none" && choice != "auto")
    return bad("tool_choice", "'tool_choice' needs 'tools'.");
  if (choice.is_object()) return read_choice_object(choice, request);
  if (choice.is_null()) return {};
  if (choice == "auto") request.tool_choice.kind = Kind::kAuto;
  if (choice == "none") request.tool_choice.kind = Kind::kNone;
  if (choice == "required" || choice == "any") request.tool_choice.kind = Kind::kRequired;  // "any": Mistral's word
  if (request.tool_choice.kind == Kind::kUnset)
    return bad("tool_choice", "'tool_choice' must be none, auto, required or a function.");
  return {};
}

Status read_words(const Json& body, Request& request) {
  request.verbosity = peek_text(body, "verbosity");
  request.service_tier = peek_text(body, "service_tier");
  request.user = peek_text(body, "user");
  request.safety_identifier = peek_text(body, "safety_identifier");
  request.prompt_cache_key = peek_text(body, "prompt_cache_key");
  request.prompt_cache_retention = peek_text(body, "prompt_cache_retention");
  request.metadata = peek(body, "metadata");
  if (const auto store = boolean(body, "store"); store == true)
    request.extra["store"] = true;  // what no writer takes
  else
    request.store = store;
  return {};
}

Status read_all_messages(const Json& body, Request& request) {
  const Json& messages = peek(body, "messages");
  if (!messages.is_array()) return bad("messages", "'messages' is missing: an array of messages.");
  if (messages.empty()) return bad("messages", "'messages' is empty: give at least one.");
  if (messages.size() > kMaxMessages)
    return bad("messages", fmt::format("'messages' has more than {} messages.", kMaxMessages));
  for (size_t i = 0; i < messages.size(); ++i) {
    auto message = read_message(messages[i], i);
    if (!message) return fail(std::move(message.error()));
    request.messages.push_back(std::move(*message));
  }
  return {};
}

}  // namespace

std::unexpected<Error> bad(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::string(field)}});
}

Json others(const Json& object, std::span<const std::string_view> known) {
  Json out = Json::object();
  if (!object.is_object()) return out;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_null() && std::ranges::find(known, name) == known.end()) out[name] = value;
  }
  return out;
}

void merge_into(Json& into, const Json& more) {
  if (!more.is_object()) return;
  for (const auto& [name, value] : more.items()) into[name] = value;
}

std::string nearest_field(std::string_view unknown) {
  std::vector<std::string> known;
  for (const auto& one : kFields) known.emplace_back(one.name);
  return nearest(unknown, known);
}

Result<Request> read_request(Json body) {
  if (auto ok = check_known_fields(body, kFields); !ok) return fail(std::move(ok.error()));
  Request request;
  request.from = Dialect::kChat;
  request.model = peek_text(body, "model");
  if (request.model.empty()) return bad("model", "'model' is missing.");
  for (auto* read :
       {read_stream, read_stop, read_limit, read_all_messages, read_tools, read_format, read_words, read_sampling}) {
    if (auto ok = read(body, request); !ok) return fail(std::move(ok.error()));
  }
  read_thinking(body, request);
  for (const auto& [name, value] : body.items()) {
    const bool known = std::ranges::find(kFields, name, &Field::name) != kFields.end();
    const bool travels = std::ranges::find(kTravelling, name) != std::end(kTravelling);
    if (!value.is_null() && (!known || travels)) request.extra[name] = value;
  }
  return request;
}

}  // namespace steward::gateway::chat
