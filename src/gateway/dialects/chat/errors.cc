// Errors, both ways: OpenAI's envelope {"error": {message, type, param, code}}, and what providers make of it.
#include <charconv>

#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"
#include "net/http_server.h"

namespace steward::gateway::chat {
namespace {

constexpr size_t kMaxReason = 500;

std::string shortened(std::string text) {
  return text.size() > kMaxReason ? replace_invalid_utf8(text.substr(0, kMaxReason)) : text;
}

Error refusal_of(int status, const std::string& reason, std::string_view type) {
  if (type == "exceed_context_size_error" || type == "context_length_exceeded" ||
      reason.find("maximum context length") != std::string::npos)
    return Error(ErrorCode::kContextTooLong, reason);
  if (status == 429)
    return Error(ErrorCode::kRateLimited, fmt::format("The model's provider is at its rate limit: {}", reason));
  if (status == 401 || status == 403)
    return Error(ErrorCode::kUpstreamError,
                 fmt::format("The model's provider refused the key that it was given: {}", reason));
  if (status == 404)
    return Error(ErrorCode::kModelNotFound, fmt::format("The model's provider does not know it: {}", reason));
  if (status >= 400 && status < 500) return Error(ErrorCode::kInvalidRequest, reason);
  return Error(ErrorCode::kUpstreamError, fmt::format("The model's server answered {}: {}", status, reason));
}

}  // namespace

// The sentence in an error body of any of the usual shapes, or the body's beginning.
std::string reason_of(const Json& json, std::string_view body) {
  std::string reason;
  if (json.is_object()) {
    const Json& inside = peek(json, "error");
    const Json& error = inside.is_null() ? json : inside;
    if (error.is_string())
      reason = error;
    else if (error.is_object())
      reason = peek(error, "message").is_string() ? error["message"].get<std::string>() : dump(error);
    // OpenRouter: what the provider behind it said.
    if (const std::string raw = peek_text(peek(error, "metadata"), "raw"); !raw.empty())
      reason += ": " + collapse_whitespace(replace_invalid_utf8(raw.substr(0, kMaxReason)));
  }
  if (reason.empty()) reason = collapse_whitespace(replace_invalid_utf8(body.substr(0, kMaxReason)));
  if (reason.empty()) reason = "It gave no reason.";
  return shortened(std::move(reason));
}

Json write_error(const Error& error) {
  const ErrorInfo& about = info(error.code);
  Json body = {{"message", error.message}, {"type", about.openai_type}, {"param", nullptr}, {"code", about.name}};
  if (error.details.is_object() && !error.details.empty()) {
    if (error.details.contains("param")) body["param"] = error.details["param"];
    body["details"] = error.details;
  }
  return {{"error", std::move(body)}};
}

Error read_error(int status, std::string_view body, const net::Headers& headers) {
  Json json = parse_bounded(body);
  if (json.is_array() && !json.empty()) json = Json(json[0]);  // Google's compatible endpoint
  const Json& inside = peek(json, "error");
  std::string type = peek_text(inside, "type");
  if (const std::string code = peek_text(inside, "code"); !code.empty() && type != "exceed_context_size_error")
    type = code;
  Error error = refusal_of(status, reason_of(json, body), type);
  error.details["upstream_status"] = status;
  const std::string_view retry = headers.get("retry-after");
  int seconds = 0;
  if (!retry.empty() && std::from_chars(retry.data(), retry.data() + retry.size(), seconds).ec == std::errc() &&
      seconds > 0) {
    error.details["retry_after_us"] = seconds * kSecondUs;
  }
  if (const std::string param = peek_text(inside, "param"); !param.empty()) error.details["param"] = param;
  return error;
}

}  // namespace steward::gateway::chat
