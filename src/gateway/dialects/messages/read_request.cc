#include "base/text.h"
#include "gateway/dialects/messages/messages.h"
#include "gateway/fields.h"
#include "gateway/peek.h"
#include "net/http_server.h"

namespace steward::gateway::messages {
namespace {

using enum FieldType;
constexpr Field kFields[] = {
    {.name = "model", .type = kString},
    {.name = "messages", .type = kArray},
    {.name = "max_tokens", .type = kInteger, .least = 1, .most = 1e9},
    {.name = "system", .type = kStringOrArray},
    {.name = "temperature", .type = kNumber, .least = 0, .most = 2},
    {.name = "top_p", .type = kNumber, .least = 0, .most = 1},
    {.name = "top_k", .type = kInteger, .least = 0, .most = 1e9},
    {.name = "stop_sequences", .type = kArray},
    {.name = "stream", .type = kBoolean},
    {.name = "tools", .type = kArray},
    {.name = "tool_choice", .type = kObject},
    {.name = "thinking", .type = kObject},
    {.name = "output_config", .type = kObject},
    {.name = "output_format", .type = kObject},
    {.name = "metadata", .type = kObject},
    {.name = "service_tier", .type = kString},
    {.name = "cache_control", .type = kObject},
};

std::optional<double> number(const Json& body, const char* name) {
  const Json& value = peek(body, name);
  if (!value.is_number()) return {};
  return value.get<double>();
}

std::optional<int64_t> integer(const Json& body, const char* name) {
  if (!peek(body, name).is_number()) return {};
  return peek_integer(body, name);
}

Status read_message(const Json& json, size_t index, Request& request) {
  const std::string at = fmt::format("messages[{}]", index);
  const std::string role = peek_text(json, "role");
  Message message;
  if (role == "user") {
    message.role = Role::kUser;
  } else if (role == "assistant") {
    message.role = Role::kAssistant;
  } else if (role == "system") {
    message.role = Role::kSystem;
  } else {
    return bad(at + ".role", fmt::format("'{}.role' must be user, assistant or system.", at));
  }
  message.plain = peek(json, "content").is_string();
  if (auto ok = read_content(peek(json, "content"), at + ".content", message.parts); !ok) return ok;
  message.extra = others(json, {"role", "content"});
  request.messages.push_back(std::move(message));
  return {};
}

Status read_messages(const Json& body, Request& request) {
  const Json& system = peek(body, "system");
  if (!system.is_null()) {
    Message message{.role = Role::kSystem, .top_level = true, .plain = system.is_string()};
    if (auto ok = read_content(system, "system", message.parts); !ok) return ok;
    request.messages.push_back(std::move(message));
  }
  const Json& messages = peek(body, "messages");
  if (!messages.is_array() || messages.empty()) return bad("messages", "'messages' is missing: give at least one.");
  if (messages.size() > kMaxMessages)
    return bad("messages", fmt::format("'messages' has more than {} messages.", kMaxMessages));
  for (size_t i = 0; i < messages.size(); ++i) {
    if (auto ok = read_message(messages[i], i, request); !ok) return ok;
  }
  return {};
}

Status read_format(const Json& format, std::string_view at, Request& request) {
  if (format.is_null()) return {};
  if (peek_text(format, "type") != "json_schema" || !peek(format, "schema").is_object())
    return bad(at, fmt::format("'{}' must be of type json_schema with a 'schema'.", at));
  request.format = Format{.kind = Format::Kind::kSchema,
                          .name = peek_text(format, "name"),
                          .description = {},
                          .schema = format["schema"],
                          .strict = true,
                          .extra = others(format, {"type", "schema", "name"})};
  return {};
}

Status read_thinking(const Json& body, Request& request) {
  const Json& asked = peek(body, "thinking");
  Thinking& thinking = request.thinking;
  if (asked.is_object()) {
    const std::string type = peek_text(asked, "type");
    if (type == "enabled" || type == "disabled") thinking.enabled = type == "enabled";
    thinking.adaptive = type == "adaptive";
    thinking.budget_tokens = integer(asked, "budget_tokens");
    if (type == "enabled" && !thinking.budget_tokens)
      return bad("thinking.budget_tokens", "'thinking' of type enabled needs 'budget_tokens' (at least 1024).");
    if (!thinking.adaptive && !thinking.enabled)
      return bad("thinking.type", "'thinking.type' must be enabled, disabled or adaptive.");
    thinking.extra = others(asked, {"type", "budget_tokens", "display"});
    const std::string display = peek_text(asked, "display");
    if (display == "summarized" || display == "omitted")
      thinking.show = display == "summarized";
    else if (!display.empty())
      thinking.extra["display"] = display;
  }
  const Json& output = peek(body, "output_config");
  thinking.effort = peek_text(output, "effort");
  if (Json rest = others(output, {"effort", "format"}); !rest.empty()) request.extra["output_config"] = std::move(rest);
  if (auto ok = read_format(peek(body, "output_format"), "output_format", request); !ok) return ok;
  return read_format(peek(output, "format"), "output_config.format", request);
}

Status read_settings(const Json& body, Request& request) {
  request.max_output = integer(body, "max_tokens");
  request.temperature = number(body, "temperature");
  request.top_p = number(body, "top_p");
  request.top_k = integer(body, "top_k");
  const Json& stops = peek(body, "stop_sequences");
  if (stops.size() > kMaxStops)
    return bad("stop_sequences", fmt::format("'stop_sequences' has more than {} entries.", kMaxStops));
  for (const auto& stop : stops) {
    if (!stop.is_string() || stop.get_ref<const std::string&>().empty())
      return bad("stop_sequences", "'stop_sequences' must be an array of strings that are not empty.");
    request.stop.push_back(stop);
  }
  request.stream = peek(body, "stream") == true;
  request.cache = read_cache(body);
  const Json& metadata = peek(body, "metadata");
  request.user = peek_text(metadata, "user_id");
  if (Json rest = others(metadata, {"user_id"}); !rest.empty()) request.extra["metadata"] = std::move(rest);
  // The default tier is called so here; the form uses OpenAI's word.
  request.service_tier = peek_text(body, "service_tier");
  if (request.service_tier == "standard_only") request.service_tier = "default";
  return {};
}

void read_headers(const net::Headers* headers, Request& request) {
  if (headers == nullptr) return;
  for (const auto& [name, value] : headers->all()) {
    if (equal_ignoring_ascii_case(name, "anthropic-beta")) {
      for (const std::string_view one : split(value, ',')) {
        if (!trim(one).empty()) request.betas.emplace_back(trim(one));
      }
    } else if (equal_ignoring_ascii_case(name, "anthropic-version")) {
      request.api_version = value;
    }
  }
}

}  // namespace

Result<Request> read_request(Json body, const net::Headers* headers) {
  if (!body.is_object()) return bad("", "The body must be a JSON object.");
  if (auto ok = check_known_fields(body, kFields); !ok) return fail(std::move(ok.error()));
  Request request;
  request.from = Dialect::kMessages;
  request.model = peek_text(body, "model");
  if (request.model.empty()) return bad("model", "'model' is missing.");
  for (auto* read : {read_messages, read_tools, read_settings, read_thinking}) {
    if (auto ok = read(body, request); !ok) return fail(std::move(ok.error()));
  }
  for (const auto& one : peek(body, "betas")) {  // some clients put them into the body
    if (one.is_string()) request.betas.push_back(one);
  }
  merge_into(request.extra, others(body, {"model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k",
                                          "stop_sequences", "stream", "tools", "tool_choice", "thinking",
                                          "output_config", "output_format", "metadata", "service_tier", "cache_control",
                                          "betas", "context_management"}));
  // What of the context the provider may clear away: elsewhere the model sees all of it.
  if (const Json& edits = peek(body, "context_management"); !edits.is_null()) request.own["context_management"] = edits;
  read_headers(headers, request);
  return request;
}

}  // namespace steward::gateway::messages
