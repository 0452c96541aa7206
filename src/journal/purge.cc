#include "journal/purge.h"

#include <fmt/format.h>

#include "base/crash_point.h"
#include "journal/blobs.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {

Status truncate_log(Db& db) {
  auto& row = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  const bool busy = !row.step() || row.integer(0) != 0;
  row.reset();
  if (busy)
    return fail(ErrorCode::kStoreUnavailable, "A long read holds the database's log; the purge is tried again.");
  return {};
}

struct Doomed {
  int64_t tenant_number;
  Id tenant;
  std::string blob;
};

// Blobs of erased records that no other record of their tenant names.
std::vector<Doomed> doomed_blobs(Db& db) {
  auto& row = db.prepare(
      "SELECT d.tenant, t.id, d.blob FROM doomed_blobs d JOIN tenants t ON t.number = d.tenant WHERE NOT EXISTS "
      "(SELECT 1 FROM blob_refs r WHERE r.tenant = d.tenant AND r.blob = d.blob)");
  std::vector<Doomed> all;
  while (row.step()) all.push_back({row.integer(0), row.text(1), row.text(2)});
  row.reset();
  return all;
}

}  // namespace

Status truncate_log(const std::filesystem::path& database) {
  try {
    Db db = open_views_db(database, Db::Mode::kReadWrite);
    return truncate_log(db);
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("{} can't be cleaned: {}", database.string(), e.what()));
  }
}

bool has_hidden(Db& db) {
  return db.integer("SELECT EXISTS(SELECT 1 FROM records WHERE erased=1) OR EXISTS(SELECT 1 FROM doomed_blobs)") != 0;
}

Result<size_t> purge_erased(Store& store, const HomePaths& paths) {
  Db& db = store.db();
  if (!has_hidden(db)) return 0;
  crash_point("purge_before_checkpoint");
  if (auto s = truncate_log(db); !s) return fail(s.error());
  const auto doomed = doomed_blobs(db);
  crash_point("purge_before_unlink");
  for (const auto& blob : doomed) {
    std::error_code error;
    std::filesystem::remove(blob_path(paths, blob.tenant, blob.blob), error);
    if (error) return fail(ErrorCode::kIo, fmt::format("A blob can't be removed: {}.", error.message()));
  }
  db.execute("BEGIN IMMEDIATE");
  db.execute("DELETE FROM doomed_blobs");
  db.execute("UPDATE records SET erased=2 WHERE erased=1");
  const auto purged = static_cast<size_t>(db.changes());
  db.execute("COMMIT");
  return purged;
}

}  // namespace steward::journal
