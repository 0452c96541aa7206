#include "base/process_limits.h"

#include <sys/resource.h>

#include <filesystem>

#include <fmt/format.h>

namespace steward {
namespace {

constexpr uint64_t kFilesOfAConnection = 2;  // its own, and that of the upstream it waits for
constexpr uint64_t kFilesOfTheServer = 256;  // journal, views, readers' connections, engine, logs

uint64_t number_of(rlim_t value) { return value == RLIM_INFINITY ? UINT64_MAX : value; }

}  // namespace

FileLimit file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  return {number_of(limit.rlim_cur), number_of(limit.rlim_max)};
}

FileLimit raise_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return file_limit();
}

uint64_t open_files() {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error))
    ++count;
  return count > 0 ? count - 1 : 0;  // less the one that looks
}

uint64_t files_needed(uint64_t connections) { return kFilesOfAConnection * connections + kFilesOfTheServer; }

std::string file_limit_problem(const FileLimit& limit, uint64_t connections) {
  const uint64_t needed = files_needed(connections);
  if (limit.soft == 0 || limit.soft >= needed) return "";
  const uint64_t fits = limit.soft > kFilesOfTheServer ? (limit.soft - kFilesOfTheServer) / kFilesOfAConnection : 0;
  return fmt::format(
      "The system allows {} open files; {} connections (limits.max_connections) may need {}. Raise the hard limit "
      "(LimitNOFILE= of systemd, ulimit -Hn, --ulimit nofile= of a container) or set limits.max_connections to {}.",
      limit.soft, connections, needed, fits);
}

}  // namespace steward
