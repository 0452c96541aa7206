#include "gateway/fair_queue.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>

namespace steward::gateway {

// Gives the call its tags; true if a slot was free. The queue's mutex is held.
bool FairQueue::take(const std::string& key, double weight, int64_t tokens, Waiting& waiting) {
  const double length = static_cast<double>(std::max<int64_t>(1, tokens)) / std::max(weight, 1e-6);
  if (waiting_.empty() && busy_ == 0) finishes_.clear();  // an idle queue remembers no debts
  double& finish = finishes_[key];
  waiting.start = std::max(virtual_time_, finish);
  waiting.order = next_order_++;
  finish = waiting.start + length;
  if (busy_ >= slots_ || !waiting_.empty()) return false;
  ++busy_;
  virtual_time_ = std::max(virtual_time_, waiting.start);
  return true;
}

Task<Result<std::unique_ptr<FairQueue::Ticket>>> FairQueue::enter(std::string key, double weight, int64_t tokens,
                                                                  Deadline deadline, CancelToken cancel) {
  auto self = shared_from_this();
  auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor);
  Waiting waiting;
  uint64_t order = 0;
  {
    std::lock_guard lock(mutex_);
    if (take(key, weight, tokens, waiting)) co_return std::make_unique<Ticket>(self);
    if (waiting_.size() >= limit_) {
      co_return fail(ErrorCode::kQueueFull, fmt::format("{} calls wait for this model already.", waiting_.size()),
                     {{"retry_after_us", 5 * 1'000'000}});
    }
    order = waiting.order;
  }
  const std::function<void(std::function<void(Status)>)> start = [&](std::function<void(Status)> done) {
    {
      std::lock_guard lock(mutex_);
      waiting.done = std::move(done);
      waiting_.emplace(std::pair(waiting.start, waiting.order), std::move(waiting));
      peak_ = std::max(peak_, waiting_.size());
    }
    // A slot may have come free between the two locks: whoever is first takes it.
    bool free = false;
    {
      std::lock_guard lock(mutex_);
      free = busy_ < slots_;
      if (free) ++busy_;
    }
    if (free) leave();
    if (cancel.cancelled()) finish(order, fail(ErrorCode::kCancelled));  // while it was on its way into the queue
  };
  const size_t hook =
      cancel.on_cancel([self, order](CancelReason) { self->finish(order, fail(ErrorCode::kCancelled)); });
  if (!deadline.never()) {
    timer->expires_at(deadline.time());
    timer->async_wait([self, order, timer](boost::system::error_code error) {
      if (!error)
        self->finish(order, fail(ErrorCode::kQueueTimeout, "The model did not become free in time.",
                                 {{"retry_after_us", 5 * 1'000'000}}));
    });
  }
  Status status = co_await await_callback<Status>(start);
  timer->cancel();
  cancel.forget(hook);
  if (!status) co_return fail(std::move(status.error()));
  co_return std::make_unique<Ticket>(self);
}

void FairQueue::leave() {
  std::function<void(Status)> done;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty() || busy_ > slots_) {
      --busy_;
      return;
    }
    auto first = waiting_.begin();  // the slot passes on: busy_ stays
    virtual_time_ = std::max(virtual_time_, first->second.start);
    done = std::move(first->second.done);
    waiting_.erase(first);
  }
  done(Status{});
}

void FairQueue::finish(uint64_t order, Status status) {
  std::function<void(Status)> done;
  {
    std::lock_guard lock(mutex_);
    const auto it = std::ranges::find_if(waiting_, [&](const auto& entry) { return entry.second.order == order; });
    if (it == waiting_.end()) return;
    done = std::move(it->second.done);
    waiting_.erase(it);
  }
  done(std::move(status));
}

void FairQueue::set_limits(size_t slots, size_t limit) {
  std::lock_guard lock(mutex_);
  slots_ = slots;  // more slots come into use with the next call that ends or comes
  limit_ = limit;
}

size_t FairQueue::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

size_t FairQueue::peak() const {
  std::lock_guard lock(mutex_);
  return peak_;
}

}  // namespace steward::gateway
