#include "cli/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace steward::cli {
namespace {

uint64_t number_in(const char* path) {
  unsigned long long value = 0;
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%llu", &value) != 1) value = 0;  // "max": no limit
  std::fclose(file);
  return value;
}

uint64_t machine_bytes() {
  unsigned long long kib = 0;
  if (FILE* file = std::fopen("/proc/meminfo", "re")) {
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr && std::sscanf(line, "MemAvailable: %llu kB", &kib) != 1) {
    }
    std::fclose(file);
  }
  return kib * 1024;
}

}  // namespace

uint64_t available_memory_bytes() {
  const uint64_t machine = machine_bytes(), limit = number_in("/sys/fs/cgroup/memory.max"),
                 used = number_in("/sys/fs/cgroup/memory.current");
  if (limit == 0) return machine;
  return std::min(machine, limit > used ? limit - used : 0);
}

std::string count_text(uint64_t count) {
  if (count == 0) return "";
  if (count >= 1'000'000'000) return fmt::format("{:.1f}B", static_cast<double>(count) / 1e9);
  return fmt::format("{}M", (count + 500'000) / 1'000'000);
}

}  // namespace steward::cli
