#include "journal/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "journal/blobs.h"
#include "journal/copy.h"
#include "journal/home.h"
#include "journal/schema.h"
#include "journal/sqlite_store.h"

namespace steward::journal {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kManifest = "manifest.json";
constexpr int kFormat = 1;
constexpr size_t kCopyBytes = size_t{1} << 20;
constexpr size_t kManifestLimit = size_t{256} << 20;

std::unexpected<Error> io_error(std::string_view what, const fs::path& path) {
  return fail(ErrorCode::kIo, fmt::format("{} {}: {}.", what, path.string(), std::strerror(errno)));
}

Result<std::string> digest_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_error("Can't read", path);
  Sha256 hash;
  std::string buffer(kCopyBytes, '\0');
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    hash.update(std::string_view(buffer).substr(0, static_cast<size_t>(in.gcount())));
  }
  return to_hex(hash.finish());
}

Status sync_path(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error("Can't open", path);
  const bool done = ::fsync(fd) == 0;
  ::close(fd);
  if (!done) return io_error("Can't sync", path);
  return {};
}

Status copy_synced(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (!fs::copy_file(from, to, error))
    return fail(ErrorCode::kIo, fmt::format("Can't copy {} to {}: {}.", from.string(), to.string(), error.message()));
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
  return sync_path(to);
}

// Removes a half-made folder unless it was kept.
struct Unfinished {
  fs::path path;
  bool kept = false;
  ~Unfinished() {
    std::error_code ignored;
    if (!kept) fs::remove_all(path, ignored);
  }
};

struct Copying {
  const Location& from;
  fs::path home, to;
  Json files = Json::object();
  BackupReport report;

  Status add(const fs::path& relative) {
    auto digest = digest_of(to / relative);
    if (!digest) return fail(digest.error());
    files[relative.string()] = *digest;
    report.bytes += fs::file_size(to / relative);
    return {};
  }

  Status copy_journal() {
    if (!from.url.empty()) {
      if (auto s = write_journal(); !s) return s;
    } else {
      copy_file();
    }
    if (auto s = sync_path(to / "journal.db"); !s) return s;
    return add("journal.db");
  }

  // From PostgreSQL: one moment of it, row for row.
  Status write_journal() {
    const auto scan = open_scan(from);
    SqliteStore store(to / "journal.db", nullptr);
    store.open();
    scan->begin_snapshot();
    auto copied = copy_records(*scan, store, nullptr);
    if (!copied) return fail(copied.error());
    scan->end_snapshot();
    if (auto s = store.make_durable(); !s) return s;
    store.close();
    return {};
  }

  void copy_file() {
    // SQLite copies only by a connection that might write; this one writes nothing here.
    Db db = open_journal_db(HomePaths(home).journal(), Db::Mode::kReadWrite);
    db.prepare("VACUUM INTO ?").bind(1, (to / "journal.db").string()).run();
  }

  // Those that the copied journal names. One may be gone by now, if its record was erased meanwhile; a blob is never
  // missing otherwise.
  Status copy_blobs() {
    Db db = open_journal_db(to / "journal.db", Db::Mode::kReadOnly);
    auto& row =
        db.prepare("SELECT DISTINCT t.id, b.blob FROM blob_refs b JOIN tenants t ON t.number = b.tenant ORDER BY 1, 2");
    while (row.step()) {
      const fs::path from = blob_path(HomePaths(home), row.text(0), row.text(1));
      const fs::path relative = fs::relative(from, home);
      if (!fs::exists(from)) continue;
      if (auto s = copy_synced(from, to / relative); !s) return s;
      if (auto s = add(relative); !s) return s;
      ++report.blobs;
    }
    row.reset();
    report.records = static_cast<uint64_t>(db.integer("SELECT count(*) FROM records"));
    auto& head = db.prepare("SELECT id, seq, digest FROM tenants WHERE seq > 0 ORDER BY number");
    while (head.step()) report.heads.push_back({head.text(0), static_cast<Seq>(head.integer(1)), head.blob(2)});
    head.reset();
    return {};
  }

  Status copy_config() {
    if (!fs::exists(home / "steward.toml")) return {};
    if (auto s = copy_synced(home / "steward.toml", to / "steward.toml"); !s) return s;
    return add("steward.toml");
  }

  Status write_manifest(TimeUs now) {
    Json heads = Json::array();
    for (const auto& head : report.heads)
      heads.push_back({{"tenant", head.tenant}, {"seq", head.seq}, {"digest", to_hex(head.digest)}});
    const Json manifest = {{"format", kFormat},
                           {"version", STEWARD_VERSION},
                           {"made_at", to_rfc3339(now)},
                           {"records", report.records},
                           {"heads", heads},
                           {"files", files}};
    return write_file_atomic(to / kManifest, manifest.dump(1) + "\n");
  }
};

}  // namespace

Result<BackupReport> backup_home(const Location& from, const fs::path& destination, TimeUs now) {
  std::error_code error;
  const fs::path& home = from.home;
  if (from.url.empty() && !fs::exists(HomePaths(home).journal(), error))
    return fail(ErrorCode::kNotFound, fmt::format("There is no journal in {}.", home.string()));
  if (fs::exists(destination, error))
    return fail(ErrorCode::kConflict,
                fmt::format("{} is there already; a backup takes a folder of its own.", destination.string()));
  Unfinished unfinished{fs::path(destination.string() + ".unfinished")};
  fs::remove_all(unfinished.path, error);
  if (auto s = make_private_dir(unfinished.path); !s) return fail(s.error());
  Copying copying{from, home, unfinished.path, Json::object(), {}};
  try {
    for (const auto step : {&Copying::copy_journal, &Copying::copy_blobs, &Copying::copy_config}) {
      if (auto s = (copying.*step)(); !s) return fail(s.error());
    }
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be copied: {}", e.what()));
  }
  if (auto s = copying.write_manifest(now); !s) return fail(s.error());
  fs::rename(unfinished.path, destination, error);
  if (error) return fail(ErrorCode::kIo, fmt::format("Can't rename to {}: {}.", destination.string(), error.message()));
  unfinished.kept = true;
  copying.report.path = destination;
  return copying.report;
}

namespace {

std::unexpected<Error> unreadable() {
  return fail(ErrorCode::kCorrupt, fmt::format("{} of the backup can't be read by this release.", kManifest));
}

Result<Head> head_of(const Json& told) {
  Head head;
  const auto text = [&](const char* name) {
    const bool there = told.is_object() && told.contains(name) && told[name].is_string();
    return there ? told[name].get<std::string>() : "";
  };
  head.tenant = text("tenant");
  const auto digest = from_hex(text("digest"));
  if (head.tenant.empty() || !digest || !told.contains("seq") || !told["seq"].is_number_unsigned()) return unreadable();
  head.seq = told["seq"].get<Seq>();
  head.digest = *digest;
  return head;
}

}  // namespace

Result<BackupManifest> read_manifest(std::string_view text) {
  auto json = parse_json(text);
  const auto there = [&](const char* name) { return json && json->is_object() && json->contains(name); };
  const bool whole = there("format") && (*json)["format"] == kFormat && there("files") &&
                     (*json)["files"].is_object() && (*json)["files"].contains("journal.db");
  if (!whole) return unreadable();
  BackupManifest manifest;
  for (const auto& [name, digest] : (*json)["files"].items()) {
    const fs::path relative(name);
    const bool inside = !name.empty() && name.find('\0') == std::string::npos && relative.is_relative() &&
                        std::ranges::find(relative, fs::path("..")) == relative.end();
    if (!inside || !digest.is_string())
      return fail(ErrorCode::kCorrupt, "The backup's manifest names a file outside it.");
    manifest.files[name] = digest.get<std::string>();
  }
  if (!there("heads")) return manifest;
  for (const auto& told : (*json)["heads"]) {
    auto head = head_of(told);
    if (!head) return fail(std::move(head.error()));
    manifest.heads.push_back(std::move(*head));
  }
  return manifest;
}

namespace {

Result<BackupManifest> checked_manifest(const fs::path& backup) {
  auto text = read_file(backup / kManifest, kManifestLimit);
  if (!text)
    return fail(ErrorCode::kNotFound, fmt::format("{} is no backup: it has no {}.", backup.string(), kManifest));
  auto manifest = read_manifest(*text);
  if (!manifest) return manifest;
  for (const auto& [name, digest] : manifest->files) {
    auto found = digest_of(backup / name);
    if (!found) return fail(found.error());
    if (*found != digest)
      return fail(ErrorCode::kCorrupt, fmt::format("{} in the backup is not what was backed up.", name));
  }
  return manifest;
}

Status put_back(const fs::path& backup, const fs::path& home, const BackupManifest& manifest,
                std::vector<fs::path>& made) {
  for (const auto& [name, digest] : manifest.files) {
    if (name == "steward.toml" && fs::exists(home / name)) continue;  // what the new home says stands
    made.push_back(home / name);
    if (auto s = copy_synced(backup / name, home / name); !s) return s;
  }
  return {};
}

}  // namespace

namespace {

Status move_to_postgres(const Location& to) {
  const HomePaths paths(to.home);
  auto copied = journal::copy_journal(Location(to.home), to, nullptr);
  if (!copied) return fail(copied.error());
  std::error_code ignored;
  for (const char* part : {"", "-wal", "-shm"}) fs::remove(paths.journal().string() + part, ignored);
  return {};
}

}  // namespace

Result<BackupReport> restore_home(const fs::path& backup, const Location& to) {
  const fs::path& home = to.home;
  const HomePaths paths(home);
  auto manifest = checked_manifest(backup);
  if (!manifest) return fail(manifest.error());
  if (auto s = prepare_home(paths); !s) return fail(s.error());
  auto lock = HomeLock::take(paths);
  if (!lock) return fail(lock.error());
  if (fs::exists(paths.journal())) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} holds a journal already; restore into an empty home (STEWARD_HOME).", home.string()));
  }
  std::vector<fs::path> made;
  const auto undo = [&] {
    std::error_code ignored;
    for (const auto& path : made) fs::remove(path, ignored);
    for (const char* side : {"-wal", "-shm"}) fs::remove(paths.journal().string() + side, ignored);
  };
  if (auto s = put_back(backup, home, *manifest, made); !s) {
    undo();
    return fail(s.error());
  }
  auto report = verify_journal(home, manifest->heads);
  if (!report || !report->ok) {
    undo();
    if (!report) return fail(report.error());
    return fail(ErrorCode::kCorrupt, fmt::format("The restored chain does not hold at record {} of {}: {}.",
                                                 report->seq, report->tenant, report->problem));
  }
  if (!to.url.empty()) {
    lock->reset();  // the copy takes it
    if (auto s = move_to_postgres(to); !s) {
      undo();
      return fail(s.error());
    }
  }
  BackupReport done;
  done.path = home;
  done.records = report->records;
  done.heads = report->heads;
  for (const auto& path : made) {
    if (!fs::exists(path)) continue;
    done.bytes += fs::file_size(path);
    done.blobs += path.parent_path() != home;
  }
  return done;
}

}  // namespace steward::journal
