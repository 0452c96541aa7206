// The home: the folder that holds all of one Steward. Layout (mode 700, files 600):
//   steward.toml  journal.db  views.db  blobs/  models/  vectors/  secrets/  backups/  erasures.log  lock
//
// One process at a time owns a home: it holds `lock` (flock) from open to destruction, so that two servers can't write
// one journal. The master key seals secrets and derives each tenant's blob key. It lives in secrets/master.key, or
// where STEWARD_MASTER_KEY_FILE says; with erasures.log it is what a backup leaves out and is copied apart.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/id.h"
#include "base/random.h"

namespace steward::journal {

struct HomePaths {
  explicit HomePaths(std::filesystem::path home) : root(std::move(home)) {}
  std::filesystem::path root;
  std::filesystem::path journal() const { return root / "journal.db"; }
  std::filesystem::path views() const { return root / "views.db"; }
  std::filesystem::path blobs() const { return root / "blobs"; }
  std::filesystem::path secrets() const { return root / "secrets"; }
  std::filesystem::path backups() const { return root / "backups"; }
  std::filesystem::path erasures() const { return root / "erasures.log"; }
  std::filesystem::path lock() const { return root / "lock"; }
};

// Makes the folders that are missing; tightens the root to mode 700.
Status prepare_home(const HomePaths& paths);

// Held while the process owns the home. Released by destruction or death.
class HomeLock {
 public:
  static Result<std::unique_ptr<HomeLock>> take(const HomePaths& paths);  // kConflict names the process that holds it
  ~HomeLock();
  HomeLock(const HomeLock&) = delete;
  HomeLock& operator=(const HomeLock&) = delete;

 private:
  explicit HomeLock(int fd) : fd_(fd) {}
  int fd_;
};

// $STEWARD_HOME, else $XDG_DATA_HOME/steward, else ~/.local/share/steward.
std::filesystem::path default_home();

// 32 bytes from `override_file` if given (it must exist), else from secrets/master.key, which is made at first use.
Result<std::string> load_master_key(const HomePaths& paths, const std::filesystem::path& override_file, Random& random);
// A key for one purpose of one tenant ("blob"), derived from the master key, so that no two uses share a key.
std::string tenant_key(std::string_view master_key, std::string_view purpose, const Id& tenant);

}  // namespace steward::journal
