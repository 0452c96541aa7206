// What a child does to itself before it touches a byte from outside: it gives up, for good, everything that reading
// bytes from a pipe and writing bytes to another doesn't need.
//
//   limits      address space, processor seconds, no files written, no core dump, few descriptors (setrlimit)
//   identity    root becomes nobody, with no capability; no privilege can be gained again (no_new_privs)
//   files       Landlock: only what is below `readable` can be opened, and only for reading. Where the kernel has no
//               Landlock, a mount namespace made by bubblewrap is as good (`fenced`); where there is neither, nothing
//               at all can be opened any more, and root's view of the file system is an empty folder (chroot)
//   calls       seccomp: what isn't on the list fails with EPERM; sockets, processes, programs, other processes' memory
//               and everything that writes a file end the process at once (SIGSYS), since no reader has any use for
//               them
//
// Linux alone; to be called while the process has one thread. Depends on nothing of the server.
#pragma once
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "library/sandbox/limits.h"

namespace steward::library::sandbox {

struct Confinement {
  Limits limits;
  bool fenced = false;  // bubblewrap made this process a file system of its own
  std::vector<std::filesystem::path> readable;
};

struct Confined {
  int landlock = 0;          // the ABI in force; 0: none
  bool may_open = false;     // something behind the fence can be opened for reading
  bool unprivileged = true;  // false: still root, since this root may not become another user
};

// An error is a sentence; the process must then end without having read anything.
std::expected<Confined, std::string> confine(const Confinement& confinement);

// Tries what must not be possible: "socket", "write", "fork", "exec", "kill", "read" (a file outside of the fence).
// Answers only if it was possible, or failed without ending the process: 0 for done, else an errno. -1: no such
// attempt.
int attempt(std::string_view what);

}  // namespace steward::library::sandbox
