#include "server/recorder.h"

#include "base/text.h"

namespace steward::server {
namespace {

// What tells of that moment, not of the answer.
bool is_kept_header(std::string_view name) {
  const std::string lower = to_lower_ascii(name);
  return !lower.starts_with("x-ratelimit-") && !lower.starts_with("access-control-") && lower != "x-request-id" &&
         lower != "date" && lower != "connection" && lower != "content-length" && lower != "transfer-encoding" &&
         lower != "vary" && lower != "content-type";
}

}  // namespace

void Recorder::begin_answer(int status, const std::string& content_type) {
  answer_.status = status;
  answer_.content_type = content_type;
  for (const auto& [name, value] : inner_.headers().all()) {
    if (is_kept_header(name)) answer_.headers.emplace_back(name, value);
  }
}

void Recorder::add(const std::string& bytes) {
  if (answer_.body.size() + bytes.size() > kMaxKeptBytes) too_large_ = true, answer_.body.clear();
  if (!too_large_) answer_.body += bytes;
}

Status Recorder::tolerant(Status status) const {
  const bool gone = !status && status.error().code == ErrorCode::kCancelled;
  return gone && outlives_client_ ? Status{} : status;
}

Task<Status> Recorder::finish() {
  whole_ = true;
  if (!before_end_) co_return Status{};
  co_return co_await before_end_(*this);
}

Task<Status> Recorder::send(int status, std::string content_type, std::string body) {
  begin_answer(status, content_type);
  add(body);
  if (auto safe = co_await finish(); !safe) co_return safe;
  co_return tolerant(co_await inner_.send(status, std::move(content_type), std::move(body)));
}

Task<Status> Recorder::begin(int status, std::string content_type) {
  begin_answer(status, content_type);
  answer_.streamed = true;
  co_return tolerant(co_await inner_.begin(status, std::move(content_type)));
}

Task<Status> Recorder::write(std::string chunk) {
  add(chunk);
  co_return tolerant(co_await inner_.write(std::move(chunk)));
}

Task<Status> Recorder::end() {
  if (auto safe = co_await finish(); !safe) co_return safe;
  co_return tolerant(co_await inner_.end());
}

}  // namespace steward::server
