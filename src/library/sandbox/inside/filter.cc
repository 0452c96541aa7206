#include "library/sandbox/inside/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>
#include <memory>

#include "library/sandbox/inside/sanitizers.h"

namespace steward::library::sandbox {
namespace {

// Memory, time, waiting for nobody, and reading what is open.
constexpr const char* kAllowed[] = {
    "read",
    "readv",
    "pread64",
    "lseek",
    "_llseek",
    "close",
    "fstat",
    "newfstatat",
    "fstatat64",
    "statx",
    "getdents64",
    "munmap",
    "mremap",
    "brk",
    "madvise",
    "futex",
    "rt_sigreturn",
    "rt_sigprocmask",
    "exit",
    "exit_group",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "getrandom",
    "getpid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "sched_yield",
    "sched_getaffinity",
    "restart_syscall",
    "rseq",
    "set_robust_list",
    "get_robust_list",
    "membarrier",
    "getcpu",
};

constexpr const char* kForSanitizers[] = {"pipe", "pipe2", "write", "sigaltstack", "rt_sigaction", "readlink"};

// No reader has a use for these: whoever calls one has taken the reader over.
constexpr const char* kDeadly[] = {
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "fork",
    "vfork",
    "clone",
    "clone3",
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kill",
    "tkill",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "rmdir",
    "mknod",
    "mknodat",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "fchownat",
    "lchown",
    "truncate",
    "ftruncate",
    "fallocate",
    "creat",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "keyctl",
    "add_key",
    "request_key",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "memfd_create",
    "shmget",
    "shmat",
    "msgget",
    "semget",
    "mq_open",
    "personality",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "setgroups",
    "capset",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "sendfile",
    "splice",
    "tee",
    "copy_file_range",
    "process_madvise",
    "open_by_handle_at",
    "name_to_handle_at",
    "sysfs",
    "reboot",
    "swapon",
};

// What an argument of a call is compared with; libseccomp's own macros for it are C alone.
scmp_arg_cmp equals(unsigned argument, uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

  // A name that this architecture doesn't have is no rule; libseccomp refuses whatever it can't name.
  void add(uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> when = {}) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR || failed_ != 0) return;
    failed_ = seccomp_rule_add_array(filter_, action, call, static_cast<unsigned>(when.size()), when.begin());
  }
  int failed() const { return failed_; }

 private:
  scmp_filter_ctx filter_;
  int failed_ = 0;
};

void opening(Rules& rules, bool may_open) {
  constexpr uint64_t kWrites = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
  for (const auto& [name, flags] : {std::pair{"open", 1U}, std::pair{"openat", 2U}}) {
    rules.add(may_open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), name, {masked(flags, kWrites, O_RDONLY)});
    rules.add(SCMP_ACT_KILL_PROCESS, name, {masked(flags, O_ACCMODE, O_WRONLY)});
    rules.add(SCMP_ACT_KILL_PROCESS, name, {masked(flags, O_ACCMODE, O_RDWR)});
    rules.add(SCMP_ACT_KILL_PROCESS, name, {masked(flags, O_CREAT, O_CREAT)});
  }
}

}  // namespace

std::string load_filter(bool may_open) {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter) return "no seccomp filter can be made";
  Rules rules(filter.get());
  for (const char* name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);
  for (const char* name : kForSanitizers) {
    if (kSanitized) rules.add(SCMP_ACT_ALLOW, name);
  }
  for (const char* name : kDeadly) rules.add(SCMP_ACT_KILL_PROCESS, name);
  opening(rules, may_open);
  for (const char* name : {"write", "writev"}) {
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      rules.add(SCMP_ACT_ALLOW, name, {equals(0, static_cast<uint64_t>(fd))});
    }
  }
  // No page becomes code any more.
  for (const char* name : {"mmap", "mmap2", "mprotect"}) {
    rules.add(SCMP_ACT_ALLOW, name, {masked(2, PROT_EXEC, 0)});
  }
  rules.add(SCMP_ACT_ALLOW, "tgkill", {equals(0, static_cast<uint64_t>(::getpid()))});  // abort()
  if (rules.failed() != 0) return std::string("a seccomp rule was not taken: ") + std::strerror(-rules.failed());
  if (const int failed = seccomp_load(filter.get()); failed != 0)
    return std::string("the kernel takes no seccomp filter: ") + std::strerror(-failed);
  return "";
}

}  // namespace steward::library::sandbox
