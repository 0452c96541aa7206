#include "journal/purge.h"

#include <fmt/format.h>

#include "base/crash_point.h"
#include "journal/blobs.h"
#include "journal/view_state.h"

namespace steward::journal {
Status truncate_log(Db& db) {
  auto& row = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  const bool busy = !row.step() || row.integer(0) != 0;
  row.reset();
  if (busy)
    return fail(ErrorCode::kStoreUnavailable, "A long read holds the database's log; the purge is tried again.");
  return {};
}

Status truncate_log(const std::filesystem::path& database) {
  try {
    Db db = open_views_db(database, Db::Mode::kReadWrite);
    return truncate_log(db);
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("{} can't be cleaned: {}", database.string(), e.what()));
  }
}

Result<size_t> purge_erased(Store& store, const HomePaths& paths) {
  if (!store.scan().has_hidden()) return 0;
  crash_point("purge_before_checkpoint");
  if (auto s = store.clean(); !s) return fail(s.error());
  const auto doomed = store.scan().doomed_blobs(true);
  crash_point("purge_before_unlink");
  for (const auto& blob : doomed) {
    std::error_code error;
    std::filesystem::remove(blob_path(paths, blob.tenant, blob.blob), error);
    if (error) return fail(ErrorCode::kIo, fmt::format("A blob can't be removed: {}.", error.message()));
  }
  return store.mark_purged();
}

}  // namespace steward::journal
