#include <array>

#include "gateway/dialects/responses/responses.h"
#include "gateway/fields.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

using enum FieldType;
constexpr double kMost = 1e18;
constexpr double kMostTokens = 10'000'000;

constexpr Field field(std::string_view name, FieldType type, double least = -kMost, double most = kMost) {
  return {.name = name, .type = type, .least = least, .most = most};
}

constexpr std::array kFields = {
    field("model", kString),
    field("input", kStringOrArray),
    field("instructions", kString),
    field("stream", kBoolean),
    field("stream_options", kObject),
    field("max_output_tokens", kInteger, 1, kMostTokens),
    field("max_tool_calls", kInteger, 0, kMostTokens),
    field("temperature", kNumber),
    field("top_p", kNumber),
    field("top_k", kInteger),
    field("presence_penalty", kNumber),
    field("frequency_penalty", kNumber),
    field("seed", kInteger),
    field("top_logprobs", kInteger, 0, 20),
    field("tools", kArray),
    field("tool_choice", kStringOrObject),
    field("parallel_tool_calls", kBoolean),
    field("text", kObject),
    field("reasoning", kObject),
    field("include", kArray),
    field("truncation", kString),
    field("user", kString),
    field("metadata", kObject),
    field("client_metadata", kObject),
    field("store", kBoolean),
    field("background", kBoolean),
    field("service_tier", kString),
    field("safety_identifier", kString),
    field("prompt_cache_key", kString),
    field("prompt_cache_retention", kString),
    field("prompt_cache_options", kObject),
    field("previous_response_id", kString),
    field("conversation", kStringOrObject),
    field("prompt", kObject),
    field("context_management", kArray),
    field("moderation", kObject),
};
// Known, but with no member in the internal form: they travel to a provider of this dialect, and are refused by name
// elsewhere.
constexpr std::string_view kTravelling[] = {"previous_response_id", "conversation", "prompt", "context_management",
                                            "moderation"};
constexpr std::string_view kEncrypted = "reasoning.encrypted_content";
constexpr std::string_view kLogprobs = "message.output_text.logprobs";

template <class T>
std::optional<T> number(const Json& body, const char* name) {
  const Json& value = peek(body, name);
  if constexpr (std::is_same_v<T, double>) return value.is_number() ? std::optional(value.get<T>()) : std::nullopt;
  return value.is_number_integer() ? std::optional(value.get<T>()) : std::nullopt;
}

Status read_limits(const Json& body, Request& request) {
  request.max_output = number<int64_t>(body, "max_output_tokens");
  request.max_output_name = request.max_output ? "max_output_tokens" : "";
  request.temperature = number<double>(body, "temperature");
  request.top_p = number<double>(body, "top_p");
  request.presence_penalty = number<double>(body, "presence_penalty");
  request.frequency_penalty = number<double>(body, "frequency_penalty");
  request.top_k = number<int64_t>(body, "top_k");
  request.seed = number<int64_t>(body, "seed");
  request.top_logprobs = number<int64_t>(body, "top_logprobs");
  request.logprobs = request.top_logprobs.value_or(0) > 0;
  request.stream = peek(body, "stream") == true;
  return {};
}

Status read_include(const Json& body, Request& request) {
  Json rest = Json::array();
  for (const auto& one : peek(body, "include")) {
    if (!one.is_string()) return bad("include", "'include' must be an array of strings.");
    if (one == kEncrypted)
      request.include_encrypted_reasoning = true;
    else if (one == kLogprobs)
      request.logprobs = (request.own["include_logprobs"] = true);
    else
      rest.push_back(one);
  }
  // These ask to see more of what hosted tools did: without such tools there is nothing more to see.
  const bool hosted =
      std::ranges::any_of(request.tools, [](const Tool& tool) { return tool.kind == Tool::Kind::kHosted; });
  if (!rest.empty()) (hosted ? request.extra : request.own)["include"] = std::move(rest);
  return {};
}

Status read_format(const Json& text, Request& request) {
  const Json& format = peek(text, "format");
  if (format.is_null()) return {};
  const std::string type = peek_text(format, "type");
  Format& into = request.format;
  if (type == "text")
    into.kind = Format::Kind::kText;
  else if (type == "json_object")
    into.kind = Format::Kind::kJson;
  else if (type == "json_schema")
    into.kind = Format::Kind::kSchema;
  else
    return bad("text.format.type", "'text.format.type' must be text, json_object or json_schema.");
  into.extra = members_but(format, {"type", "name", "description", "schema", "strict"});
  if (into.kind != Format::Kind::kSchema) return {};
  if (!peek(format, "schema").is_object()) return bad("text.format.schema", "'text.format.schema' is missing.");
  into.name = peek_text(format, "name");
  into.description = peek_text(format, "description");
  into.schema = format["schema"];
  into.strict = peek_boolean(format, "strict");
  return {};
}

Status read_text_options(const Json& body, Request& request) {
  const Json& text = peek(body, "text");
  if (auto ok = read_format(text, request); !ok) return ok;
  request.verbosity = peek_text(text, "verbosity");
  if (Json rest = members_but(text, {"format", "verbosity"}); !rest.empty()) request.extra["text"] = std::move(rest);
  return {};
}

Status read_reasoning_options(const Json& body, Request& request) {
  const Json& reasoning = peek(body, "reasoning");
  request.thinking.effort = peek_text(reasoning, "effort");
  request.thinking.summary = peek_text(reasoning, "summary");
  if (request.thinking.summary.empty()) {  // its older name, which some models only know
    request.thinking.summary = peek_text(reasoning, "generate_summary");
    if (!request.thinking.summary.empty()) request.own["generate_summary"] = true;
  }
  request.thinking.extra = members_but(reasoning, {"effort", "summary", "generate_summary"});
  return {};
}

Status read_words(const Json& body, Request& request) {
  request.service_tier = peek_text(body, "service_tier");
  request.user = peek_text(body, "user");
  request.safety_identifier = peek_text(body, "safety_identifier");
  request.prompt_cache_key = peek_text(body, "prompt_cache_key");
  request.prompt_cache_retention = peek_text(body, "prompt_cache_retention");
  request.metadata = peek(body, "metadata");
  request.store = peek_boolean(body, "store");
  if (const Json& options = peek(body, "prompt_cache_options"); options.is_object())
    request.cache = CacheMark{.ttl = peek_text(options, "ttl"), .extra = options};
  return {};
}

// What changes no answer where it isn't known stands in `own`, what does in `extra`.
Status read_rest(const Json& body, Request& request) {
  const std::string truncation = peek_text(body, "truncation");
  if (!truncation.empty()) (truncation == "disabled" ? request.own : request.extra)["truncation"] = truncation;
  if (const auto background = peek_boolean(body, "background"))
    (*background ? request.extra : request.own)["background"] = *background;
  const bool hosted =
      std::ranges::any_of(request.tools, [](const Tool& tool) { return tool.kind == Tool::Kind::kHosted; });
  for (const char* name : {"client_metadata", "stream_options"}) {
    if (const Json& value = peek(body, name); !value.is_null()) request.own[name] = value;
  }
  // Calls of hosted tools are what it bounds.
  if (const Json& value = peek(body, "max_tool_calls"); !value.is_null())
    (hosted ? request.extra : request.own)["max_tool_calls"] = value;
  for (const auto& [name, value] : body.items()) {
    const bool known = std::ranges::find(kFields, name, &Field::name) != kFields.end();
    const bool travels = std::ranges::find(kTravelling, name) != std::end(kTravelling);
    if (!value.is_null() && (!known || travels)) request.extra[name] = value;
  }
  return {};
}

}  // namespace

std::unexpected<Error> bad(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::string(field)}});
}

Result<Request> read_request(Json body) {
  if (auto ok = check_known_fields(body, kFields); !ok) return fail(std::move(ok.error()));
  Request request;
  request.from = Dialect::kResponses;
  request.own = Json::object();
  request.model = peek_text(body, "model");
  if (request.model.empty()) return bad("model", "'model' is missing.");
  for (auto* read : {read_limits, read_tools, read_input, read_include, read_text_options, read_reasoning_options,
                     read_words, read_rest}) {
    if (auto ok = read(body, request); !ok) return fail(std::move(ok.error()));
  }
  const bool elsewhere = request.extra.contains("previous_response_id") || request.extra.contains("conversation") ||
                         request.extra.contains("prompt");
  if (peek(body, "input").is_null() && !elsewhere)
    return bad("input", "'input' is missing: a string or an array of items.");
  return request;
}

}  // namespace steward::gateway::responses
