#include <fmt/format.h>

#include "journal/postgres_store.h"
#include "journal/schema.h"

namespace steward::journal {
namespace {

// SELECT, the columns that record_of expects in its order, and what follows them.
std::string select(std::string_view rest) {
  return fmt::format(
      "SELECT pos & 1099511627775, id, stream, version, kind, schema, time, actor, on_behalf_of, cause, sources, acl, "
      "label, body, erased, salt, body_digest, digest{}",
      rest);
}

Record record_of(const PgResult& row, int i, const Id& tenant) {
  Record r;
  r.tenant = tenant;
  r.seq = static_cast<Seq>(row.integer(i, 0));
  r.id = row.text(i, 1);
  r.stream = row.text(i, 2);
  r.version = static_cast<uint64_t>(row.integer(i, 3));
  r.kind = row.text(i, 4);
  r.schema = static_cast<uint32_t>(row.integer(i, 5));
  r.time = row.integer(i, 6);
  r.actor = row.text(i, 7);
  r.on_behalf_of = row.text(i, 8);
  r.cause = row.text(i, 9);
  r.sources = split_sources(row.text(i, 10));
  r.acl = row.text(i, 11);
  r.label = row.text(i, 12);
  r.body = row.text(i, 13);
  r.erased = row.integer(i, 14) != 0;
  r.salt = row.text(i, 15);
  r.body_digest = row.text(i, 16);
  r.digest = row.text(i, 17);
  return r;
}

std::vector<Record> records_of(const PgResult& rows, const Id& tenant) {
  std::vector<Record> out;
  out.reserve(static_cast<size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) out.push_back(record_of(rows, i, tenant));
  return out;
}

std::vector<BlobName> blob_names(const PgResult& rows) {
  std::vector<BlobName> out;
  for (int i = 0; i < rows.rows(); ++i) out.push_back({rows.text(i, 0), rows.text(i, 1)});
  return out;
}

}  // namespace

void PostgresScan::begin_snapshot() { connection_.run({"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}}); }
void PostgresScan::end_snapshot() { connection_.run({"COMMIT", {}}); }

// Asked apart from the records: joined, the planner would sort all that is left of the tenant for every page.
std::optional<int64_t> PostgresScan::number_of(const Id& tenant) {
  if (const auto it = numbers_.find(tenant); it != numbers_.end()) return it->second;
  const auto row = connection_.run({"SELECT number FROM steward.tenants WHERE id=$1", PgParams().add(tenant)});
  if (row.rows() == 0) return std::nullopt;
  return numbers_[tenant] = row.integer(0, 0);
}

std::vector<StoredHead> PostgresScan::heads() {
  const auto rows = connection_.run({"SELECT id, number, seq, digest FROM steward.tenants ORDER BY number", {}});
  std::vector<StoredHead> out;
  for (int i = 0; i < rows.rows(); ++i)
    out.push_back({rows.text(i, 0), rows.integer(i, 1), static_cast<Seq>(rows.integer(i, 2)), rows.text(i, 3)});
  return out;
}

std::vector<Record> PostgresScan::page(const Id& tenant, Seq after, size_t limit) {
  const auto number = number_of(tenant);
  if (!number || after > static_cast<Seq>(kLargestSeq)) return {};
  static const std::string sql = select(" FROM steward.records WHERE pos > $1 AND pos < $2 ORDER BY pos LIMIT $3");
  PgParams params;
  params.add(position(*number, after)).add(position(*number + 1, 0)).add(static_cast<int64_t>(limit));
  return records_of(connection_.run({sql, std::move(params)}), tenant);
}

std::vector<Record> PostgresScan::stream_page(const Id& tenant, std::string_view stream, uint64_t after_version,
                                              size_t limit) {
  const auto number = number_of(tenant);
  if (!number) return {};
  static const std::string sql = select(
      " FROM steward.records WHERE tenant=$1 AND stream=$2 AND version > $3 ORDER BY tenant, stream, version LIMIT $4");
  PgParams params;
  params.add(*number).add(stream).add(after_version).add(static_cast<int64_t>(limit));
  return records_of(connection_.run({sql, std::move(params)}), tenant);
}

std::optional<Record> PostgresScan::find(const Id& record_id) {
  static const std::string sql =
      select(", (SELECT t.id FROM steward.tenants t WHERE t.number = r.tenant) FROM steward.records r WHERE r.id=$1");
  const auto row = connection_.run({sql, PgParams().add(record_id)});
  if (row.rows() == 0) return std::nullopt;
  return record_of(row, 0, row.text(0, 18));
}

std::optional<std::string> PostgresScan::digest_at(const Id& tenant, Seq seq) {
  const auto number = number_of(tenant);
  if (!number) return std::nullopt;
  const auto row =
      connection_.run({"SELECT digest FROM steward.records WHERE pos=$1", PgParams().add(position(*number, seq))});
  if (row.rows() == 0) return std::nullopt;
  return row.text(0, 0);
}

std::vector<StoredRow> PostgresScan::rows(const Id& tenant, Seq after, size_t limit) {
  auto records = page(tenant, after, limit);
  if (records.empty()) return {};
  const Seq first = records.front().seq, last = records.back().seq;
  if (last - first + 1 != records.size()) throw DbError(0, "records are missing: run 'steward journal verify'");
  const int64_t number = *number_of(tenant), begin = position(number, first), end = position(number, last);
  std::vector<StoredRow> out;
  for (auto& record : records)
    out.push_back({std::move(record), record.erased ? Erasure::kPurged : Erasure::kNone, {}});
  const auto at = [&](int64_t pos) -> StoredRow& { return out[static_cast<size_t>(pos - begin)]; };
  const auto hidden = connection_.run(
      {"SELECT pos FROM steward.records WHERE pos BETWEEN $1 AND $2 AND erased=1", PgParams().add(begin).add(end)});
  for (int i = 0; i < hidden.rows(); ++i) at(hidden.integer(i, 0)).erasure = Erasure::kHidden;
  const auto blobs = connection_.run(
      {"SELECT pos, blob FROM steward.blob_refs WHERE pos BETWEEN $1 AND $2", PgParams().add(begin).add(end)});
  for (int i = 0; i < blobs.rows(); ++i) at(blobs.integer(i, 0)).blobs.push_back(blobs.text(i, 1));
  return out;
}

std::vector<BlobName> PostgresScan::named_blobs() {
  return blob_names(
      connection_.run({"SELECT DISTINCT t.id, b.blob FROM steward.blob_refs b JOIN steward.tenants t ON t.number = "
                       "b.tenant ORDER BY 1, 2",
                       {}}));
}

std::vector<BlobName> PostgresScan::doomed_blobs(bool unnamed) {
  return blob_names(connection_.run(
      {"SELECT t.id, d.blob FROM steward.doomed_blobs d JOIN steward.tenants t ON t.number = d.tenant WHERE $1 = 0 OR "
       "NOT EXISTS (SELECT 1 FROM steward.blob_refs r WHERE r.tenant = d.tenant AND r.blob = d.blob)",
       PgParams().add(int64_t{unnamed})}));
}

int64_t PostgresScan::meta(std::string_view key) {
  const auto row = connection_.run({"SELECT value FROM steward.meta WHERE key=$1", PgParams().add(key)});
  return row.rows() == 0 ? 0 : row.integer(0, 0);
}

bool PostgresScan::has_hidden() {
  return connection_
             .run({"SELECT EXISTS(SELECT 1 FROM steward.records WHERE erased=1) OR EXISTS(SELECT 1 FROM "
                   "steward.doomed_blobs)",
                   {}})
             .integer(0, 0) != 0;
}

// A constraint holds that a record's tenant is that of its position, and tenants are numbered from 1 without gaps.
std::string PostgresScan::self_check() {
  const auto row = connection_.run(
      {"SELECT EXISTS(SELECT 1 FROM steward.records WHERE pos < (1::int8 << 40)) OR EXISTS(SELECT 1 FROM "
       "steward.records WHERE pos > (SELECT coalesce(max(number), 0) + 1 FROM steward.tenants) << 40) OR (SELECT "
       "coalesce(max(number), 0) != count(*) FROM steward.tenants)",
       {}});
  return row.integer(0, 0) == 0 ? "" : "there are records of no tenant";
}

}  // namespace steward::journal
