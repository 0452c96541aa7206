// Reader threads over views.db, each with its own read-only connection; a query sees one consistent moment. Inside the
// journal floor only.
#pragma once
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
  QueryPool(std::filesystem::path path, Log log) : path_(std::move(path)), log_(std::move(log)) {}
  ~QueryPool() { stop(); }
  void start();
  void stop();  // runs what is queued, joins
  void run(std::function<void(Db&)> query);
  void run_blocking(std::function<void(Db&)> query);  // rethrows what the query throws

 private:
  void serve();
  std::filesystem::path path_;
  Log log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void(Db&)>> queue_;
  bool running_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace steward::journal
