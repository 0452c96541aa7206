#include "library/sandbox/inside/landlock.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace steward::library::sandbox {
namespace {

// From the kernel's documentation (userspace-api/landlock); Debian 12's header knows the first two ABIs alone.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr uint32_t kVersion = 1;
constexpr int kPathBeneath = 1;
constexpr uint64_t kReadFile = 1ULL << 2, kReadDir = 1ULL << 3;

struct RulesetAttributes {
  uint64_t handled_files;
  uint64_t handled_network;
  uint64_t scoped;
};

struct [[gnu::packed]] PathBeneath {
  uint64_t allowed;
  int32_t parent;
};

RulesetAttributes handled(long abi) {
  RulesetAttributes out = {(1ULL << 13) - 1, 0, 0};               // ABI 1: execute … make_sym
  if (abi >= 2) out.handled_files |= 1ULL << 13;                  // refer
  if (abi >= 3) out.handled_files |= 1ULL << 14;                  // truncate
  if (abi >= 4) out.handled_network = (1ULL << 0) | (1ULL << 1);  // bind and connect, TCP
  if (abi >= 5) out.handled_files |= 1ULL << 15;                  // ioctl on devices
  if (abi >= 6) out.scoped = (1ULL << 0) | (1ULL << 1);           // abstract Unix sockets, signals
  return out;
}

}  // namespace

int restrict_files(const std::vector<std::filesystem::path>& readable) {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kVersion);
  if (abi < 1) return 0;
  const RulesetAttributes attributes = handled(abi);
  const size_t known = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const auto ruleset = static_cast<int>(::syscall(kCreateRuleset, &attributes, known, 0));
  if (ruleset < 0) return 0;
  for (const auto& path : readable) {
    const int folder = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (folder < 0) continue;  // what isn't there can't be read either
    const PathBeneath rule = {kReadFile | kReadDir, folder};
    ::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0);
    ::close(folder);
  }
  const bool done = ::syscall(kRestrictSelf, ruleset, 0) == 0;
  ::close(ruleset);
  return done ? static_cast<int>(abi) : 0;
}

}  // namespace steward::library::sandbox
