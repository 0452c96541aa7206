// One coroutine waits here until something on its own thread wakes it: the smallest condition there is, without a timer
// or a lock.
//
// Invariants: at most one waiter; wait() and wake() on the same io thread. wake() goes on with the coroutine at once,
// on the caller's stack, so it is called last (and never from inside a library's callback that must not be re-entered).
// Asio's cancellation (operator||) ends the wait with operation_aborted. The handler that is kept here owns the
// coroutine: drop() breaks that circle when the threads have stopped and nobody will wake it any more.
#pragma once
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/error.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "base/async.h"

namespace steward::net {

class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Task<void> wait() {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code)>(
        [](auto handler, Waiter* self) { self->keep(std::move(handler)); }, asio::use_awaitable, this);
  }
  bool waiting() const { return static_cast<bool>(kept_->handler); }
  void wake() { finish(*kept_, {}); }
  void drop() { std::exchange(kept_->handler, nullptr); }

 private:
  struct Kept {
    std::move_only_function<void(boost::system::error_code)> handler;
    uint64_t turn = 0;  // a late cancellation must not end a later wait
  };

  static void finish(Kept& kept, boost::system::error_code error) {
    ++kept.turn;
    if (auto handler = std::exchange(kept.handler, nullptr)) handler(error);
  }

  template <class Handler>
  void keep(Handler handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto executor = asio::get_associated_executor(handler);
    if (slot.is_connected()) {
      slot.assign([executor, weak = std::weak_ptr(kept_), turn = kept_->turn](asio::cancellation_type) {
        asio::post(executor, [weak, turn] {
          auto kept = weak.lock();
          if (kept && kept->turn == turn) finish(*kept, asio::error::operation_aborted);
        });
      });
    }
    kept_->handler = std::move(handler);
  }

  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

}  // namespace steward::net
