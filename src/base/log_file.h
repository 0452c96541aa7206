// A log file in the place of standard error, for machines without a journal of their own.
//
// The file is laid under descriptor 2, so what the sanitizers, the allocator or an assertion say lands in it too.
// look() rotates it once it is over its size: log → log.1 → log.2 …, `keep` of them. reopen() opens the path anew: what
// logrotate asks for after it renamed the file. A path that can't be opened leaves the old file in place. Lines are
// never split: the switch is one dup2(2). Thread-safe.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>

#include "base/error.h"

namespace steward {

struct LogFileOptions {
  std::filesystem::path path;
  uint64_t max_bytes = 0;  // 0: never rotated by us
  int64_t keep = 5;        // rotated ones
};

class LogFile {
 public:
  static Result<std::shared_ptr<LogFile>> open(LogFileOptions options);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  Status look();    // cheap; call it several times a second
  Status reopen();  // the path may name another file by now
  void give_back_standard_error();
  const std::filesystem::path& path() const { return options_.path; }

 private:
  explicit LogFile(LogFileOptions options) : options_(std::move(options)) {}
  Status take();
  void rotate() const;

  LogFileOptions options_;
  std::mutex mutex_;
  int before_ = -1;  // what descriptor 2 was
};

}  // namespace steward
