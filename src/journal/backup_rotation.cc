#include "journal/backup_rotation.h"

#include <algorithm>

namespace steward::journal {
namespace fs = std::filesystem;
namespace {

// When it was made, as its name ends.
std::string_view time_in(std::string_view name) {
  constexpr size_t kLength = sizeof "2026-11-25T060000Z" - 1;
  return name.size() >= kLength ? name.substr(name.size() - kLength) : name;
}

}  // namespace

std::string backup_time_name(TimeUs now) {
  std::string name = to_rfc3339(now).substr(0, 19);
  std::erase(name, ':');
  return name + "Z";
}

bool is_time_name(std::string_view name) {
  constexpr std::string_view kForm = "0000-00-00T000000Z";
  return name.size() == kForm.size() && std::ranges::equal(name, kForm, [](char c, char form) {
           return form == '0' ? c >= '0' && c <= '9' : c == form;
         });
}

std::vector<std::string> backups_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const bool whole = entry.path().extension() != ".unfinished" && fs::exists(entry.path() / "manifest.json", error);
    if (whole) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names, [](const std::string& a, const std::string& b) {
    return std::pair(time_in(a), std::string_view(a)) > std::pair(time_in(b), std::string_view(b));
  });
  return names;
}

std::vector<std::string> remove_oldest(const fs::path& folder, std::vector<std::string> names, size_t keep) {
  std::vector<std::string> gone;
  for (size_t i = keep; i < names.size(); ++i) {
    std::error_code error;
    fs::remove(folder / names[i] / "manifest.json", error);  // first: a half-removed folder is no backup
    fs::remove_all(folder / names[i], error);
    if (!error) gone.push_back(std::move(names[i]));
  }
  return gone;
}

}  // namespace steward::journal
