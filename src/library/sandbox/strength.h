// Which sandbox is in force on this machine, found by trying it and not by looking at the machine: children of the real
// program attempt what they must not be able to do. `steward doctor` tells it.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/error.h"
#include "library/sandbox/process.h"

namespace steward::library::sandbox {

enum class Choice { kStrongest, kWithoutBubblewrap };

struct Strength {
  Around around = Around::kNothing;
  int landlock = 0;                            // the kernel's ABI; 0: it has none
  bool unprivileged = false;                   // the child isn't the machine's root
  std::vector<std::string> refused, possible;  // attempts: "socket", "write", "fork", "exec", "kill", "read"
};

// Whether bubblewrap works here for this program; quick, no attempts.
Task<Around> choose(std::filesystem::path program, Choice choice);

// kIo: the program isn't there or doesn't run.
Task<Result<Strength>> measure(std::filesystem::path program, Choice choice);

// "bubblewrap, Landlock, seccomp; 6 of 6 attempts to get out were refused"
std::string describe(const Strength& strength);

}  // namespace steward::library::sandbox
