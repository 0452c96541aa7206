#include "journal/schema.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace steward::journal {
namespace {

// `sources`, `blob_refs`: who hangs on what. `doomed_blobs`: what an erasure took a reference from, until the purge has
// looked at it. `erased` is 1 while only hidden, 2 once purged. `meta` holds numbers that belong to the file (how far
// erasures.log is applied, the probe that recovery writes).
constexpr std::string_view kTables = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tenants(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE records(
  pos INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL, stream TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL,
  schema INTEGER NOT NULL, time INTEGER NOT NULL, actor TEXT NOT NULL, on_behalf_of TEXT NOT NULL, cause TEXT NOT NULL,
  sources TEXT NOT NULL, acl TEXT NOT NULL, label TEXT NOT NULL, body BLOB, erased INTEGER NOT NULL DEFAULT 0, salt BLOB,
  body_digest BLOB NOT NULL, digest BLOB NOT NULL);
CREATE UNIQUE INDEX records_id ON records(id);
CREATE UNIQUE INDEX records_stream ON records(tenant, stream, version);
CREATE TABLE sources(source TEXT NOT NULL, pos INTEGER NOT NULL, PRIMARY KEY(source, pos)) WITHOUT ROWID;
CREATE TABLE blob_refs(tenant INTEGER NOT NULL, blob TEXT NOT NULL, pos INTEGER NOT NULL, PRIMARY KEY(tenant, blob, pos)) WITHOUT ROWID;
CREATE INDEX blob_refs_pos ON blob_refs(pos);
CREATE TABLE doomed_blobs(tenant INTEGER NOT NULL, blob TEXT NOT NULL, PRIMARY KEY(tenant, blob)) WITHOUT ROWID;
CREATE INDEX records_hidden ON records(pos) WHERE erased = 1;
)sql";

void make_private_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, 0600);
  if (fd >= 0) ::close(fd);  // what already stands keeps its mode; what can't be made, SQLite reports
}

}  // namespace

Db open_journal_db(const std::filesystem::path& path, Db::Mode mode, const char* vfs) {
  if (mode == Db::Mode::kReadWrite) make_private_file(path);
  Db db = Db::open(path, mode, vfs);
  if (mode == Db::Mode::kReadWrite) {
    // A larger log between checkpoints: each stalls the writer for a sync of the database file.
    db.execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;"
        "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-32000");
  }
  return db;
}

void migrate_journal(Db& db) {
  const int64_t version = db.integer("PRAGMA user_version");
  if (version > kSchemaVersion) {
    throw DbError(
        SQLITE_MISMATCH,
        fmt::format("The journal was written by a newer Steward (its tables have version {}, this program knows {}): "
                    "use that release or restore a backup.",
                    version, kSchemaVersion));
  }
  if (version == kSchemaVersion) return;
  db.execute("BEGIN IMMEDIATE");
  db.execute(kTables);
  db.execute(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  db.execute("COMMIT");
}

Record read_record(const Statement& row) {
  Record r;
  r.tenant = row.text(0);
  r.seq = static_cast<Seq>(row.integer(1));
  r.id = row.text(2);
  r.stream = row.text(3);
  r.version = static_cast<uint64_t>(row.integer(4));
  r.kind = row.text(5);
  r.schema = static_cast<uint32_t>(row.integer(6));
  r.time = row.integer(7);
  r.actor = row.text(8);
  r.on_behalf_of = row.text(9);
  r.cause = row.text(10);
  r.sources = split_sources(row.text(11));
  r.acl = row.text(12);
  r.label = row.text(13);
  r.body = row.blob(14);
  r.erased = row.integer(15) != 0;
  r.salt = row.blob(16);
  r.body_digest = row.blob(17);
  r.digest = row.blob(18);
  return r;
}

std::string join_sources(const std::vector<Id>& sources) { return fmt::format("{}", fmt::join(sources, " ")); }

std::vector<Id> split_sources(std::string_view text) {
  std::vector<Id> out;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    out.emplace_back(text.substr(0, space));
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
  }
  return out;
}

}  // namespace steward::journal
