// Waits for something while telling that it takes long: `ping` is called every `interval` until `work` has ended. The
// work goes on meanwhile; `ping` runs in the waiting coroutine, so what it writes never meets what the caller writes
// afterwards. On one io thread. Ends only when `work` has ended: cancel that through its own token.
#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/async.h"

namespace steward::gateway::routing {

template <class T>
struct Awaited {  // of work that runs beside the one who waits
  explicit Awaited(const Executor& executor) : timer(executor) {}
  asio::steady_timer timer;
  std::optional<T> value;
  std::exception_ptr broke;
  bool ended() const { return value || broke; }
};

template <class T>
Task<void> run_into(std::shared_ptr<Awaited<T>> into, Task<T> work) {
  try {
    into->value.emplace(co_await std::move(work));
  } catch (...) {
    into->broke = std::current_exception();
  }
  into->timer.cancel();
}

template <class T>
Task<T> while_silent(Task<T> work, std::chrono::microseconds interval, std::function<Task<void>()> ping) {
  if (interval.count() <= 0 || !ping) co_return co_await std::move(work);
  auto executor = co_await asio::this_coro::executor;
  auto awaited = std::make_shared<Awaited<T>>(executor);
  asio::co_spawn(executor, run_into<T>(awaited, std::move(work)), asio::detached);
  while (!awaited->ended()) {
    awaited->timer.expires_after(interval);
    (void)co_await awaited->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!awaited->ended()) co_await ping();
  }
  if (awaited->broke) std::rethrow_exception(awaited->broke);
  co_return std::move(*awaited->value);
}

}  // namespace steward::gateway::routing
