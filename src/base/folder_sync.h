// A new name survives a power cut once its folder is synced: whoever promises what lies in a new file syncs both.
#pragma once
#include <filesystem>

#include "base/error.h"

namespace steward {

// Of the folder that `path` stands in; kIo. A folder that may not be opened, or a file system that syncs none, is not
// held against the file.
Status sync_parent(const std::filesystem::path& path);

}  // namespace steward
