// Errors as callers get them.
#include "base/json.h"
#include "gateway/asked.h"
#include "gateway/call.h"
#include "gateway/gateway.h"

namespace steward::gateway {
namespace {

constexpr DurationUs kRateSliceSlackUs =
    200'000;  // a minute's window ends within a tenth of a second: no reason to say 61

void set_rate_headers(net::Headers& headers, const Json& details) {
  for (const char* kind : {"requests", "tokens"}) {
    const int64_t limit = details.value(fmt::format("limit_{}", kind), int64_t{0});
    if (limit == 0) continue;
    headers.set(fmt::format("x-ratelimit-limit-{}", kind), std::to_string(limit));
    headers.set(fmt::format("x-ratelimit-remaining-{}", kind),
                std::to_string(details.value(fmt::format("remaining_{}", kind), int64_t{0})));
    headers.set(
        fmt::format("x-ratelimit-reset-{}", kind),
        fmt::format("{:.3f}s", static_cast<double>(details.value(fmt::format("reset_{}_us", kind), int64_t{0})) / 1e6));
  }
}

}  // namespace

Json openai_error(const Error& error) {
  const ErrorInfo& about = info(error.code);
  Json body = {{"message", error.message}, {"type", about.openai_type}, {"param", nullptr}, {"code", about.name}};
  if (error.details.is_object() && !error.details.empty()) {
    if (error.details.contains("param")) body["param"] = error.details["param"];
    body["details"] = error.details;
  }
  return {{"error", std::move(body)}};
}

namespace {

Task<void> send_error(net::Responder& responder, Error error, Json body) {
  net::Headers& headers = responder.headers();
  if (error.details.is_object()) {
    if (const int64_t us = error.details.value("retry_after_us", int64_t{0}); us > 0)
      headers.set("retry-after",
                  std::to_string(std::max<int64_t>(1, (us + kSecondUs - kRateSliceSlackUs - 1) / kSecondUs)));
    set_rate_headers(headers, error.details);
  }
  // Clients retry on their own: told plainly whether that can help.
  headers.set("x-should-retry", info(error.code).retryable ? "true" : "false");
  if (error.code == ErrorCode::kUnauthenticated) headers.set("www-authenticate", "Bearer");
  (void)co_await responder.send(info(error.code).http_status, "application/json", dump(body));
}

}  // namespace

Task<void> write_openai_error(net::Request&, net::Responder& responder, Error error) {
  Json body = openai_error(error);
  co_await send_error(responder, std::move(error), std::move(body));
}

Task<void> write_error(const Ingress& ingress, net::Request& request, net::Responder& responder, Error error) {
  Json body = ingress.write_error(error);
  if (body.is_object() && body.contains("request_id")) {  // Anthropic's
    body["request_id"] = request.request_id;
    responder.headers().set("request-id", request.request_id);
  }
  co_await send_error(responder, std::move(error), std::move(body));
}

Task<void> write_error(net::Request& request, net::Responder& responder, Error error) {
  co_await write_error(ingress_of(dialect_of_path(request.path)), request, responder, std::move(error));
}

}  // namespace steward::gateway
