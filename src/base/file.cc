#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "base/folder_sync.h"

namespace steward {
namespace fs = std::filesystem;

namespace {
std::unexpected<Error> io_failure(std::string_view what, const fs::path& path) {
  return fail(ErrorCode::kIo, fmt::format("{} {}: {}.", what, path.string(), std::strerror(errno)));
}

struct Fd {
  int value;
  ~Fd() {
    if (value >= 0) ::close(value);
  }
};

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_failure("Can't write", path);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  if (::fsync(fd) != 0) return io_failure("Can't sync", path);
  return {};
}

}  // namespace

Status sync_parent(const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const Fd folder{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.value >= 0 && ::fsync(folder.value) != 0 && errno != EINVAL)
    return io_failure("Can't sync the folder", parent);
  return {};
}

Result<std::string> read_file(const fs::path& path, size_t max_bytes) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return io_failure("Can't open", path);
  const auto size = static_cast<size_t>(in.tellg());
  if (size > max_bytes)
    return fail(ErrorCode::kIo, fmt::format("{} is larger than {} bytes.", path.string(), max_bytes));
  std::string out(size, '\0');
  in.seekg(0);
  if (!in.read(out.data(), static_cast<std::streamsize>(size))) return io_failure("Can't read", path);
  return out;
}

Status write_file_atomic(const fs::path& path, std::string_view bytes, int mode) {
  const fs::path temporary = path.string() + fmt::format(".{}.tmp", ::gettid());
  {
    Fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    if (fd.value < 0) return io_failure("Can't create", temporary);
    if (auto s = write_all(fd.value, bytes, temporary); !s) {
      ::unlink(temporary.c_str());
      return s;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const auto failed = io_failure("Can't rename to", path);
    ::unlink(temporary.c_str());
    return failed;
  }
  return sync_parent(path);
}

Status make_private_dir(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (path.has_parent_path() && !fs::exists(path.parent_path(), error)) {
    if (auto s = make_private_dir(path.parent_path()); !s) return s;
  }
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return io_failure("Can't make the folder", path);
  }
  return sync_parent(path);
}

fs::path executable_dir() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace steward
