// Coroutines: Task<T> is what asynchronous functions return. A connection and all that it starts stay on the thread of
// their io_context; work for other threads goes over by post. Deadlines are absolute and travel; a cancellation carries
// its reason.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"

namespace steward {

namespace asio = boost::asio;

template <class T>
using Task = asio::awaitable<T>;

using Executor = asio::any_io_executor;

// An absolute point by which something must have happened. Default: never.
class Deadline {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  Deadline() = default;
  static Deadline in(std::chrono::microseconds from_now) {
    return Deadline(std::chrono::steady_clock::now() + from_now);
  }
  static Deadline at(SteadyTime time) { return Deadline(time); }
  bool never() const { return !at_; }
  bool passed() const { return at_ && std::chrono::steady_clock::now() >= *at_; }
  SteadyTime time() const { return at_.value_or(SteadyTime::max()); }
  std::chrono::microseconds left() const;  // never negative; hours where never
  Deadline sooner(Deadline other) const { return other.time() < time() ? other : *this; }

 private:
  explicit Deadline(SteadyTime t) : at_(t) {}
  std::optional<SteadyTime> at_;
};

// Why work was cancelled; asked by what is running, set once by whoever stops it. Thread-safe; copies share.
enum class CancelReason { kNone, kClientGone, kDeadline, kStopped, kShutdown };

class CancelToken {
 public:
  CancelToken() : state_(std::make_shared<State>()) {}
  void cancel(CancelReason reason);
  bool cancelled() const { return reason() != CancelReason::kNone; }
  CancelReason reason() const;
  // Calls `hook` once upon cancellation, on the canceller's thread (post to your own executor inside). At once if
  // already cancelled. Returns a handle for `forget`; a forgotten hook is not called.
  size_t on_cancel(std::function<void(CancelReason)> hook);
  void forget(size_t handle);

 private:
  struct State {
    std::mutex mutex;
    CancelReason reason = CancelReason::kNone;
    size_t next_handle = 1;
    std::vector<std::pair<size_t, std::function<void(CancelReason)>>> hooks;
  };
  std::shared_ptr<State> state_;
};

// Turns a callback into something awaited: `start` gets a completion that may be called once, from any thread; the
// awaiting coroutine goes on upon its own executor.
//   T value = co_await await_callback<T>([&](std::function<void(T)> done) { journal.append(batch, done); });
template <class T, class Start>
Task<T> await_callback(Start start) {
  auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
      [executor](auto handler, Start start) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        start([executor, shared](T value) {
          asio::post(executor, [shared, value = std::move(value)]() mutable { std::move (*shared)(std::move(value)); });
        });
      },
      asio::use_awaitable, std::move(start));
}

}  // namespace steward
