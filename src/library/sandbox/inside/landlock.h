// Landlock: the kernel lets a process give up files that it may otherwise open (Linux 5.13 and later, no privilege
// needed). Called through system calls, since Debian 12's libc has no functions for it.
#pragma once
#include <filesystem>
#include <vector>

namespace steward::library::sandbox {

// From here on nothing can be opened but what is below `readable`, for reading, and (where the kernel knows how) no TCP
// port be bound or connected to. Needs no_new_privs. The ABI in force, or 0 where the kernel has none.
int restrict_files(const std::vector<std::filesystem::path>& readable);

}  // namespace steward::library::sandbox
