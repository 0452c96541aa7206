// Backups: a folder with everything that can't be made anew, taken beside a running server.
//
// It holds journal.db (one consistent moment, without free pages, so nothing erased lingers in them), the blobs that
// its records name, steward.toml, and manifest.json with the digest of each file and the chain's heads. It leaves out
// views.db (folded again), models (fetched again), and on purpose secrets/ and erasures.log: these are copied apart, so
// that a stolen backup opens nothing and a restored one erases again what was erased after it.
//
// Where the records lie in PostgreSQL, journal.db is written from them; so a backup has one form, whatever the store,
// and is restored into either. Any thread that may block; no other process needs to stop.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "journal/audit.h"

namespace steward::journal {

struct BackupReport {
  std::filesystem::path path;
  uint64_t bytes = 0;
  uint64_t blobs = 0;
  uint64_t records = 0;
  std::vector<Head> heads;
};

// What a backup's manifest.json says: of outside bytes, so that every text is answered (kCorrupt). No name in it leads
// out of the backup.
struct BackupManifest {
  std::map<std::string, std::string> files;  // path inside of the backup → SHA-256, hexadecimal
  std::vector<Head> heads;
};
Result<BackupManifest> read_manifest(std::string_view text);

// `destination` must not be there yet; it appears whole or not at all.
Result<BackupReport> backup_home(const Location& from, const std::filesystem::path& destination, TimeUs now);

// Into a home that holds no journal; where `to` names PostgreSQL, the records go on into that. Proven: every file
// against the manifest before, the whole chain after; on failure the home is left as it was. An erasures.log and
// secrets that already lie in the home stay, and the next start erases again what the log names.
Result<BackupReport> restore_home(const std::filesystem::path& backup, const Location& to);

}  // namespace steward::journal
