// The second half of an erasure: from hidden (nobody reads it) to purged (no file holds it). Inside the journal floor
// only.
//
// The store cleans its own files (Store::clean), then the blobs that only erased records named are unlinked, then the
// records are marked. A crash at any step leaves a state from which the same runs again.
#pragma once
#include "journal/home.h"
#include "journal/store.h"

namespace steward::journal {

// Writer thread, outside any group. Answers how many records became purged.
Result<size_t> purge_erased(Store& store, const HomePaths& paths);
// The -wal file of another database of the home (views.db), by a connection of its own. kStoreUnavailable while readers
// hold it.
Status truncate_log(const std::filesystem::path& database);
Status truncate_log(Db& db);

}  // namespace steward::journal
