// Google's errors: {"error": {code, message, status, details: [ErrorInfo, RetryInfo, BadRequest, …]}}.
#include <charconv>
#include <cmath>

#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"
#include "net/http_server.h"

namespace steward::gateway::gemini {
namespace {

constexpr size_t kMaxReason = 500;
constexpr double kMaxRetryS = 86'400;

std::string_view status_of(int http_status) {
  static constexpr std::pair<int, std::string_view> kStatuses[] = {
      {400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"},    {402, "FAILED_PRECONDITION"}, {403, "PERMISSION_DENIED"},
      {404, "NOT_FOUND"},        {405, "UNIMPLEMENTED"},      {408, "DEADLINE_EXCEEDED"},   {409, "ABORTED"},
      {413, "INVALID_ARGUMENT"}, {429, "RESOURCE_EXHAUSTED"}, {499, "CANCELLED"},           {500, "INTERNAL"},
      {501, "UNIMPLEMENTED"},    {502, "UNAVAILABLE"},        {503, "UNAVAILABLE"},         {504, "DEADLINE_EXCEEDED"}};
  for (const auto& [status, word] : kStatuses) {
    if (status == http_status) return word;
  }
  return http_status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}

// "34.4s"
int64_t duration_us(const std::string& text) {
  double seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc() || !(seconds > 0) || seconds > kMaxRetryS) return 0;
  return static_cast<int64_t>(std::ceil(seconds * 1e6));
}

Json inner_of(std::string_view body) {
  Json json = parse_bounded(body);
  if (json.is_array() && !json.empty()) json = Json(json[0]);  // not streamed as SSE, errors come in a list
  return peek(json, "error");
}

Error refusal_of(int status, const std::string& reason, const std::string& why) {
  const bool no_good = why == "API_KEY_INVALID" || why == "API_KEY_SERVICE_BLOCKED";  // told as 400 or 403
  if (no_good || status == 401 || status == 403)
    return Error(ErrorCode::kUpstreamError,
                 fmt::format("The model's provider refused the key that it was given: {}", reason),
                 no_good ? Json{{"key_refused", true}} : Json::object());
  if (status == 400 && (reason.find("exceeds the maximum number of tokens") != std::string::npos ||
                        reason.find("input token count") != std::string::npos))
    return Error(ErrorCode::kContextTooLong, reason);
  if (status == 429)
    return Error(ErrorCode::kRateLimited, fmt::format("The model's provider is at its rate limit: {}", reason));
  if (status == 404)
    return Error(ErrorCode::kModelNotFound, fmt::format("The model's provider does not know it: {}", reason));
  if (status >= 400 && status < 500) return Error(ErrorCode::kInvalidRequest, reason);
  return Error(ErrorCode::kUpstreamError, fmt::format("The model's server answered {}: {}", status, reason));
}

}  // namespace

std::string reason_of(const Json& json, std::string_view body) {
  const Json& error = peek(json, "error").is_null() ? json : peek(json, "error");
  std::string reason = error.is_string() ? error.get<std::string>() : peek_text(error, "message");
  if (reason.empty()) reason = collapse_whitespace(replace_invalid_utf8(body.substr(0, kMaxReason)));
  if (reason.empty()) reason = "It gave no reason.";
  return reason.size() > kMaxReason ? replace_invalid_utf8(reason.substr(0, kMaxReason)) : reason;
}

Json write_error(const Error& error) {
  const ErrorInfo& about = info(error.code);
  Json facts = {{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                {"reason", about.name},
                {"domain", "steward"},
                {"metadata", Json::object()}};
  Json details = Json::array();
  if (error.details.is_object()) {
    for (const auto& [name, value] : error.details.items())
      facts["metadata"][name] = value.is_string() ? value : Json(dump(value));
    if (const int64_t us = peek_integer(error.details, "retry_after_us"); us > 0) {
      details.push_back({{"@type", "type.googleapis.com/google.rpc.RetryInfo"},
                         {"retryDelay", fmt::format("{}s", (us + kSecondUs - 1) / kSecondUs)}});
    }
    if (const std::string param = peek_text(error.details, "param"); !param.empty()) {
      details.push_back({{"@type", "type.googleapis.com/google.rpc.BadRequest"},
                         {"fieldViolations", Json::array({Json{{"field", param}, {"description", error.message}}})}});
    }
  }
  details.insert(details.begin(), std::move(facts));
  return {{"error",
           {{"code", about.http_status},
            {"message", error.message},
            {"status", status_of(about.http_status)},
            {"details", std::move(details)}}}};
}

Error read_error(int status, std::string_view body, const net::Headers& headers) {
  const Json inner = inner_of(body);
  std::string why;
  int64_t retry_us = 0;
  std::string param;
  for (const auto& detail : peek(inner, "details")) {
    const std::string type = peek_text(detail, "@type");
    if (type.ends_with("ErrorInfo")) why = peek_text(detail, "reason");
    if (type.ends_with("RetryInfo")) retry_us = duration_us(peek_text(detail, "retryDelay"));
    for (const auto& violation : peek(detail, "fieldViolations")) param = peek_text(violation, "field");
  }
  Error error = refusal_of(status, reason_of(inner, body), why);
  error.details["upstream_status"] = status;
  const std::string_view header = headers.get("retry-after");
  int seconds = 0;
  if (retry_us == 0 && std::from_chars(header.data(), header.data() + header.size(), seconds).ec == std::errc())
    retry_us = seconds * kSecondUs;
  if (retry_us > 0) error.details["retry_after_us"] = retry_us;
  if (!param.empty()) error.details["param"] = param;
  return error;
}

}  // namespace steward::gateway::gemini
