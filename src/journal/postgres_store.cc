#include "journal/postgres_store.h"

#include <fmt/format.h>

#include "journal/digest.h"
#include "journal/postgres_schema.h"
#include "journal/schema.h"

namespace steward::journal {
namespace {

constexpr int kTries = 4;                              // of a group that failed to serialise
constexpr size_t kRowsAtOnceBytes = size_t{16} << 20;  // bodies of one INSERT; a larger group takes several

}  // namespace

PgRows::PgRows() {
  using Of = PgArray::Of;
  for (const auto of : {Of::kInteger, Of::kInteger, Of::kText, Of::kText, Of::kInteger, Of::kText, Of::kInteger,
                        Of::kInteger, Of::kText, Of::kText, Of::kText, Of::kText, Of::kText, Of::kText, Of::kBytes,
                        Of::kInteger, Of::kBytes, Of::kBytes, Of::kBytes})
    columns_.emplace_back(of);
  for (const auto of : {Of::kText, Of::kInteger}) sources_.emplace_back(of);
  for (const auto of : {Of::kInteger, Of::kText, Of::kInteger}) blobs_.emplace_back(of);
}

void PgRows::add(int64_t tenant_number, const Record& r, const std::vector<std::string>& blobs, Erasure erasure) {
  const int64_t pos = position(tenant_number, r.seq);
  size_t at = 0;
  const auto text = [&](std::string_view value) { columns_[at++].add(value); };
  const auto integer = [&](int64_t value) { columns_[at++].add(value); };
  const auto kept = [&](std::string_view value) {
    if (erasure == Erasure::kNone)
      columns_[at++].add(value);
    else
      columns_[at++].add_null();
  };
  integer(pos), integer(tenant_number), text(r.id), text(r.stream), integer(static_cast<int64_t>(r.version));
  text(r.kind), integer(r.schema), integer(r.time), text(r.actor), text(r.on_behalf_of), text(r.cause);
  text(join_sources(r.sources)), text(r.acl), text(r.label), kept(r.body), integer(static_cast<int64_t>(erasure));
  kept(r.salt), text(r.body_digest), text(r.digest);
  ++count_;
  for (const auto& source : r.sources) sources_[0].add(source), sources_[1].add(pos), ++source_count_;
  for (const auto& blob : blobs) blobs_[0].add(tenant_number), blobs_[1].add(blob), blobs_[2].add(pos), ++blob_count_;
}

std::vector<PgQuery> PgRows::take() {
  static constexpr std::string_view kRecords =
      "INSERT INTO steward.records SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::int8[], "
      "$6::text[], $7::int8[], $8::int8[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], "
      "$14::text[], "
      "$15::bytea[], $16::int8[], $17::bytea[], $18::bytea[], $19::bytea[])";
  static constexpr std::string_view kSources =
      "INSERT INTO steward.sources SELECT * FROM unnest($1::text[], $2::int8[]) ON CONFLICT DO NOTHING";
  static constexpr std::string_view kBlobs =
      "INSERT INTO steward.blob_refs SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[]) ON CONFLICT DO NOTHING";
  std::vector<PgQuery> out;
  const auto statement = [&](std::string_view sql, const std::vector<PgArray>& columns) {
    PgQuery query{sql, {}};
    for (const auto& column : columns) column.add_to(query.params);
    out.push_back(std::move(query));
  };
  statement(kRecords, columns_);
  if (source_count_ > 0) statement(kSources, sources_);
  if (blob_count_ > 0) statement(kBlobs, blobs_);
  *this = PgRows();
  return out;
}

void PostgresStore::begin() {
  if (!connection_) throw DbError(0, "PostgreSQL is not connected");
  in_group_ = true;
  group_.clear();
  sent_ = 0;
  locked_.clear();
  rows_ = PgRows();
  change({"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", {}});
  change({"SELECT steward.hold($1, $2)", PgParams().add(epoch_).add(int64_t{lease_.count()})});
}

void PostgresStore::change(PgQuery query) {
  gather_rows();  // in the order in which they were asked for
  group_.push_back(std::move(query));
}

void PostgresStore::gather_rows() {
  if (rows_.empty()) return;
  for (auto& query : rows_.take()) group_.push_back(std::move(query));
}

std::optional<PgResult> PostgresStore::send(const PgQuery* question) {
  if (!connection_) throw DbError(0, "PostgreSQL is not connected");
  if (in_group_) gather_rows();
  for (int tries = 1;; ++tries) {
    try {
      for (; in_group_ && sent_ < group_.size(); ++sent_) connection_->queue(group_[sent_]);
      if (question) connection_->queue(*question);
      auto results = connection_->sync();
      if (!question) return std::nullopt;
      return std::move(results.back());
    } catch (const PgError& e) {
      if (e.lost) drop();
      if (e.lost || !in_group_ || !e.is_retryable() || tries == kTries) throw;
      connection_->run({"ROLLBACK", {}});
      sent_ = 0;
    }
  }
}

void PostgresStore::commit(const std::vector<StoredHead>& changed) {
  for (const auto& head : changed) {
    change({"UPDATE steward.tenants SET seq=$2, digest=$3 WHERE number=$1",
            PgParams().add(head.number).add(head.seq).add_bytes(head.digest)});
  }
  change({"COMMIT", {}});
  try {
    send(nullptr);
  } catch (const PgError& e) {
    if (e.lost) throw CommitUnknown(e.code, e.what());
    throw;
  }
  in_group_ = false;
  group_.clear();
}

void PostgresStore::rollback() noexcept {
  group_.clear();
  rows_ = PgRows();
  if (!in_group_) return;
  in_group_ = false;
  if (!connection_) return;
  try {
    connection_->run({"ROLLBACK", {}});  // a warning if the group never began
  } catch (const DbError&) {
    drop();
  }
}

// An empty group: the server is there, writes, and the lease is ours. A lost lease closes the connection, so that the
// next try takes it anew.
void PostgresStore::probe() {
  try {
    begin();
    commit({});
  } catch (const PgError& e) {
    rollback();
    if (e.sqlstate == kLeaseLost || e.sqlstate == "25006") drop();
    throw;
  }
}

std::optional<StoredHead> PostgresStore::find_head(const Id& tenant) {
  const auto row = ask({"SELECT number, seq, digest FROM steward.tenants WHERE id=$1", PgParams().add(tenant)});
  if (row.rows() == 0) return std::nullopt;
  return StoredHead{tenant, row.integer(0, 0), static_cast<Seq>(row.integer(0, 1)), row.text(0, 2)};
}

// The number is chosen here, not by the database: a group that is sent again must give the same.
StoredHead PostgresStore::add_tenant(const Id& tenant) {
  const auto row = ask({"SELECT coalesce(max(number), 0) + 1 FROM steward.tenants", {}});
  StoredHead head{tenant, row.integer(0, 0), 0, ChainHasher::first_previous()};
  change({"INSERT INTO steward.tenants(number, id, seq, digest) VALUES($1, $2, 0, $3)",
          PgParams().add(head.number).add(tenant).add_bytes(head.digest)});
  return head;
}

// One round trip for a whole command. The inner max() is a look at the end of an index.
Store::Known PostgresStore::look_up(int64_t tenant_number, const std::vector<std::string>& streams,
                                    const std::vector<Id>& record_ids) {
  static constexpr std::string_view kSql =
      "SELECT 0::int8, s.at, coalesce((SELECT max(version) FROM steward.records r WHERE r.tenant=$1 AND "
      "r.stream=s.name), "
      "0), NULL::text FROM unnest($2::text[]) WITH ORDINALITY AS s(name, at) "
      "UNION ALL SELECT 1::int8, 0::int8, 0::int8, id FROM steward.records WHERE id = ANY($3::text[])";
  PgArray names(PgArray::Of::kText), ids(PgArray::Of::kText);
  for (const auto& stream : streams) names.add(stream);
  for (const auto& id : record_ids) ids.add(id);
  PgQuery query{kSql, PgParams().add(tenant_number)};
  names.add_to(query.params);
  ids.add_to(query.params);
  const auto found = ask(query);
  Known known{std::vector<uint64_t>(streams.size()), ""};
  for (int i = 0; i < found.rows(); ++i) {
    if (found.integer(i, 0) == 1)
      known.record = found.text(i, 3);
    else
      known.versions[static_cast<size_t>(found.integer(i, 1) - 1)] = static_cast<uint64_t>(found.integer(i, 2));
  }
  return known;
}

void PostgresStore::insert(const StoredHead& head, const Record& record, const std::vector<std::string>& blobs,
                           Erasure erasure) {
  if (locked_.insert(head.number).second) {
    change({"SELECT steward.take_head($1, $2, $3)", PgParams().add(head.number).add(head.seq).add_bytes(head.digest)});
  }
  rows_.add(head.number, record, blobs, erasure);
  if (rows_.bytes() >= kRowsAtOnceBytes) send(nullptr);
}

namespace {

std::vector<Store::Found> found_rows(const PgResult& rows) {
  std::vector<Store::Found> out;
  for (int i = 0; i < rows.rows(); ++i)
    out.push_back({rows.text(i, 0), static_cast<Seq>(rows.integer(i, 1)), rows.text(i, 2), rows.integer(i, 3) != 0});
  return out;
}

}  // namespace

std::vector<Store::Found> PostgresStore::by_id(int64_t tenant_number, const Id& id) {
  return found_rows(ask({"SELECT id, pos & 1099511627775, kind, erased FROM steward.records WHERE id=$1 AND tenant=$2",
                         PgParams().add(id).add(tenant_number)}));
}

std::vector<Store::Found> PostgresStore::by_source(int64_t tenant_number, const Id& source) {
  return found_rows(ask(
      {"SELECT r.id, r.pos & 1099511627775, r.kind, r.erased FROM steward.sources s JOIN steward.records r ON r.pos "
       "= s.pos WHERE s.source=$1 AND r.tenant=$2 ORDER BY r.pos",
       PgParams().add(source).add(tenant_number)}));
}

void PostgresStore::tombstone(int64_t tenant_number, Seq seq) {
  const int64_t pos = position(tenant_number, seq);
  change({"UPDATE steward.records SET body=NULL, salt=NULL, erased=1 WHERE pos=$1 AND erased=0", PgParams().add(pos)});
  change(
      {"INSERT INTO steward.doomed_blobs SELECT tenant, blob FROM steward.blob_refs WHERE pos=$1 ON CONFLICT DO "
       "NOTHING",
       PgParams().add(pos)});
  change({"DELETE FROM steward.blob_refs WHERE pos=$1", PgParams().add(pos)});
}

void PostgresStore::doom_blob(int64_t tenant_number, std::string_view blob) {
  change({"INSERT INTO steward.doomed_blobs VALUES($1, $2) ON CONFLICT DO NOTHING",
          PgParams().add(tenant_number).add(blob)});
}

void PostgresStore::set_meta(std::string_view key, int64_t value) {
  change({"INSERT INTO steward.meta VALUES($1, $2) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
          PgParams().add(key).add(value)});
}

}  // namespace steward::journal
