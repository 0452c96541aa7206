// What the machine has, and numbers of parameters as people say them.
#pragma once
#include <cstdint>
#include <string>

namespace steward::cli {

uint64_t available_memory_bytes();       // without swapping; the smaller of the machine's and the container's
std::string count_text(uint64_t count);  // "135M", "4.0B"; empty for 0

}  // namespace steward::cli
