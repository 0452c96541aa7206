#include "base/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace steward {
namespace fs = std::filesystem;

namespace {
constexpr mode_t kMode = 0640;  // ids and numbers alone; the group is for what ships logs
}

Result<std::shared_ptr<LogFile>> LogFile::open(LogFileOptions options) {
  std::shared_ptr<LogFile> log(new LogFile(std::move(options)));
  log->before_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (auto taken = log->take(); !taken) return fail(taken.error());
  return log;
}

LogFile::~LogFile() { give_back_standard_error(); }

void LogFile::give_back_standard_error() {
  const std::lock_guard lock(mutex_);
  if (before_ < 0) return;
  ::dup2(before_, STDERR_FILENO);
  ::close(std::exchange(before_, -1));
}

Status LogFile::take() {
  const int fd = ::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode);
  if (fd < 0) {
    return fail(ErrorCode::kConfig, fmt::format("The log file {} can't be opened: {} (log.file).",
                                                options_.path.string(), std::strerror(errno)));
  }
  ::dup2(fd, STDERR_FILENO);
  ::close(fd);
  return {};
}

Status LogFile::reopen() {
  const std::lock_guard lock(mutex_);
  return before_ < 0 ? Status{} : take();
}

void LogFile::rotate() const {
  const auto numbered = [this](int64_t n) { return fs::path(fmt::format("{}.{}", options_.path.string(), n)); };
  std::error_code ignored;
  if (options_.keep <= 0) {
    fs::remove(options_.path, ignored);
    return;
  }
  for (int64_t n = options_.keep - 1; n >= 1; --n) fs::rename(numbered(n), numbered(n + 1), ignored);
  fs::rename(options_.path, numbered(1), ignored);
}

Status LogFile::look() {
  const std::lock_guard lock(mutex_);
  if (before_ < 0 || options_.max_bytes == 0) return {};
  struct stat now = {};
  if (::fstat(STDERR_FILENO, &now) != 0 || static_cast<uint64_t>(now.st_size) < options_.max_bytes) return {};
  rotate();
  return take();
}

}  // namespace steward
