// Work that blocks (disk, long sums) off the io threads: a few threads behind a bounded queue.
#pragma once
#include <boost/asio/thread_pool.hpp>

#include "base/async.h"

namespace steward::server {

class Worker {
 public:
  Worker() : pool_(kThreads) {}
  ~Worker() { stop(); }
  void stop() { pool_.join(); }

  // Runs `work` on a worker thread; the awaiting coroutine goes on upon its own executor. kQueueFull if too much waits.
  // `work` must not throw: it answers a Result.
  template <class T>
  Task<Result<T>> run(std::function<Result<T>()> work) {
    if (waiting_.fetch_add(1) >= kMaxWaiting) {
      waiting_.fetch_sub(1);
      co_return fail(ErrorCode::kQueueFull, "The server has as much slow work as it takes on; try again in a moment.");
    }
    co_return co_await await_callback<Result<T>>([this, work = std::move(work)](std::function<void(Result<T>)> done) {
      asio::post(pool_, [this, work, done] {
        auto result = work();
        waiting_.fetch_sub(1);
        done(std::move(result));
      });
    });
  }

 private:
  static constexpr size_t kThreads = 2;
  static constexpr int kMaxWaiting = 64;
  asio::thread_pool pool_;
  std::atomic<int> waiting_ = 0;
};

}  // namespace steward::server
