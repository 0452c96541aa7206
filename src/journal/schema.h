// The tables of journal.db and how rows become records. Inside the journal floor only.
//
// `pos` is tenant number * 2^40 + seq: the row's key, so that a tenant's records lie together in the order of their
// chain without a second index. A tenant's head row gives the next seq and the last digest; it changes in the
// transaction that inserts.
#pragma once
#include <filesystem>

#include "journal/db.h"
#include "journal/record.h"

namespace steward::journal {

inline constexpr int kSchemaVersion = 1;
inline constexpr int kTenantShift = 40;
inline constexpr int64_t kLargestSeq = (int64_t{1} << kTenantShift) - 1;

inline int64_t position(int64_t tenant_number, Seq seq) {
  return tenant_number << kTenantShift | static_cast<int64_t>(seq);
}

// Makes the file private before SQLite opens it. Throws DbError.
Db open_journal_db(const std::filesystem::path& path, Db::Mode mode, const char* vfs = nullptr);
void migrate_journal(Db& db);  // forward only; throws DbError for a file of a newer release

// The columns that read_record expects, in its order, of `records r JOIN tenants t`.
inline constexpr std::string_view kRecordColumns =
    "t.id, r.pos & 1099511627775, r.id, r.stream, r.version, r.kind, r.schema, r.time, r.actor, r.on_behalf_of, "
    "r.cause, r.sources, r.acl, "
    "r.label, r.body, r.erased, r.salt, r.body_digest, r.digest";
Record read_record(const Statement& row);

std::string join_sources(const std::vector<Id>& sources);  // ids hold no space
std::vector<Id> split_sources(std::string_view text);

}  // namespace steward::journal
