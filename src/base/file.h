// Small file helpers with clear errors.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace steward {

Result<std::string> read_file(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);
// Writes a temporary beside it, syncs, renames, syncs the folder: the file is whole or the old one.
Status write_file_atomic(const std::filesystem::path& path, std::string_view bytes, int mode = 0600);
Status make_private_dir(const std::filesystem::path& path);  // mkdir -p, mode 700 for what it makes
std::filesystem::path executable_dir();                      // the folder of /proc/self/exe

}  // namespace steward
