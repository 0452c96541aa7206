#include "journal/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/crypto.h"
#include "base/file.h"

namespace steward::journal {
namespace fs = std::filesystem;

namespace {
constexpr size_t kMasterKeyBytes = 32;

std::string holder_of(int fd) {
  char text[32] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  const long pid = n > 0 ? std::atol(text) : 0;
  return pid > 0 ? fmt::format("process {}", pid) : "another process";
}
}  // namespace

Status prepare_home(const HomePaths& paths) {
  if (auto s = make_private_dir(paths.root); !s) return s;
  if (::chmod(paths.root.c_str(), 0700) != 0) {
    return fail(ErrorCode::kIo, fmt::format("Can't make {} private: {}.", paths.root.string(), std::strerror(errno)));
  }
  for (const auto& folder :
       {paths.blobs(), paths.root / "models", paths.root / "vectors", paths.secrets(), paths.backups()}) {
    if (auto s = make_private_dir(folder); !s) return s;
  }
  return {};
}

Result<std::unique_ptr<HomeLock>> HomeLock::take(const HomePaths& paths) {
  const int fd = ::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(ErrorCode::kIo, fmt::format("Can't open {}: {}.", paths.lock().string(), std::strerror(errno)));
  std::unique_ptr<HomeLock> lock(new HomeLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kConflict,
                fmt::format("The home {} is in use by {}: stop it first, or choose another home with STEWARD_HOME.",
                            paths.root.string(), holder_of(fd)));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    return fail(ErrorCode::kIo, fmt::format("Can't write {}: {}.", paths.lock().string(), std::strerror(errno)));
  }
  return lock;
}

HomeLock::~HomeLock() { ::close(fd_); }

fs::path default_home() {
  if (const char* home = std::getenv("STEWARD_HOME"); home && *home) return home;
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data) return fs::path(data) / "steward";
  const char* user = std::getenv("HOME");
  return fs::path(user && *user ? user : "/var/lib") / (user && *user ? ".local/share/steward" : "steward");
}

Result<std::string> load_master_key(const HomePaths& paths, const fs::path& override_file, Random& random) {
  const fs::path path = override_file.empty() ? paths.secrets() / "master.key" : override_file;
  std::error_code error;
  if (!fs::exists(path, error)) {
    if (!override_file.empty())
      return fail(ErrorCode::kConfig, fmt::format("The master key file {} is not there.", path.string()));
    if (auto s = make_private_dir(paths.secrets()); !s) return fail(s.error());
    if (auto s = write_file_atomic(path, to_hex(random.bytes(kMasterKeyBytes)) + "\n"); !s) return fail(s.error());
  }
  auto text = read_file(path, 4096);
  if (!text) return fail(text.error());
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' ')) text->pop_back();
  auto key = from_hex(*text);
  if (!key || key->size() != kMasterKeyBytes) {
    return fail(ErrorCode::kConfig, fmt::format("{} is no master key: it holds 64 hexadecimal digits.", path.string()));
  }
  return *key;
}

std::string tenant_key(std::string_view master_key, std::string_view purpose, const Id& tenant) {
  return hmac_sha256(master_key, fmt::format("steward/{}/{}", purpose, tenant));
}

}  // namespace steward::journal
