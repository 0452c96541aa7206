#include <charconv>

#include "base/text.h"
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"
#include "net/http_server.h"

namespace steward::gateway::messages {
namespace {

constexpr int kOverloaded = 529;  // Anthropic's own status
constexpr size_t kMaxReason = 500;

// Anthropic's types, and what each is to Steward's caller. A key that the provider refuses is Steward's, not the
// caller's.
ErrorCode code_of(int status, std::string_view type, std::string_view reason) {
  if (reason.find("prompt is too long") != std::string_view::npos ||
      reason.find("exceed context limit") != std::string_view::npos)
    return ErrorCode::kContextTooLong;
  if (type == "rate_limit_error" || status == 429) return ErrorCode::kRateLimited;
  if (type == "authentication_error" || type == "permission_error" || type == "billing_error" || status == 401 ||
      status == 402 || status == 403)
    return ErrorCode::kUpstreamError;
  if (type == "not_found_error" || status == 404) return ErrorCode::kModelNotFound;
  if (type == "request_too_large" || status == 413) return ErrorCode::kBodyTooLarge;
  if (type == "timeout_error" || status == 504) return ErrorCode::kUpstreamTimeout;
  if (type == "overloaded_error" || status == kOverloaded) return ErrorCode::kModelUnavailable;
  if (type == "invalid_request_error" || (status >= 400 && status < 500)) return ErrorCode::kInvalidRequest;
  return ErrorCode::kUpstreamError;
}

int status_of(std::string_view type) {
  if (type == "invalid_request_error") return 400;
  if (type == "authentication_error") return 401;
  if (type == "billing_error") return 402;
  if (type == "permission_error") return 403;
  if (type == "not_found_error") return 404;
  if (type == "request_too_large") return 413;
  if (type == "rate_limit_error") return 429;
  if (type == "timeout_error") return 504;
  return type == "overloaded_error" ? kOverloaded : 500;
}

Error upstream_error(int status, const std::string& type, std::string reason) {
  if (reason.empty()) reason = type.empty() ? fmt::format("status {}", status) : type;
  Error error(code_of(status, type, reason));
  const bool callers = info(error.code).http_status < 500 && error.code != ErrorCode::kRateLimited;
  if (reason.size() > kMaxReason) reason = replace_invalid_utf8(reason.substr(0, kMaxReason));
  error.message = callers ? reason : fmt::format("The model's provider answered {}: {}", status, reason);
  error.details["upstream_status"] = status;
  if (!type.empty()) error.details["upstream_type"] = type;
  return error;
}

}  // namespace

Json write_error(const Error& error) {
  Json out = {{"type", "error"}, {"error", {{"type", info(error.code).anthropic_type}, {"message", error.message}}}};
  out["error"]["code"] = info(error.code).name;
  if (const std::string param = peek_text(error.details, "param"); !param.empty()) out["error"]["param"] = param;
  out["request_id"] = peek(error.details, "request_id");
  return out;
}

Error read_error(int status, std::string_view body, const net::Headers& headers) {
  const auto json = parse_json(body);
  static const Json kNothing;
  const Json& error = json ? peek(*json, "error") : kNothing;
  std::string reason = peek_text(error, "message");
  if (reason.empty() && json) reason = peek_text(*json, "message");  // AWS's
  if (reason.empty()) reason = replace_invalid_utf8(trim(body.substr(0, 300)));
  Error out = upstream_error(status, peek_text(error, "type"), std::move(reason));
  const std::string_view retry = headers.get("retry-after");
  int seconds = 0;
  if (std::from_chars(retry.data(), retry.data() + retry.size(), seconds).ec == std::errc() && seconds > 0)
    out.details["retry_after_us"] = seconds * kSecondUs;
  return out;
}

Error error_of_event(const Json& event) {
  const Json& error = peek(event, "error");
  const std::string type = peek_text(error, "type");
  return upstream_error(status_of(type), type, peek_text(error, "message"));
}

}  // namespace steward::gateway::messages
