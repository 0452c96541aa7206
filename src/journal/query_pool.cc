#include "journal/query_pool.h"

#include <sqlite3.h>

#include <future>

#include "journal/health.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {
constexpr std::chrono::milliseconds kOpenAgainEvery{100};
}

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

// While the views are made anew there may be no file for a moment, or a damaged one that can't be opened.
Db QueryPool::open() {
  for (;;) {
    try {
      return open_views_db(path_, Db::Mode::kReadOnly);
    } catch (const DbError& e) {
      if (is_damage(e)) on_damage_(e.what());
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kOpenAgainEvery, [&] { return !running_; })) throw;
    }
  }
}

void QueryPool::serve() try {
  uint64_t generation = generation_;
  Db db = open();
  for (;;) {
    std::function<void(Db&)> query;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !running_ || !queue_.empty(); });
      if (queue_.empty()) return;
      query = std::move(queue_.front());
      queue_.pop_front();
    }
    if (generation_ != generation) {
      generation = generation_;
      db = open();
    }
    try {
      answer(db, query);
    } catch (const std::exception& e) {
      if (const auto* met = dynamic_cast<const DbError*>(&e); met && is_damage(*met)) on_damage_(met->what());
      log_.error("A query of a view failed.", {{"what", e.what()}});
      db = open();  // forgets the open transaction and statements
    }
  }
} catch (const DbError& e) {  // stopping, and the file can't be opened
  log_.error("The views can't be opened.", {{"what", e.what()}});
}

// A query hands its own errors to whoever asked, so the damage it met is told by the connection.
void QueryPool::answer(Db& db, const std::function<void(Db&)>& query) {
  db.execute("BEGIN");
  query(db);
  const int code = sqlite3_extended_errcode(db.handle());
  if (const DbError met(code, sqlite3_errmsg(db.handle())); is_damage(met)) {
    throw met;
  }
  db.reset_statements();
  db.execute("COMMIT");
}

}  // namespace steward::journal
