#include "base/worker_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace steward {

struct WorkerPool::Impl {
  explicit Impl(size_t max) : max_queued(max) {}

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;
      auto next = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      next();
      next = nullptr;  // what it owns is let go outside the lock
      lock.lock();
    }
  }

  const size_t max_queued;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::move_only_function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;
};

WorkerPool::WorkerPool(size_t threads, size_t max_queued) : impl_(std::make_unique<Impl>(max_queued)) {
  for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i)
    impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
}

WorkerPool::~WorkerPool() { stop(); }

Status WorkerPool::post(std::move_only_function<void()> work) {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return fail(ErrorCode::kShuttingDown);
    if (impl_->queue.size() >= impl_->max_queued)
      return fail(ErrorCode::kQueueFull, "The server's workers have more to do than they take.");
    impl_->queue.push_back(std::move(work));
  }
  impl_->changed.notify_one();
  return {};
}

size_t WorkerPool::queued() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->queue.size();
}

void WorkerPool::stop() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (auto& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace steward
