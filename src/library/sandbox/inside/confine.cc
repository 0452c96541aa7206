#include "library/sandbox/inside/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "library/sandbox/inside/filter.h"
#include "library/sandbox/inside/landlock.h"
#include "library/sandbox/inside/sanitizers.h"

namespace steward::library::sandbox {
namespace {

constexpr uid_t kNobody = 65534;
constexpr rlim_t kDescriptors = 16;

bool limit(decltype(RLIMIT_AS) what, rlim_t soft, rlim_t hard) {
  const rlimit value = {soft, hard};
  return ::setrlimit(what, &value) == 0;
}

std::string set_limits(const Limits& limits) {
  bool done = limit(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1) && limit(RLIMIT_CORE, 0, 0) &&
              limit(RLIMIT_FSIZE, 0, 0) && limit(RLIMIT_NOFILE, kDescriptors, kDescriptors);
  done = done && (kSanitized || limit(RLIMIT_AS, limits.memory_bytes, limits.memory_bytes));
  if (!done) return std::string("a limit can't be set: ") + std::strerror(errno);
  limit(RLIMIT_NPROC, 0, 0);  // said by the filter too, and root is not held by it
  return "";
}

// Root of the machine becomes nobody. Root of a namespace often can't (only one user exists there), and owns nothing.
bool leave_root() {
  if (::geteuid() != 0) return true;
  [[maybe_unused]] const int groups = ::setgroups(0, nullptr);
  return ::setresgid(kNobody, kNobody, kNobody) == 0 && ::setresuid(kNobody, kNobody, kNobody) == 0;
}

// Nothing will be opened: then nothing need be in sight either.
void empty_view() {
  if (::geteuid() != 0) return;
  if (::chroot("/proc/self/fdinfo") != 0 || ::chdir("/") != 0) return;  // the filter holds without it
}

}  // namespace

std::expected<Confined, std::string> confine(const Confinement& confinement) {
  ::close_range(3, ~0U, 0);
  if (auto problem = set_limits(confinement.limits); !problem.empty()) return std::unexpected(problem);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return std::unexpected(std::string("no_new_privs: ") + std::strerror(errno));
  Confined done;
  done.landlock = restrict_files(confinement.readable);
  done.may_open = done.landlock > 0 || confinement.fenced;
  if (!done.may_open) empty_view();
  done.unprivileged = leave_root();
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // a change of user takes it back: hence here
  if (auto problem = load_filter(done.may_open); !problem.empty()) return std::unexpected(problem);
  return done;
}

int attempt(std::string_view what) {
  errno = 0;
  if (what == "socket") {
    return ::socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
  } else if (what == "write") {
    return ::open("/tmp/steward-sandbox-attempt", O_WRONLY | O_CREAT, 0600) >= 0 ? 0 : errno;
  } else if (what == "fork") {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child > 0 ? 0 : errno;
  } else if (what == "exec") {
    char name[] = "/bin/true";
    char* arguments[] = {name, nullptr};
    ::execve(name, arguments, arguments + 1);
    return errno;
  } else if (what == "kill") {
    return ::kill(::getppid(), 0) == 0 ? 0 : errno;
  } else if (what == "read") {
    return ::open("/etc/passwd", O_RDONLY) >= 0 ? 0 : errno;
  }
  return -1;
}

}  // namespace steward::library::sandbox
