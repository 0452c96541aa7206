// The one table in views.db that is no view's own: how far each view is folded. Inside the journal floor only.
//
// Beside the seq stands the digest of the record it names. A views.db that belongs to another history (the journal was
// restored from a backup, or lost its unsynced tail to a power cut) is recognised by it and thrown away: views are a
// fold, and are folded again.
#pragma once
#include <filesystem>

#include "journal/db.h"
#include "journal/record.h"
#include "journal/scan.h"

namespace steward::journal {

Db open_views_db(const std::filesystem::path& path,
                 Db::Mode mode);  // makes it, and the table, where missing and writable
void store_seq(Db& views, std::string_view view, int version, const Record& last);
bool views_belong_to(Db& views, Scan& journal);
// Empty, or which tenant's views have folded records that the journal does not hold: views follow what is durable, so
// the journal has lost its end.
std::string seqs_beyond(Db& views, Scan& journal);
void remove_database(const std::filesystem::path& path);  // with its -wal and -shm

}  // namespace steward::journal
