#include "gateway/upstream.h"

#include <charconv>

#include "base/text.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxErrorBody = 64 * 1024;
constexpr size_t kMaxReason = 500;

// The sentence in an error body of any of the usual shapes, or the body's beginning.
std::string reason_of(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  std::string reason;
  if (json.is_object()) {
    const Json error = json.value("error", json);
    if (error.is_string())
      reason = error;
    else if (error.is_object())
      reason =
          error.contains("message") && error["message"].is_string() ? error["message"].get<std::string>() : dump(error);
  }
  if (reason.empty()) reason = collapse_whitespace(replace_invalid_utf8(body.substr(0, kMaxReason)));
  return reason.size() > kMaxReason ? replace_invalid_utf8(reason.substr(0, kMaxReason)) : reason;
}

Error refusal_of(int status, const std::string& reason, std::string_view type, bool local) {
  if (type == "exceed_context_size_error" || reason.find("maximum context length") != std::string::npos)
    return Error(ErrorCode::kContextTooLong, reason);
  if (status == 429)
    return Error(ErrorCode::kRateLimited, fmt::format("The model's provider is at its rate limit: {}", reason));
  if (status == 401 || status == 403)
    return Error(ErrorCode::kUpstreamError,
                 fmt::format("The model's provider refused the key that it was given: {}", reason));
  if (status == 404 && !local)
    return Error(ErrorCode::kModelNotFound, fmt::format("The model's provider does not know it: {}", reason));
  if (status >= 400 && status < 500) return Error(ErrorCode::kInvalidRequest, reason);
  return Error(local ? ErrorCode::kEngineFailed : ErrorCode::kUpstreamError,
               fmt::format("The model's server answered {}: {}", status, reason));
}

}  // namespace

net::ClientRequest upstream_request(const Upstream& upstream, std::string_view path, std::string body,
                                    CancelToken cancel) {
  net::ClientRequest request{.method = "POST",
                             .url = upstream.base_url + std::string(path),
                             .unix_socket = upstream.unix_socket,
                             .body = std::move(body),
                             .deadlines = upstream.deadlines,
                             .cancel = std::move(cancel)};
  request.headers.add("Content-Type", "application/json");
  if (!upstream.key.empty()) request.headers.add("Authorization", "Bearer " + upstream.key);
  return request;
}

Error upstream_refusal(int status, std::string_view body, const net::Headers& headers, bool local) {
  const Json json = Json::parse(body, nullptr, false);
  const Json inner = json.is_object() ? json.value("error", Json()) : Json();
  const std::string type =
      inner.is_object() && inner.contains("type") && inner["type"].is_string() ? inner["type"].get<std::string>() : "";
  Error error = refusal_of(status, reason_of(body), type, local);
  error.details["upstream_status"] = status;
  const std::string_view retry = headers.get("retry-after");
  int seconds = 0;
  if (!retry.empty() && std::from_chars(retry.data(), retry.data() + retry.size(), seconds).ec == std::errc() &&
      seconds > 0) {
    error.details["retry_after_us"] = seconds * kSecondUs;
  }
  if (inner.is_object() && inner.contains("param") && inner["param"].is_string())
    error.details["param"] = inner["param"];
  return error;
}

Task<Result<std::unique_ptr<EventStream>>> EventStream::open(net::HttpClient& client, net::ClientRequest request,
                                                             bool local) {
  request.headers.add("Accept", "text/event-stream");
  auto opened = co_await client.open(std::move(request));
  if (!opened) co_return fail(std::move(opened.error()));
  auto events = std::make_unique<EventStream>();
  events->stream_ = std::move(*opened);
  events->local_ = local;
  if (events->stream_->status() == 200 &&
      events->stream_->headers().get("content-type").starts_with("text/event-stream"))
    co_return events;
  std::string body;
  while (body.size() < kMaxErrorBody) {
    auto bytes = co_await events->stream_->read();
    if (!bytes || !*bytes) break;
    body += **bytes;
  }
  const int status = events->stream_->status();
  if (status == 200)
    co_return fail(ErrorCode::kUpstreamError, "The model's server answered with something that is no event stream.");
  co_return fail(upstream_refusal(status, body, events->stream_->headers(), local));
}

Result<std::optional<Json>> EventStream::take(const net::SseEvent& event) {
  Json json = Json::parse(event.data, nullptr, false);
  if (json.is_null()) return std::optional<Json>(Json::object());  // llama.cpp begins some streams with a null
  if (!json.is_object() || !is_valid_utf8(event.data))
    return fail(ErrorCode::kUpstreamError, "The model's server sent an event that is not JSON.");
  if (event.event == "error" || (json.contains("error") && !json["error"].is_null())) {
    return fail(ErrorCode::kUpstreamError, fmt::format("The model's server broke off: {}", reason_of(event.data)));
  }
  if (const auto choices = json.find("choices"); choices != json.end() && choices->is_array()) {
    for (const auto& choice : *choices)
      finished_ = finished_ || (choice.is_object() && choice.value("finish_reason", Json()).is_string());
  }
  return std::optional(std::move(json));
}

Task<Result<std::optional<Json>>> EventStream::next() {
  for (;;) {
    if (!ready_.empty()) {
      const net::SseEvent event = std::move(ready_.front());
      ready_.pop_front();
      if (trim(event.data) == "[DONE]") co_return std::optional<Json>();
      co_return take(event);
    }
    auto bytes = co_await stream_->read();
    // Some servers end without [DONE], some by a reset: the answer is whole once its finish was told.
    if (!bytes && finished_ && bytes.error().code == ErrorCode::kUpstreamUnreachable && !reader_.in_event())
      co_return std::optional<Json>();
    if (!bytes) co_return fail(std::move(bytes.error()));
    if (!*bytes) {
      if (finished_ && !reader_.in_event()) co_return std::optional<Json>();
      co_return fail(ErrorCode::kUpstreamUnreachable, "The model's server ended its answer in the middle.");
    }
    auto events = reader_.feed(**bytes);
    if (!events) co_return fail(std::move(events.error()));
    for (auto& event : *events) ready_.push_back(std::move(event));
  }
}

}  // namespace steward::gateway
