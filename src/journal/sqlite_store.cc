#include "journal/sqlite_store.h"

#include <sqlite3.h>

#include "base/folder_sync.h"
#include "journal/digest.h"
#include "journal/purge.h"

namespace steward::journal {
namespace {

std::vector<Store::Found> found_rows(Statement& row) {
  std::vector<Store::Found> out;
  while (row.step()) out.push_back({row.text(0), static_cast<Seq>(row.integer(1)), row.text(2), row.integer(3) != 0});
  return out;
}

}  // namespace

void SqliteStore::open() {
  close();
  Db db = open_journal_db(path_, Db::Mode::kReadWrite, vfs_);
  migrate_journal(db);
  // The log is made anew with each open, and the sync of its bytes does not cover its name.
  if (const auto synced = sync_parent(path_); !synced) throw DbError(SQLITE_IOERR_DIR_FSYNC, synced.error().message);
  db_.emplace(std::move(db));
  scan_.emplace(*db_);
}

void SqliteStore::close() {
  in_group_ = false;
  scan_.reset();
  db_.reset();
}

StoreInfo SqliteStore::info() const {
  return {.kind = "sqlite", .version = sqlite3_libversion(), .where = path_.string()};
}

void SqliteStore::begin() {
  db_->prepare("BEGIN IMMEDIATE").run();
  in_group_ = true;
}

void SqliteStore::commit(const std::vector<StoredHead>& changed) {
  for (const auto& head : changed) {
    db_->prepare("UPDATE tenants SET seq=?2, digest=?3 WHERE number=?1")
        .bind(1, head.number)
        .bind(2, head.seq)
        .bind_blob(3, head.digest)
        .run();
  }
  db_->prepare("COMMIT").run();
  in_group_ = false;
}

void SqliteStore::rollback() noexcept {
  if (!in_group_ || !db_) return;
  in_group_ = false;
  try {
    db_->execute("ROLLBACK");
  } catch (const DbError&) {  // SQLite rolls back by itself upon some I/O errors
  }
}

void SqliteStore::probe() {
  db_->execute("BEGIN IMMEDIATE");
  in_group_ = true;
  db_->execute("INSERT INTO meta VALUES('probe', 1) ON CONFLICT(key) DO UPDATE SET value=value+1");
  db_->execute("COMMIT");
  in_group_ = false;
}

std::optional<StoredHead> SqliteStore::find_head(const Id& tenant) {
  auto& row = db_->prepare("SELECT number, seq, digest FROM tenants WHERE id=?").bind(1, tenant);
  if (!row.step()) return std::nullopt;
  StoredHead head{tenant, row.integer(0), static_cast<Seq>(row.integer(1)), row.blob(2)};
  row.reset();
  return head;
}

StoredHead SqliteStore::add_tenant(const Id& tenant) {
  db_->prepare("INSERT INTO tenants(id, seq, digest) VALUES(?, 0, ?)")
      .bind(1, tenant)
      .bind_blob(2, ChainHasher::first_previous())
      .run();
  return *find_head(tenant);
}

Store::Known SqliteStore::look_up(int64_t tenant_number, const std::vector<std::string>& streams,
                                  const std::vector<Id>& record_ids) {
  Known known;
  for (const auto& id : record_ids) {
    auto& row = db_->prepare("SELECT 1 FROM records WHERE id=?").bind(1, id);
    if (row.step()) known.record = id;
    row.reset();
  }
  for (const auto& stream : streams) {
    auto& row = db_->prepare("SELECT max(version) FROM records WHERE tenant=? AND stream=?")
                    .bind(1, tenant_number)
                    .bind(2, stream);
    row.step();
    known.versions.push_back(static_cast<uint64_t>(row.integer(0)));
    row.reset();
  }
  return known;
}

void SqliteStore::insert(const StoredHead& head, const Record& r, const std::vector<std::string>& blobs,
                         Erasure erasure) {
  const int64_t pos = position(head.number, r.seq);
  auto& statement =
      db_->prepare("INSERT INTO records VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?19,?16,?17,?18)")
          .bind(1, pos)
          .bind(2, head.number)
          .bind(3, r.id)
          .bind(4, r.stream)
          .bind(5, r.version)
          .bind(6, r.kind)
          .bind(7, int64_t{r.schema})
          .bind(8, r.time)
          .bind(9, r.actor)
          .bind(10, r.on_behalf_of)
          .bind(11, r.cause)
          .bind(12, join_sources(r.sources))
          .bind(13, r.acl)
          .bind(14, r.label)
          .bind_blob(17, r.body_digest)
          .bind_blob(18, r.digest)
          .bind(19, static_cast<int64_t>(erasure));
  if (erasure == Erasure::kNone)
    statement.bind_blob(15, r.body).bind_blob(16, r.salt);
  else
    statement.bind_null(15).bind_null(16);
  statement.run();
  for (const auto& source : r.sources) {
    db_->prepare("INSERT OR IGNORE INTO sources VALUES(?,?)").bind(1, source).bind(2, pos).run();
  }
  for (const auto& blob : blobs) {
    db_->prepare("INSERT OR IGNORE INTO blob_refs VALUES(?,?,?)").bind(1, head.number).bind(2, blob).bind(3, pos).run();
  }
}

std::vector<Store::Found> SqliteStore::by_id(int64_t tenant_number, const Id& id) {
  return found_rows(db_->prepare("SELECT id, pos & 1099511627775, kind, erased FROM records WHERE id=? AND tenant=?")
                        .bind(1, id)
                        .bind(2, tenant_number));
}

std::vector<Store::Found> SqliteStore::by_source(int64_t tenant_number, const Id& source) {
  return found_rows(
      db_->prepare(
             "SELECT r.id, r.pos & 1099511627775, r.kind, r.erased FROM sources s JOIN records r ON r.pos = s.pos "
             "WHERE s.source=? AND r.tenant=? ORDER BY r.pos")
          .bind(1, source)
          .bind(2, tenant_number));
}

void SqliteStore::tombstone(int64_t tenant_number, Seq seq) {
  const int64_t pos = position(tenant_number, seq);
  db_->prepare("UPDATE records SET body=NULL, salt=NULL, erased=1 WHERE pos=? AND erased=0").bind(1, pos).run();
  db_->prepare("INSERT OR IGNORE INTO doomed_blobs SELECT tenant, blob FROM blob_refs WHERE pos=?").bind(1, pos).run();
  db_->prepare("DELETE FROM blob_refs WHERE pos=?").bind(1, pos).run();
}

void SqliteStore::doom_blob(int64_t tenant_number, std::string_view blob) {
  db_->prepare("INSERT OR IGNORE INTO doomed_blobs VALUES(?,?)").bind(1, tenant_number).bind(2, blob).run();
}

void SqliteStore::set_meta(std::string_view key, int64_t value) {
  db_->prepare("INSERT INTO meta VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value")
      .bind(1, key)
      .bind(2, value)
      .run();
}

// Tables are clean already (secure_delete overwrites); what is left lies in the -wal file.
Status SqliteStore::clean() { return truncate_log(*db_); }

size_t SqliteStore::mark_purged() {
  db_->execute("BEGIN IMMEDIATE");
  in_group_ = true;
  db_->execute("DELETE FROM doomed_blobs");
  db_->execute("UPDATE records SET erased=2 WHERE erased=1");
  const auto purged = static_cast<size_t>(db_->changes());
  db_->execute("COMMIT");
  in_group_ = false;
  return purged;
}

// Everything in the log is written into the database file and synced there: what was written before the failure is
// durable now. Then the log has a first frame again.
Status SqliteStore::make_durable() {
  if (auto s = truncate_log(*db_); !s) return s;
  probe();
  return {};
}

}  // namespace steward::journal
