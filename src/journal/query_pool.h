// Reader threads over views.db, each with its own read-only connection; a query sees one consistent moment. Inside the
// journal floor only.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "journal/db.h"

namespace steward::journal {

inline constexpr size_t kQueryThreads = 3;         // one slow report leaves two for the rest
inline constexpr size_t kQueryQueueLimit = 4'000;  // queries waiting; over it DbError to the caller

class QueryPool {
 public:
  // `on_damage` is told (on a reader thread) when a query meets a damaged page.
  QueryPool(std::filesystem::path path, Log log, std::function<void(std::string_view)> on_damage)
      : path_(std::move(path)), log_(std::move(log)), on_damage_(std::move(on_damage)) {}
  ~QueryPool() { stop(); }
  void start();
  void stop();  // runs what is queued, joins
  void run(std::function<void(Db&)> query);
  void reopen() { ++generation_; }                    // another file stands under the path: the next queries see that
  void run_blocking(std::function<void(Db&)> query);  // rethrows what the query throws

 private:
  void serve();
  void answer(Db& db, const std::function<void(Db&)>& query);
  Db open();  // waits for a file that can be opened
  std::filesystem::path path_;
  Log log_;
  std::function<void(std::string_view)> on_damage_;
  std::atomic<uint64_t> generation_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void(Db&)>> queue_;
  bool running_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace steward::journal
