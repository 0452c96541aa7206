// The second half of an erasure: from hidden (nobody reads it) to purged (no file holds it). Inside the journal floor
// only.
//
// Tables are clean already (secure_delete overwrites); what is left lies in the -wal file and in blobs. So: checkpoint
// and truncate the log, unlink blobs that only erased records named, mark the records. A crash at any step leaves a
// state from which the same runs again.
#pragma once
#include "journal/home.h"
#include "journal/store.h"

namespace steward::journal {

bool has_hidden(Db& db);  // whether anything waits to be purged
// Writer thread, outside any group. Answers how many records became purged.
Result<size_t> purge_erased(Store& store, const HomePaths& paths);
// The -wal file of another database of the home (views.db), by a connection of its own. kStoreUnavailable while readers
// hold it.
Status truncate_log(const std::filesystem::path& database);

}  // namespace steward::journal
