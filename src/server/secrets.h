// The sealed store: secrets by name under home/secrets/, each sealed (AES-256-GCM) with a key drawn from the master
// key. What it holds is never printed, logged or journaled; names are. Files are written whole or not at all.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "journal/home.h"

namespace steward::server {

class SecretStore {
 public:
  SecretStore(journal::HomePaths home, std::filesystem::path master_key_file, Random& random)
      : home_(std::move(home)), master_key_file_(std::move(master_key_file)), random_(random) {}
  Status set(std::string_view name, std::string_view secret);
  Result<std::string> get(std::string_view name);  // kNotFound; kCorrupt if it was sealed with another master key
  Status remove(std::string_view name);
  std::vector<std::string> names() const;

 private:
  Result<std::filesystem::path> file_of(std::string_view name) const;
  Result<std::string> key();

  journal::HomePaths home_;
  std::filesystem::path master_key_file_;
  Random& random_;
};

}  // namespace steward::server
