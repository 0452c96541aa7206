#include "journal/query_pool.h"

#include <future>

#include "journal/view_state.h"

namespace steward::journal {

void QueryPool::start() {
  running_ = true;
  for (size_t i = 0; i < kQueryThreads; ++i) threads_.emplace_back([this] { serve(); });
}

void QueryPool::stop() {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void QueryPool::run(std::function<void(Db&)> query) {
  {
    std::lock_guard lock(mutex_);
    if (!running_) throw DbError(0, "The views are closed.");
    if (queue_.size() >= kQueryQueueLimit) throw DbError(0, "Too many queries wait for the views.");
    queue_.push_back(std::move(query));
  }
  wake_.notify_one();
}

void QueryPool::run_blocking(std::function<void(Db&)> query) {
  auto promise = std::make_shared<std::promise<void>>();
  auto future = promise->get_future();
  run([promise, query = std::move(query)](Db& db) {
    try {
      query(db);
      promise->set_value();
    } catch (...) {
      promise->set_exception(std::current_exception());
    }
  });
  future.get();
}

void QueryPool::serve() {
  Db db = open_views_db(path_, Db::Mode::kReadOnly);
  for (;;) {
    std::function<void(Db&)> query;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !running_ || !queue_.empty(); });
      if (queue_.empty()) return;
      query = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      db.execute("BEGIN");
      query(db);
      db.reset_statements();
      db.execute("COMMIT");
    } catch (const std::exception& e) {
      log_.error("A query of a view failed.", {{"what", e.what()}});
      db = open_views_db(path_, Db::Mode::kReadOnly);  // forgets the open transaction and statements
    }
  }
}

}  // namespace steward::journal
