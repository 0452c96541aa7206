#include "journal/upgrade.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "journal/backup_rotation.h"
#include "journal/schema.h"

namespace steward::journal {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "upgrade-";
constexpr int kUnstamped = 1;  // a journal without home.json

fs::path stamp_path(const HomePaths& paths) { return paths.root / "home.json"; }
fs::path staging(const HomePaths& paths) { return paths.root / "rollback.ready"; }

Status write_stamp(const HomePaths& paths, const HomeStamp& stamp) {
  const Json json = {{"format", stamp.format}, {"program", stamp.program}, {"backup", stamp.backup}};
  return write_file_atomic(stamp_path(paths), json.dump(1) + "\n");
}

// The format that a backup was made of: "upgrade-1-to-2-…" → 1. 0: it is none of ours.
int format_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  int format = 0;
  const auto* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), format);
  return error == std::errc() && std::string_view(end, name.data() + name.size()).starts_with("-to-") ? format : 0;
}

std::vector<std::string> upgrade_backups(const HomePaths& paths) {
  auto all = backups_in(paths.backups());
  std::erase_if(all, [](const std::string& name) { return format_of(name) == 0; });
  return all;
}

uint64_t size_of(const fs::path& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return fs::file_size(path, error);
  uint64_t sum = 0;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file(error)) sum += at->file_size(error);
  return sum;
}

uint64_t free_bytes(const fs::path& path) {
  struct statvfs disk = {};
  return ::statvfs(path.c_str(), &disk) == 0 ? static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize : 0;
}

void remove_database(const fs::path& path) {
  std::error_code ignored;
  for (const char* side : {"", "-wal", "-shm"}) fs::remove(path.string() + side, ignored);
}

}  // namespace

Result<HomeStamp> read_stamp(const HomePaths& paths) {
  std::error_code error;
  if (!fs::exists(stamp_path(paths), error))
    return HomeStamp{.format = fs::exists(paths.journal(), error) ? kUnstamped : 0};
  auto text = read_file(stamp_path(paths), 64 * 1024);
  if (!text) return fail(text.error());
  const auto json = parse_json(*text);
  if (!json || !json->is_object() || !json->contains("format") || !(*json)["format"].is_number_integer()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} can't be read: it says which release may open this home. If you know that this one "
                            "may, remove it.",
                            stamp_path(paths).string()));
  }
  const auto word = [&](const char* name) {
    return json->value(name, Json()).is_string() ? json->value(name, "") : "";
  };
  return HomeStamp{(*json)["format"].get<int>(), word("program"), word("backup")};
}

Result<UpgradePlan> plan_upgrade(const HomePaths& paths) {
  auto stamp = read_stamp(paths);
  if (!stamp) return fail(stamp.error());
  std::error_code error;
  UpgradePlan plan;
  plan.stamp = std::move(*stamp);
  plan.backups = upgrade_backups(paths);
  plan.needed = plan.stamp.format > 0 && plan.stamp.format < kHomeFormat;
  plan.begun = plan.needed && format_of(plan.stamp.backup) == plan.stamp.format &&
               fs::exists(paths.backups() / plan.stamp.backup, error);
  if (plan.needed) plan.needs_bytes = size_of(paths.journal()) + size_of(paths.blobs());
  plan.free_bytes = free_bytes(paths.root);
  if (fs::exists(staging(paths), error)) {
    plan.problem = "A rollback was broken off: run 'steward upgrade --rollback' again to end it.";
  } else if (plan.stamp.format > kHomeFormat) {
    plan.problem = fmt::format(
        "The home {} was last used by a newer Steward ({}, format {}; this one writes {}): use that release, or go "
        "back "
        "with its 'steward upgrade --rollback'.",
        paths.root.string(), plan.stamp.program.empty() ? "version unknown" : plan.stamp.program, plan.stamp.format,
        kHomeFormat);
  }
  return plan;
}

Result<std::optional<BackupReport>> begin_upgrade(const HomePaths& paths, TimeUs now, size_t keep) {
  auto plan = plan_upgrade(paths);
  if (!plan) return fail(plan.error());
  if (!plan->problem.empty()) return fail(ErrorCode::kConflict, plan->problem);
  std::error_code error;
  const bool here = fs::exists(paths.journal(), error);
  if (!plan->needed || plan->begun || keep == 0 || !here) return std::nullopt;
  if (plan->free_bytes < plan->needs_bytes) {
    return fail(ErrorCode::kIo,
                fmt::format("Before its upgrade the home is copied, which takes {}, and the disk has {}: make room, or "
                            "set journal.upgrade_backups = 0 if you have a backup of your own.",
                            human_bytes(plan->needs_bytes), human_bytes(plan->free_bytes)));
  }
  auto lock = HomeLock::take(paths);
  if (!lock) return fail(lock.error());
  plan->stamp.backup = fmt::format("{}{}-to-{}-{}", kPrefix, plan->stamp.format, kHomeFormat, backup_time_name(now));
  auto report = backup_home(paths.root, paths.backups() / plan->stamp.backup, now);
  if (!report) return fail(report.error());
  if (auto s = write_stamp(paths, plan->stamp); !s) return fail(s.error());
  remove_oldest(paths.backups(), upgrade_backups(paths), keep);
  return std::optional(std::move(*report));
}

Status finish_upgrade(const HomePaths& paths) {
  auto stamp = read_stamp(paths);
  if (!stamp) return fail(stamp.error());
  if (stamp->format == kHomeFormat && stamp->program == STEWARD_VERSION) return {};
  stamp->format = kHomeFormat;
  stamp->program = STEWARD_VERSION;
  return write_stamp(paths, *stamp);
}

namespace {

// The backup beside the home, whole and verified, under a name that says so.
Status stage(const HomePaths& paths, const std::string& backup) {
  const fs::path unfinished = paths.root / "rollback.unfinished";
  std::error_code error;
  fs::remove_all(unfinished, error);
  if (auto restored = restore_home(paths.backups() / backup, unfinished); !restored) {
    fs::remove_all(unfinished, error);
    return fail(restored.error());
  }
  if (auto s = write_stamp(HomePaths(unfinished), {.format = format_of(backup), .program = "", .backup = backup}); !s)
    return s;
  fs::rename(unfinished, staging(paths), error);
  if (error) return fail(ErrorCode::kIo, fmt::format("Can't rename {}: {}.", unfinished.string(), error.message()));
  return {};
}

// From here on each step leaves something that a second run goes on with.
Status put_in_place(const HomePaths& paths, const HomePaths& staged) {
  std::error_code error;
  if (fs::exists(staged.journal())) {
    remove_database(paths.views());
    remove_database(paths.journal());
    if (fs::exists(staged.blobs())) {
      fs::remove_all(paths.blobs(), error);
      fs::rename(staged.blobs(), paths.blobs(), error);
    }
    if (!error) fs::rename(staged.journal(), paths.journal(), error);
    if (error) return fail(ErrorCode::kIo, fmt::format("The backup can't be put in place: {}.", error.message()));
  }
  auto stamp = read_stamp(staged);
  if (!stamp) return fail(stamp.error());
  stamp->backup.clear();
  if (auto s = write_stamp(paths, *stamp); !s) return s;
  fs::remove_all(staged.root, error);
  return {};
}

uint64_t count_records(const HomePaths& paths) {
  Db db = open_journal_db(paths.journal(), Db::Mode::kReadOnly);
  return static_cast<uint64_t>(db.integer("SELECT count(*) FROM records"));
}

Result<std::string> backup_to_use(const HomePaths& paths, std::string asked) {
  const auto all = upgrade_backups(paths);
  if (asked.empty()) {
    auto stamp = read_stamp(paths);
    if (!stamp) return fail(stamp.error());
    asked = stamp->backup;
  }
  if (std::ranges::find(all, asked) != all.end()) return asked;
  if (asked.empty()) {
    return fail(ErrorCode::kNotFound,
                "This home was not upgraded, or its backup is gone: there is nothing to go back to. 'steward restore' "
                "puts any backup into an empty home.");
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no backup '{}' from before an upgrade in {}.", asked, paths.backups().string()));
}

}  // namespace

Result<RollbackReport> roll_back(const HomePaths& paths, std::string backup, TimeUs now) {
  auto lock = HomeLock::take(paths);
  if (!lock) return fail(lock.error());
  const HomePaths staged(staging(paths));
  if (!fs::exists(staged.root)) {
    auto chosen = backup_to_use(paths, std::move(backup));
    if (!chosen) return fail(chosen.error());
    if (auto s = stage(paths, *chosen); !s) return fail(s.error());
  }
  auto stamp = read_stamp(staged);
  if (!stamp) return fail(stamp.error());
  RollbackReport report{.backup = stamp->backup, .format = stamp->format};
  try {
    if (fs::exists(staged.journal()) && fs::exists(paths.journal())) {
      report.aside = paths.backups() / ("rolled-back-" + backup_time_name(now));
      auto aside = backup_home(paths.root, report.aside, now);
      if (!aside) return fail(aside.error());
      report.records_before = aside->records;
    }
    if (auto s = put_in_place(paths, staged); !s) return fail(s.error());
    report.records = count_records(paths);
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be read: {}", e.what()));
  }
  return report;
}

}  // namespace steward::journal
