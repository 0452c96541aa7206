// A home from one release to the next, and back.
//
// A home has a format: a number that rises when what a release writes can't be read by the one before (a new kind of
// record, another table). It stands in home.json; a home without one is of format 1 if it holds a journal, else empty.
// The first open by a release of a higher format makes a whole backup before anything is written:
// backups/upgrade-OLD-to-NEW-TIME, of which the newest `keep` stay. A release refuses a home of a higher format than
// its own.
//
// Rolling back puts such a backup in the place of what is there, of which a backup is made first
// (backups/rolled-back-TIME), and gives the home its old format, so that the older release opens it - or this one,
// which upgrades it again. It may be broken off at any instant and run again. What was erased since is erased again by
// erasures.log at the next open. A journal that lies in PostgreSQL is backed up there, not here.
//
// The server must not run, but for plan_upgrade(). Any thread that may block.
#pragma once
#include <optional>

#include "journal/backup.h"
#include "journal/home.h"

namespace steward::journal {

inline constexpr int kHomeFormat = 2;

struct HomeStamp {
  int format = 0;       // 0: an empty home
  std::string program;  // the version that opened it last, if it told
  std::string backup;   // name of the one made before the upgrade to this format, or to the next while it is under way
};
Result<HomeStamp> read_stamp(const HomePaths& paths);

struct UpgradePlan {
  HomeStamp stamp;
  bool needed = false;
  bool begun = false;  // its backup stands
  uint64_t needs_bytes = 0, free_bytes = 0;
  std::string problem;               // why it can't be done; empty: it can
  std::vector<std::string> backups;  // those that a rollback may use, newest first
};
Result<UpgradePlan> plan_upgrade(const HomePaths& paths);

// Before the journal opens: refuses what can't be opened; makes the backup if one is needed and `keep` > 0.
Result<std::optional<BackupReport>> begin_upgrade(const HomePaths& paths, TimeUs now, size_t keep);
Status finish_upgrade(const HomePaths& paths);  // once everything is open

struct RollbackReport {
  std::string backup;
  int format = 0;
  uint64_t records = 0;         // in the home now
  uint64_t records_before = 0;  // in what was there
  std::filesystem::path aside;  // where that lies as a backup; empty: there was nothing
};
// `backup`: its name; empty: the one of the last upgrade.
Result<RollbackReport> roll_back(const HomePaths& paths, std::string backup, TimeUs now);

}  // namespace steward::journal
