#include <algorithm>

#include "base/text.h"
#include "gateway/call.h"
#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"
#include "gateway/upstream.h"

namespace steward::gateway::responses {
namespace {

struct Known {  // the codes of responses that failed, and what they are here
  std::string_view code;
  ErrorCode error;
  int status;  // that the provider would have answered with, had it known before it began
};
constexpr Known kKnown[] = {
    {"context_length_exceeded", ErrorCode::kContextTooLong, 400},
    {"rate_limit_exceeded", ErrorCode::kRateLimited, 429},
    {"insufficient_quota", ErrorCode::kUpstreamError, 429},
    {"invalid_prompt", ErrorCode::kInvalidRequest, 400},
    {"invalid_request", ErrorCode::kInvalidRequest, 400},
    {"invalid_image", ErrorCode::kInvalidRequest, 400},
    {"model_not_found", ErrorCode::kModelNotFound, 404},
    {"server_is_overloaded", ErrorCode::kUpstreamError, 503},
    {"slow_down", ErrorCode::kUpstreamError, 503},
    {"vector_store_timeout", ErrorCode::kUpstreamTimeout, 504},
};
constexpr size_t kMaxReason = 500;
// What is wrong with the request itself.
constexpr ErrorCode kOfCallers[] = {ErrorCode::kInvalidRequest, ErrorCode::kUnsupportedField, ErrorCode::kInvalidUtf8,
                                    ErrorCode::kModelNotFound,  ErrorCode::kUrlRefused,       ErrorCode::kUrlFailed,
                                    ErrorCode::kForbidden,      ErrorCode::kPriceUnknown};

}  // namespace

Json write_error(const Error& error) { return openai_error(error); }

std::string_view response_code(std::string_view code) {
  for (const std::string_view own : {"insufficient_quota", "server_is_overloaded", "invalid_prompt"}) {
    if (code == own) return own;
  }
  if (code == info(ErrorCode::kBudgetExceeded).name) return "insufficient_quota";
  if (code == info(ErrorCode::kRateLimited).name || code == info(ErrorCode::kContextTooLong).name) return code;
  if (code == info(ErrorCode::kQueueFull).name || code == info(ErrorCode::kModelUnavailable).name)
    return "server_is_overloaded";
  for (const ErrorCode known : kOfCallers) {
    if (code == info(known).name) return "invalid_prompt";
  }
  return "server_error";
}

Json response_error(const Error& error) {
  return {{"code", response_code(info(error.code).name)}, {"message", error.message}};
}

Error read_error(int status, std::string_view body, const net::Headers& headers) {
  return upstream_refusal(status, body, headers, false);
}

Error error_of_response(const Json& error) {
  std::string code = peek_text(error, "code");
  if (code.empty()) code = peek_text(error, "type");
  std::string reason = peek_text(error, "message").substr(0, kMaxReason);
  if (reason.empty()) reason = code.empty() ? "no reason was given" : code.substr(0, kMaxReason);
  const auto found = std::ranges::find(kKnown, code, &Known::code);
  const bool known = found != std::end(kKnown);
  Error out(known ? found->error : ErrorCode::kUpstreamError,
            fmt::format("The model's provider broke off: {}", replace_invalid_utf8(reason)));
  out.details["upstream_status"] = known ? found->status : 500;
  if (!code.empty()) out.details["upstream_code"] = code.substr(0, kMaxReason);
  return out;
}

}  // namespace steward::gateway::responses
