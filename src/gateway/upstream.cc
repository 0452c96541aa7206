#include "gateway/upstream.h"

#include <charconv>

#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxErrorBody = 64 * 1024;
constexpr size_t kMaxReason = 500;

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

std::string reason_of(std::string_view body) {
  const Json json = parse_bounded(body);
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
  if (reason.empty()) reason = "It gave no reason.";
  return reason.size() > kMaxReason ? replace_invalid_utf8(reason.substr(0, kMaxReason)) : reason;
}

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
  const Json json = parse_bounded(body);
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
                                                             ErrorReader read_error) {
  auto opened = co_await client.open(std::move(request));
  if (!opened) co_return fail(std::move(opened.error()));
  auto events = std::make_unique<EventStream>();
  events->stream_ = std::move(*opened);
  const int status = events->stream_->status();
  const std::string_view type = events->stream_->headers().get("content-type");
  if (status == 200) events->framing_ = framing_of(type);
  if (events->framing_) co_return events;
  if (status == 200 && type.starts_with("application/json")) {
    if (auto ok = co_await events->read_whole(); !ok) co_return fail(std::move(ok.error()));
    co_return events;
  }
  if (status == 200)
    co_return fail(ErrorCode::kUpstreamError, "The model's server answered with something that is no event stream.");
  std::string body;
  while (body.size() < kMaxErrorBody) {
    auto bytes = co_await events->stream_->read();
    if (!bytes || !*bytes) break;
    body += **bytes;
  }
  Error error = read_error(status, body, events->stream_->headers());
  co_return fail(std::move(error));
}

Task<Status> EventStream::read_whole() {
  std::string body;
  for (;;) {
    auto bytes = co_await stream_->read();
    if (!bytes) co_return fail(std::move(bytes.error()));
    if (!*bytes) break;
    body += **bytes;
    if (body.size() > kMaxAnswerBytes)
      co_return fail(ErrorCode::kUpstreamError,
                     fmt::format("The answer is larger than the {} bytes that are taken.", kMaxAnswerBytes));
  }
  Json json = parse_bounded(body);
  if (!json.is_object() || !is_valid_utf8(body))
    co_return fail(ErrorCode::kUpstreamError, "The model's server answered with something that is no event stream.");
  whole_ = std::move(json);
  co_return Status{};
}

Result<UpstreamEvent> EventStream::read(const net::SseEvent& event) {
  Json json = parse_bounded(event.data);
  if (json.is_null()) return UpstreamEvent{.name = {}, .data = Json::object()};  // llama.cpp begins some streams so
  if (!json.is_object() || !is_valid_utf8(event.data))
    return fail(ErrorCode::kUpstreamError, "The model's server sent an event that is not JSON.");
  return UpstreamEvent{.name = event.event, .data = std::move(json)};
}

Task<Result<std::optional<UpstreamEvent>>> EventStream::next(bool whole) {
  if (auto answer = take_whole()) co_return std::optional<UpstreamEvent>({.name = {}, .data = std::move(*answer)});
  auto event = co_await next_raw(whole);
  if (!event) co_return fail(std::move(event.error()));
  if (!*event) co_return std::optional<UpstreamEvent>();
  auto read_event = read(**event);
  if (!read_event) co_return fail(std::move(read_event.error()));
  co_return std::optional<UpstreamEvent>(std::move(*read_event));
}

Task<Result<std::optional<net::SseEvent>>> EventStream::next_raw(bool whole) {
  if (!framing_) co_return std::optional<net::SseEvent>();  // what came whole was given
  for (;;) {
    if (!ready_.empty()) {
      net::SseEvent event = std::move(ready_.front());
      ready_.pop_front();
      const std::string_view data = trim(event.data);
      if (data == "[DONE]") {
        done_ = true;
        co_return std::optional<net::SseEvent>();
      }
      if (data.empty()) continue;
      co_return std::optional<net::SseEvent>(std::move(event));
    }
    auto bytes = co_await stream_->read();
    // Some servers end without a mark, some by a reset: the answer is whole once its finish was told.
    const bool broke = !bytes && bytes.error().code == ErrorCode::kUpstreamUnreachable;
    if (broke && whole && !framing_->in_event()) co_return std::optional<net::SseEvent>();
    if (!bytes) co_return fail(std::move(bytes.error()));
    if (!*bytes) {
      if (!framing_->in_event()) co_return std::optional<net::SseEvent>();
      co_return fail(ErrorCode::kUpstreamUnreachable, "The model's server ended its answer in the middle.");
    }
    auto events = framing_->feed(**bytes);
    if (!events) co_return fail(std::move(events.error()));
    for (auto& event : *events) ready_.push_back(std::move(event));
  }
}

Status ChoiceWatch::take(const UpstreamEvent& event) {
  if (event.name == "error" || !peek(event.data, "error").is_null()) {
    return fail(ErrorCode::kUpstreamError,
                fmt::format("The model's server broke off: {}", reason_of(dump(event.data))));
  }
  for (const auto& choice : peek(event.data, "choices"))
    finished_ = finished_ || peek(choice, "finish_reason").is_string();
  return {};
}

Status ChoiceWatch::end() const {
  if (finished_) return {};
  return fail(ErrorCode::kUpstreamUnreachable, "The model's server ended its answer in the middle.");
}

}  // namespace steward::gateway
