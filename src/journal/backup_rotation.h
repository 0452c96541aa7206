// Which backups lie in a folder, and which of them make way. A folder is a backup if it holds a manifest; what else
// lies there is never touched.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"

namespace steward::journal {

std::string backup_time_name(TimeUs now);                                  // "2026-11-25T060000Z"
std::vector<std::string> backups_in(const std::filesystem::path& folder);  // names, newest first
bool is_time_name(std::string_view name);                                  // one made by 'steward backup' by itself
// Removes all but the first `keep` of `names`; answers those that are gone.
std::vector<std::string> remove_oldest(const std::filesystem::path& folder, std::vector<std::string> names,
                                       size_t keep);

}  // namespace steward::journal
