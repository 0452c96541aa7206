#include "server/batches/batch_view.h"

#include <algorithm>

#include "base/json.h"
#include "journal/erasure.h"

namespace steward::server {
namespace {

constexpr std::string_view kFileColumns =
    "SELECT id, owner, record, purpose, blob, bytes, created_us, expires_us, batch FROM batches_files ";
constexpr std::string_view kBatchColumns =
    "SELECT b.id, b.owner, b.record, b.status, b.total, "
    "(SELECT count(*) FROM batches_lines l WHERE l.tenant = b.tenant AND l.batch = b.id AND l.good = 1), "
    "(SELECT count(*) FROM batches_lines l WHERE l.tenant = b.tenant AND l.batch = b.id AND l.good = 0), "
    "b.created_us, b.changes, b.output_file, b.error_file FROM batches_batches b ";

FileRow file_row(journal::Statement& row) {
  return {.id = row.text(0),
          .owner = row.text(1),
          .record = row.text(2),
          .purpose = row.text(3),
          .blob = row.text(4),
          .bytes = row.integer(5),
          .created_at = row.integer(6),
          .expires_at = row.integer(7),
          .batch = row.text(8)};
}

BatchRow batch_row(journal::Statement& row) {
  return {.id = row.text(0),
          .owner = row.text(1),
          .record = row.text(2),
          .status = row.text(3),
          .total = row.integer(4),
          .completed = row.integer(5),
          .failed = row.integer(6),
          .created_at = row.integer(7),
          .changes = row.text(8),
          .output_file = row.text(9),
          .error_file = row.text(10)};
}

std::string id_in(const journal::Record& record) { return record.stream.substr(record.stream.find('/') + 1); }

void forget(journal::Db& db, const journal::Record& erasure) {
  for (const journal::Seq seq : journal::erased_seqs(erasure)) {
    for (const char* table : {"batches_files", "batches_batches", "batches_lines", "batches_sent"}) {
      db.prepare(fmt::format("DELETE FROM {} WHERE tenant = ? AND seq = ?", table))
          .bind(1, erasure.tenant)
          .bind(2, static_cast<int64_t>(seq))
          .run();
    }
  }
}

void add_file(journal::Db& db, const journal::Record& record, const Json& body) {
  db.prepare("INSERT OR REPLACE INTO batches_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, id_in(record))
      .bind(3, static_cast<int64_t>(record.seq))
      .bind(4, record.id)
      .bind(5, body.value("owner", ""))
      .bind(6, body.value("purpose", ""))
      .bind(7, body.value("blob", ""))
      .bind(8, body.value("bytes", int64_t{0}))
      .bind(9, record.time)
      .bind(10, body.value("expires_us", int64_t{0}))
      .bind(11, body.value("batch", ""))
      .run();
}

void add_batch(journal::Db& db, const journal::Record& record, const Json& body) {
  db.prepare("INSERT OR REPLACE INTO batches_batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{}', '', '')")
      .bind(1, record.tenant)
      .bind(2, id_in(record))
      .bind(3, static_cast<int64_t>(record.seq))
      .bind(4, record.id)
      .bind(5, body.value("owner", ""))
      .bind(6, "validating")
      .bind(7, int64_t{0})
      .bind(8, record.time)
      .run();
}

void change_batch(journal::Db& db, const journal::Record& record, const Json& body) {
  const std::string status = body.value("status", "");
  db.prepare(
        "UPDATE batches_batches SET status = ?3, total = coalesce(?4, total), output_file = ?5, error_file = ?6, "
        "changes = json_set(changes, '$.' || ?3, ?7) WHERE tenant = ?1 AND id = ?2")
      .bind(1, record.tenant)
      .bind(2, id_in(record))
      .bind(3, status)
      .bind(4, body.value("total", int64_t{0}))
      .bind(5, body.value("output_file", ""))
      .bind(6, body.value("error_file", ""))
      .bind(7, record.time)
      .run();
}

void add_line(journal::Db& db, const journal::Record& record, const Json& body) {
  db.prepare("INSERT OR REPLACE INTO batches_lines VALUES (?, ?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, id_in(record))
      .bind(3, body.value("line", int64_t{0}))
      .bind(4, static_cast<int64_t>(record.seq))
      .bind(5, record.id)
      .bind(6, static_cast<int64_t>(body.value("good", false)))
      .run();
}

void add_sent(journal::Db& db, const journal::Record& record) {
  db.prepare("INSERT OR REPLACE INTO batches_sent VALUES (?, ?, ?, ?, 0)")
      .bind(1, record.tenant)
      .bind(2, id_in(record))
      .bind(3, static_cast<int64_t>(record.seq))
      .bind(4, record.id)
      .run();
}

void take_sent(journal::Db& db, const journal::Record& record, const Json& body) {
  db.prepare("UPDATE batches_sent SET taken = 1 WHERE tenant = ? AND batch = ? AND record = ?")
      .bind(1, record.tenant)
      .bind(2, id_in(record))
      .bind(3, body.value("sent", ""))
      .run();
}

}  // namespace

void BatchView::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE batches_files(tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL, "
      "owner TEXT NOT NULL, purpose TEXT NOT NULL, blob TEXT NOT NULL, bytes INTEGER NOT NULL, created_us INTEGER NOT "
      "NULL, expires_us INTEGER NOT NULL, batch TEXT NOT NULL, PRIMARY KEY(tenant, id)) WITHOUT ROWID;"
      "CREATE TABLE batches_batches(tenant TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT "
      "NULL, "
      "owner TEXT NOT NULL, status TEXT NOT NULL, total INTEGER NOT NULL, created_us INTEGER NOT NULL, changes TEXT "
      "NOT "
      "NULL, output_file TEXT NOT NULL, error_file TEXT NOT NULL, PRIMARY KEY(tenant, id)) WITHOUT ROWID;"
      "CREATE TABLE batches_lines(tenant TEXT NOT NULL, batch TEXT NOT NULL, line INTEGER NOT NULL, seq INTEGER NOT "
      "NULL, record TEXT NOT NULL, good INTEGER NOT NULL, PRIMARY KEY(tenant, batch, line)) WITHOUT ROWID;"
      "CREATE TABLE batches_sent(tenant TEXT NOT NULL, batch TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT "
      "NULL, taken INTEGER NOT NULL, PRIMARY KEY(tenant, batch, seq)) WITHOUT ROWID;"
      "CREATE INDEX batches_files_seq ON batches_files(tenant, seq);"
      "CREATE INDEX batches_lines_seq ON batches_lines(tenant, seq);"
      "CREATE INDEX batches_sent_seq ON batches_sent(tenant, seq);");
}

void BatchView::apply(journal::Db& db, const journal::Record& record) {
  if (record.kind == journal::kErasedKind) return forget(db, record);
  const bool ours =
      std::ranges::find(kBatchRecordKinds, record.kind, &journal::RecordKind::name) != std::end(kBatchRecordKinds);
  if (!ours || record.erased) return;
  const Json body = read_own(record.body);
  if (!body.is_object()) return;
  if (record.kind == kFileKind)
    add_file(db, record, body);
  else if (record.kind == kBatchKind)
    add_batch(db, record, body);
  else if (record.kind == kBatchStateKind)
    change_batch(db, record, body);
  else if (record.kind == kBatchSentKind)
    add_sent(db, record);
  else if (record.kind == kBatchTakenKind)
    take_sent(db, record, body);
  else
    add_line(db, record, body);
}

std::optional<FileRow> find_file(journal::Db& db, const Id& tenant, const Id& owner, const Id& id) {
  auto& rows = db.prepare(std::string(kFileColumns) + "WHERE tenant = ? AND id = ? AND owner = ?")
                   .bind(1, tenant)
                   .bind(2, id)
                   .bind(3, owner);
  std::optional<FileRow> out;
  if (rows.step()) out = file_row(rows);
  rows.reset();
  return out;
}

std::vector<FileRow> list_files(journal::Db& db, const Id& tenant, const Id& owner, const std::string& purpose,
                                const Id& after, size_t limit) {
  auto& rows = db.prepare(std::string(kFileColumns) +
                          "WHERE tenant = ?1 AND owner = ?2 AND (?3 = '' OR purpose = ?3) AND (?4 = '' OR id < ?4) "
                          "ORDER BY id DESC LIMIT ?5")
                   .bind(1, tenant)
                   .bind(2, owner)
                   .bind(3, purpose)
                   .bind(4, after)
                   .bind(5, static_cast<int64_t>(limit));
  std::vector<FileRow> out;
  while (rows.step()) out.push_back(file_row(rows));
  rows.reset();
  return out;
}

std::optional<BatchRow> find_batch(journal::Db& db, const Id& tenant, const Id& owner, const Id& id) {
  auto& rows =
      db.prepare(std::string(kBatchColumns) + "WHERE b.tenant = ?1 AND b.id = ?2 AND (?3 = '' OR b.owner = ?3)")
          .bind(1, tenant)
          .bind(2, id)
          .bind(3, owner);
  std::optional<BatchRow> out;
  if (rows.step()) out = batch_row(rows);
  rows.reset();
  return out;
}

std::vector<BatchRow> list_batches(journal::Db& db, const Id& tenant, const Id& owner, const Id& after, size_t limit) {
  auto& rows = db.prepare(std::string(kBatchColumns) +
                          "WHERE b.tenant = ?1 AND b.owner = ?2 AND (?3 = '' OR b.id < ?3) ORDER BY b.id DESC LIMIT ?4")
                   .bind(1, tenant)
                   .bind(2, owner)
                   .bind(3, after)
                   .bind(4, static_cast<int64_t>(limit));
  std::vector<BatchRow> out;
  while (rows.step()) out.push_back(batch_row(rows));
  rows.reset();
  return out;
}

std::vector<std::pair<int64_t, Id>> answered_lines(journal::Db& db, const Id& tenant, const Id& batch) {
  auto& rows = db.prepare("SELECT line, record FROM batches_lines WHERE tenant = ? AND batch = ? ORDER BY line")
                   .bind(1, tenant)
                   .bind(2, batch);
  std::vector<std::pair<int64_t, Id>> out;
  while (rows.step()) out.emplace_back(rows.integer(0), rows.text(1));
  rows.reset();
  return out;
}

std::vector<SentRow> sent_batches(journal::Db& db, const Id& tenant, const Id& batch) {
  auto& rows = db.prepare("SELECT record, taken FROM batches_sent WHERE tenant = ? AND batch = ? ORDER BY seq")
                   .bind(1, tenant)
                   .bind(2, batch);
  std::vector<SentRow> out;
  while (rows.step()) out.push_back({.record = rows.text(0), .taken = rows.integer(1) != 0});
  rows.reset();
  return out;
}

}  // namespace steward::server
