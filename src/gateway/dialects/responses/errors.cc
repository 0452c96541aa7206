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

}  // namespace

Json write_error(const Error& error) { return openai_error(error); }

Json response_error(const Error& error) {
  // The words that clients of this dialect know where they differ from ours.
  std::string_view code = info(error.code).name;
  if (error.code == ErrorCode::kBudgetExceeded) code = "insufficient_quota";
  if (info(error.code).http_status >= 500) code = "server_error";
  if (error.code == ErrorCode::kQueueFull || error.code == ErrorCode::kModelUnavailable) code = "server_is_overloaded";
  if (error.code == ErrorCode::kInvalidRequest || error.code == ErrorCode::kUnsupportedField) code = "invalid_prompt";
  return {{"code", code}, {"message", error.message}};
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
