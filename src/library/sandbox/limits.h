// What a confined process may use up. Memory is address space (RLIMIT_AS): an allocation beyond it fails. Processor
// time is RLIMIT_CPU, which the kernel holds by a signal. Wall time and output are held by the parent (process.h).
#pragma once
#include <cstdint>

namespace steward::library::sandbox {

struct Limits {
  uint64_t memory_bytes = 1ULL << 30;
  uint64_t cpu_seconds = 60;
};

}  // namespace steward::library::sandbox
