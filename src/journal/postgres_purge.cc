// Purging in PostgreSQL: from hidden to gone from the files of this server.
//
// An UPDATE leaves the old row in its page until the table is rewritten (VACUUM FULL), and in the write-ahead log until
// its segments are gone. A snapshot from before the erasure would carry the old row into the rewritten table, so there
// must be none. Old segments are removed or renamed for use again; those that were renamed hold old bytes until they
// are filled, so each is filled (pg_switch_wal pads with zeros). What archives, standbys and base backups keep is
// theirs to end: docs/storage.md.
#include <fmt/format.h>

#include <thread>

#include "journal/postgres_store.h"

namespace steward::journal {
namespace {

constexpr std::chrono::hours kRewriteWithin{4};
constexpr std::chrono::seconds kSnapshotsEndWithin{5};
constexpr int64_t kMostSegments = 256;  // 4 GiB of zeros at 16 MiB each; a server that keeps more is told of

std::unexpected<Error> not_yet(std::string why) { return fail(ErrorCode::kStoreUnavailable, std::move(why)); }

}  // namespace

Status PostgresStore::clean() {
  try {
    if (auto s = rewrite_tables(); !s) return s;
    return recycle_log();
  } catch (const PgError& e) {
    if (e.lost) drop();
    if (e.sqlstate == "42501") {
      return not_yet(
          fmt::format("The erased content stays hidden but is not purged: the role may not clean the write-ahead log "
                      "({}). Grant it pg_checkpoint and pg_monitor (or superuser), and EXECUTE on pg_switch_wal().",
                      e.what()));
    }
    return not_yet(fmt::format("The purge is tried again: {}", e.what()));
  }
}

// Who holds a snapshot from before `since` (a transaction's number); empty: nobody.
std::string PostgresStore::old_snapshot(int64_t since) {
  static constexpr std::string_view kSql =
      "WITH mark AS (SELECT age(($1::int8 % 4294967296)::text::xid) AS age) "
      "SELECT format('session %s (%s)', pid, coalesce(application_name, 'unknown')) FROM pg_stat_activity, mark WHERE "
      "datname = current_database() AND pid != pg_backend_pid() AND backend_type = 'client backend' AND "
      "((backend_xmin IS NOT NULL AND age(backend_xmin) > mark.age) OR (backend_xid IS NOT NULL AND age(backend_xid) > "
      "mark.age)) "
      "UNION ALL SELECT format('replication slot %s', slot_name) FROM pg_replication_slots, mark WHERE xmin IS NOT "
      "NULL "
      "AND age(xmin) > mark.age "
      "UNION ALL SELECT format('prepared transaction %s', gid) FROM pg_prepared_xacts, mark WHERE age(transaction) > "
      "mark.age "
      "UNION ALL SELECT format('session %s, which this role may not look at (grant it pg_monitor)', pid) FROM "
      "pg_stat_activity WHERE datname = current_database() AND state IS NULL AND backend_type IS NULL LIMIT 1";
  const auto found = connection_->run({kSql, PgParams().add(since)});
  return found.rows() == 0 ? "" : found.text(0, 0);
}

// What ANALYZE wrote down of bodies before the tables said that it must not.
void PostgresStore::drop_samples() {
  static constexpr std::string_view kSampled =
      "SELECT count(*) FROM pg_attribute WHERE attrelid = 'steward.records'::regclass AND attname IN ('body', 'salt') "
      "AND attstattarget IS DISTINCT FROM 0";
  if (connection_->run({kSampled, {}}).integer(0, 0) == 0) return;
  // A column's samples go with its type, even where that stays the same.
  connection_->run_alone(
      "ALTER TABLE steward.records ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN salt SET STATISTICS 0, "
      "ALTER COLUMN body TYPE bytea, ALTER COLUMN salt TYPE bytea",
      kRewriteWithin);
  connection_->run_alone("VACUUM FULL pg_catalog.pg_statistic", kRewriteWithin);
}

Status PostgresStore::rewrite_tables() {
  const int64_t now = connection_->run({"SELECT pg_current_xact_id()::text::int8", {}}).integer(0, 0);
  const auto give_up = std::chrono::steady_clock::now() + kSnapshotsEndWithin;
  for (std::string holder; !(holder = old_snapshot(now)).empty();) {
    if (std::chrono::steady_clock::now() > give_up)
      return not_yet(
          fmt::format("A long transaction still sees what was erased ({}); the purge is tried again.", holder));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::string timeout = connection_->setting("statement_timeout");
  connection_->run({"SELECT set_config('statement_timeout', '0', false)", {}});
  // Nobody renews the lease meanwhile; should this session end, its advisory lock is free all the same.
  const auto lease_for = [&](std::chrono::milliseconds time) {
    connection_->run(
        {"UPDATE steward.lease SET expires = clock_timestamp() + $2 * interval '1 millisecond' WHERE epoch=$1",
         PgParams().add(epoch_).add(int64_t{time.count()})});
  };
  lease_for(kRewriteWithin);
  drop_samples();
  for (const char* table : {"records", "sources", "blob_refs"})
    connection_->run_alone(fmt::format("VACUUM FULL steward.{}", table), kRewriteWithin);
  connection_->run({"SELECT set_config('statement_timeout', $1, false)", PgParams().add(timeout)});
  probe();
  lease_for(lease_);
  return {};
}

Status PostgresStore::recycle_log() {
  const auto segment = [&] {
    return connection_->run({"SELECT pg_walfile_name(pg_current_wal_insert_lsn())", {}}).text(0, 0);
  };
  const auto count = [&](std::string_view sql, const std::string& name) {
    return connection_->run({sql, PgParams().add(name)}).integer(0, 0);
  };
  static constexpr std::string_view kAhead =
      "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name > $1";
  static constexpr std::string_view kBehind =
      "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND name <= $1";
  const std::string erased_in = segment();
  const auto step = [&] {
    connection_->run({"SELECT pg_logical_emit_message(false, 'steward', 'purge')", {}});
    connection_->run({"SELECT pg_switch_wal()", {}});
  };
  step();
  connection_->run_alone("CHECKPOINT", kRewriteWithin);
  const int64_t ahead = count(kAhead, segment());
  if (ahead > kMostSegments)
    return not_yet(fmt::format("PostgreSQL keeps {} log segments to use again; lower min_wal_size.", ahead));
  for (int64_t i = 0; i <= ahead; ++i) step();
  connection_->run_alone("CHECKPOINT", kRewriteWithin);
  if (count(kBehind, erased_in) == 0) return {};
  return not_yet(
      "PostgreSQL still keeps log segments from before the erasure (an archive that is behind, a replication slot, or "
      "wal_keep_size); the purge is tried again.");
}

size_t PostgresStore::mark_purged() {
  begin();
  change({"DELETE FROM steward.doomed_blobs", {}});
  const auto purged = ask({"SELECT count(*) FROM steward.records WHERE erased=1", {}}).integer(0, 0);
  change({"UPDATE steward.records SET erased=2 WHERE erased=1", {}});
  commit({});
  return static_cast<size_t>(purged);
}

}  // namespace steward::journal
