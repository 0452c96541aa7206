// Reads TOML into a flat list of what it sets, with lines, so that only one source file knows the TOML library.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace steward {

struct TomlEntry {
  std::vector<std::string> path;  // "providers", "openai", "base_url"
  Json value;                     // never an object: tables are opened; an empty table has a null
  uint32_t line = 0;
};

inline constexpr size_t kMaxConfigBytes = 1024 * 1024;  // a person writes this file
inline constexpr size_t kMaxConfigDepth = 16;

Result<std::vector<TomlEntry>> parse_toml(std::string_view text, std::string_view name);

}  // namespace steward
