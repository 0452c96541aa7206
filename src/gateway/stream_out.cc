#include "gateway/stream_out.h"

#include <boost/asio/redirect_error.hpp>

#include "base/crash_point.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {
using namespace std::chrono_literals;
constexpr auto kWriteTurn = 1ms;  // how often a writer looks whether the other one is done
}  // namespace

void StreamOut::set_sign_of_life(std::chrono::microseconds silence, std::string bytes) {
  shared_->silence = silence;
  shared_->sign = form_ == Form::kJsonArray ? std::string("\n") : std::move(bytes);
}

Task<Status> StreamOut::begin() {
  responder_.headers().set("cache-control", "no-store");
  const bool events = form_ == Form::kEvents;
  if (auto ok = co_await responder_.begin(200, events ? "text/event-stream" : "application/json"); !ok) co_return ok;
  shared_->last = std::chrono::steady_clock::now();
  if (shared_->silence.count() > 0)
    asio::co_spawn(co_await asio::this_coro::executor, keep_alive(responder_, alive_, shared_), asio::detached);
  co_return Status{};
}

Task<Status> StreamOut::write(std::string events) {
  if (events.empty()) co_return Status{};
  auto written = co_await put(form_ == Form::kEvents ? std::move(events) : elements_of(events));
  crash_point("upstream_streaming");
  co_return written;
}

Task<void> StreamOut::end() {
  if (form_ == Form::kJsonArray && !co_await put(first_element_ ? "[]" : "]")) co_return;
  (void)co_await responder_.end();
}

Task<void> StreamOut::release() {
  alive_->cancel(CancelReason::kStopped);
  co_await wait_turn(shared_);  // a sign of life may be on its way out
}

Task<Status> StreamOut::put(std::string bytes) {
  if (bytes.empty()) co_return Status{};
  if (shared_->writing) co_await wait_turn(shared_);
  shared_->writing = true;
  auto written = co_await responder_.write(std::move(bytes));
  shared_->writing = false;
  shared_->last = std::chrono::steady_clock::now();
  co_return written;
}

std::string StreamOut::elements_of(const std::string& events) {
  net::SseReader reader;
  std::string out;
  const auto read = reader.feed(events);
  if (!read) return out;
  for (const auto& event : *read) {
    out += std::exchange(first_element_, false) ? "[" : ",\r\n";
    out += event.data;
  }
  return out;
}

Task<void> StreamOut::wait_turn(std::shared_ptr<Shared> shared) {
  while (shared->writing) {
    asio::steady_timer timer(co_await asio::this_coro::executor, kWriteTurn);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// Owned by the stream through `alive`: ends at the next look after it is gone. The responder is touched only while it
// lives.
Task<void> StreamOut::keep_alive(net::Responder& responder, std::shared_ptr<CancelToken> alive,
                                 std::shared_ptr<Shared> shared) {
  auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<asio::steady_timer>(executor);
  alive->on_cancel([timer](CancelReason) { timer->cancel(); });
  while (!alive->cancelled()) {
    timer->expires_at(shared->last + shared->silence);
    boost::system::error_code error;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (alive->cancelled()) co_return;
    if (shared->writing || std::chrono::steady_clock::now() < shared->last + shared->silence) continue;
    shared->writing = true;
    const bool ok = (co_await responder.write(shared->sign)).has_value();
    shared->writing = false;
    shared->last = std::chrono::steady_clock::now();
    if (!ok) co_return;
  }
}

}  // namespace steward::gateway
