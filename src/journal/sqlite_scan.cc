#include <fmt/format.h>

#include "journal/sqlite_store.h"

namespace steward::journal {
namespace {

std::vector<Record> records_of(Statement& statement) {
  std::vector<Record> out;
  while (statement.step()) out.push_back(read_record(statement));
  return out;
}

const std::string& select_page() {
  static const std::string sql = fmt::format(
      "SELECT {} FROM tenants t JOIN records r ON r.pos > (t.number << 40) + ?2 AND r.pos < ((t.number + 1) << 40) "
      "WHERE t.id=?1 ORDER BY r.pos LIMIT ?3 + 0",  // a bare parameter has SQLite prepare anew for each value
      kRecordColumns);
  return sql;
}
const std::string& select_stream() {
  static const std::string sql = fmt::format(
      "SELECT {} FROM tenants t JOIN records r ON r.tenant = t.number WHERE t.id=?1 AND r.stream=?2 AND r.version > ?3 "
      "ORDER BY r.version LIMIT ?4",
      kRecordColumns);
  return sql;
}
const std::string& select_one() {
  static const std::string sql =
      fmt::format("SELECT {} FROM records r JOIN tenants t ON t.number = r.tenant WHERE r.id=?", kRecordColumns);
  return sql;
}

std::vector<BlobName> blob_names(Statement& row) {
  std::vector<BlobName> out;
  while (row.step()) out.push_back({row.text(0), row.text(1)});
  return out;
}

}  // namespace

void SqliteScan::end_snapshot() {
  db_.reset_statements();
  db_.execute("COMMIT");
}

std::vector<StoredHead> SqliteScan::heads() {
  std::vector<StoredHead> out;
  auto& row = db_.prepare("SELECT id, number, seq, digest FROM tenants ORDER BY number");
  while (row.step()) out.push_back({row.text(0), row.integer(1), static_cast<Seq>(row.integer(2)), row.blob(3)});
  return out;
}

std::vector<Record> SqliteScan::page(const Id& tenant, Seq after, size_t limit) {
  if (after > static_cast<Seq>(kLargestSeq)) return {};
  return records_of(db_.prepare(select_page()).bind(1, tenant).bind(2, after).bind(3, static_cast<int64_t>(limit)));
}

std::vector<Record> SqliteScan::stream_page(const Id& tenant, std::string_view stream, uint64_t after_version,
                                            size_t limit) {
  return records_of(db_.prepare(select_stream())
                        .bind(1, tenant)
                        .bind(2, stream)
                        .bind(3, after_version)
                        .bind(4, static_cast<int64_t>(limit)));
}

std::optional<Record> SqliteScan::find(const Id& record_id) {
  auto found = records_of(db_.prepare(select_one()).bind(1, record_id));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::optional<std::string> SqliteScan::digest_at(const Id& tenant, Seq seq) {
  auto& row = db_.prepare("SELECT digest FROM records WHERE pos = (SELECT number << 40 FROM tenants WHERE id=?1) + ?2")
                  .bind(1, tenant)
                  .bind(2, seq);
  if (!row.step()) return std::nullopt;
  std::string digest = row.blob(0);
  row.reset();
  return digest;
}

std::vector<StoredRow> SqliteScan::rows(const Id& tenant, Seq after, size_t limit) {
  auto records = page(tenant, after, limit);
  if (records.empty()) return {};
  auto& number = db_.prepare("SELECT number FROM tenants WHERE id=?").bind(1, tenant);
  number.step();
  const int64_t base = position(number.integer(0), 0);
  number.reset();
  const Seq first = records.front().seq, last = records.back().seq;
  if (last - first + 1 != records.size()) throw DbError(0, "records are missing: run 'steward journal verify'");
  std::vector<StoredRow> out;
  for (auto& record : records)
    out.push_back({std::move(record), record.erased ? Erasure::kPurged : Erasure::kNone, {}});
  const auto at = [&](int64_t pos) -> StoredRow& { return out[static_cast<size_t>(pos - base) - first]; };
  const auto in_page = [&](std::string_view sql) -> Statement& {
    return db_.prepare(sql).bind(1, base + static_cast<int64_t>(first)).bind(2, base + static_cast<int64_t>(last));
  };
  auto& hidden = in_page("SELECT pos FROM records WHERE pos BETWEEN ?1 AND ?2 AND erased=1");
  while (hidden.step()) at(hidden.integer(0)).erasure = Erasure::kHidden;
  auto& blobs = in_page("SELECT pos, blob FROM blob_refs WHERE pos BETWEEN ?1 AND ?2");
  while (blobs.step()) at(blobs.integer(0)).blobs.push_back(blobs.text(1));
  return out;
}

std::vector<BlobName> SqliteScan::named_blobs() {
  return blob_names(
      db_.prepare("SELECT DISTINCT t.id, b.blob FROM blob_refs b JOIN tenants t ON t.number = b.tenant ORDER BY 1, 2"));
}

std::vector<BlobName> SqliteScan::doomed_blobs(bool unnamed) {
  return blob_names(
      db_.prepare("SELECT t.id, d.blob FROM doomed_blobs d JOIN tenants t ON t.number = d.tenant WHERE ?1 = 0 OR NOT "
                  "EXISTS (SELECT 1 FROM blob_refs r WHERE r.tenant = d.tenant AND r.blob = d.blob)")
          .bind(1, unnamed ? 1 : 0));
}

int64_t SqliteScan::meta(std::string_view key) {
  auto& row = db_.prepare("SELECT value FROM meta WHERE key=?").bind(1, key);
  const int64_t value = row.step() ? row.integer(0) : 0;
  row.reset();
  return value;
}

bool SqliteScan::has_hidden() {
  return db_.integer("SELECT EXISTS(SELECT 1 FROM records WHERE erased=1) OR EXISTS(SELECT 1 FROM doomed_blobs)") != 0;
}

std::string SqliteScan::self_check() {
  auto& check = db_.prepare("PRAGMA integrity_check(1)");
  const std::string integrity = check.step() ? check.text(0) : "no answer";
  check.reset();
  if (db_.integer(
          "SELECT count(*) FROM records WHERE tenant != pos >> 40 OR tenant NOT IN (SELECT number FROM tenants)") > 0)
    return "there are records of no tenant";
  return integrity == "ok" ? "" : "SQLite's own check says: " + integrity;
}

}  // namespace steward::journal
