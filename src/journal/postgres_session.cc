// The writer's session: connecting, the tables, the lease.
#include <fmt/format.h>
#include <unistd.h>

#include "journal/home.h"
#include "journal/postgres_schema.h"
#include "journal/postgres_store.h"

namespace steward::journal {
namespace {

constexpr std::chrono::seconds kTablesWithin{60};
constexpr std::chrono::seconds kSessionEndsWithin{2};  // a killed server's session, from its machine to the database
constexpr std::chrono::milliseconds kLookEvery{50};
constexpr int64_t kEpochsOfLocks = int64_t{1} << 31;  // the advisory lock's second number is an int4

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown host";
}

void check_server(PgConnection& connection) {
  if (connection.server_version() < 120'000) throw DbError(0, "The journal needs PostgreSQL 12 or newer.");
  if (connection.setting("server_encoding") != "UTF8")
    throw DbError(0, "The database's encoding must be UTF8: make it with CREATE DATABASE … ENCODING 'UTF8'.");
}

void check_writable(PgConnection& connection) {
  const auto row = connection.run({"SELECT pg_is_in_recovery()", {}});
  if (row.integer(0, 0) == 0 && connection.setting("transaction_read_only") != "on") return;
  throw DbError(0, fmt::format("PostgreSQL at {} is a read-only standby (or default_transaction_read_only is on): name "
                               "the primary, or several hosts and target_session_attrs=read-write.",
                               connection.where()));
}

std::vector<std::string> warnings_about(PgConnection& connection) {
  std::vector<std::string> out;
  if (connection.setting("fsync") == "off")
    out.emplace_back("PostgreSQL runs with fsync=off: a power cut can lose or corrupt what was acknowledged.");
  if (connection.setting("full_page_writes") == "off")
    out.emplace_back("PostgreSQL runs with full_page_writes=off: a power cut can tear its pages.");
  return out;
}

// What nobody has set gets a bound, so that a lock that somebody else holds fails a group instead of stalling it.
void bound_waits(PgConnection& connection) {
  for (const auto& [name, value] : {std::pair{"lock_timeout", "10s"},
                                    {"statement_timeout", "30s"},
                                    {"idle_in_transaction_session_timeout", "60s"}}) {
    if (connection.setting(name) == "0")
      connection.run({"SELECT set_config($1, $2, false)", PgParams().add(name).add(value)});
  }
}

// So that the database notices within half a minute that this machine is gone, and lets go of the advisory lock.
void notice_dead_peers(PgConnection& connection) {
  for (const auto& [name, value] :
       {std::pair{"tcp_keepalives_idle", "10"}, {"tcp_keepalives_interval", "5"}, {"tcp_keepalives_count", "3"}}) {
    connection.run({"SELECT set_config($1, $2, false)", PgParams().add(name).add(value)});
  }
}

StoreInfo info_of(PgConnection& connection) {
  return {.kind = "postgresql",
          .version = connection.setting("server_version"),
          .where = connection.where(),
          .warnings = warnings_about(connection)};
}

}  // namespace

PostgresStore::PostgresStore(const std::filesystem::path& home, const PostgresOptions& options)
    : url_(options.url),
      password_(options.password),
      holder_(fmt::format("{} process {} (home {})", host_name(), ::getpid(), home.string())),
      lease_(options.lease) {}

void PostgresStore::open() {
  drop();
  in_group_ = false;
  group_.clear();
  connect();
  try {
    make_tables();
    end_lost_session();
    take_lease();
  } catch (...) {
    drop();
    throw;
  }
}

void PostgresStore::connect() {
  auto connection = std::make_unique<PgConnection>(url_, password_, "steward journal writer");
  check_server(*connection);
  check_writable(*connection);
  bound_waits(*connection);
  notice_dead_peers(*connection);
  info_ = info_of(*connection);
  if (connection->setting("synchronous_commit") == "off") {
    connection->run({"SELECT set_config('synchronous_commit', 'on', false)", {}});
    info_.warnings.emplace_back(
        "PostgreSQL runs with synchronous_commit=off; Steward turns it on for its own session.");
  }
  connection_ = std::move(connection);
  scan_.emplace(*connection_);
}

void PostgresStore::make_tables() {
  const auto known = connection_->run({"SELECT to_regclass('steward.meta') IS NOT NULL", {}});
  if (known.integer(0, 0) == 0) {
    try {
      connection_->run_alone(
          fmt::format("BEGIN; SELECT pg_advisory_xact_lock({}, 0); {} COMMIT;", kLockClass, postgres_tables()),
          kTablesWithin);
    } catch (const PgError& e) {
      if (!e.lost) connection_->run_alone("ROLLBACK", kTablesWithin);
      if (e.sqlstate != "42P07" && e.sqlstate != "42P06")  // somebody else made them meanwhile
        throw PgError(fmt::format("The tables can't be made in PostgreSQL ({}). The role needs CREATE on the database.",
                                  e.what()),
                      e.sqlstate, e.lost);
    }
  }
  if (scan_->meta("schema_version") > kPostgresSchemaVersion) {
    throw DbError(0, fmt::format("The journal was written by a newer Steward (its tables have version {}, this program "
                                 "knows {}): use that release or restore a backup.",
                                 scan_->meta("schema_version"), kPostgresSchemaVersion));
  }
}

// A session of ours that the database still believes in (the network broke on one side) may hold the lease's row: what
// holds the advisory lock of our own epoch is ended. A COMMIT under way there is made or not before the row is free.
void PostgresStore::end_lost_session() {
  if (epoch_ == 0) return;
  connection_->run(
      {"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid::int8 = $1 AND "
       "objid::int8 = $2 AND pid != pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = "
       "current_database())",
       PgParams().add(int64_t{kLockClass}).add(epoch_ % kEpochsOfLocks)});
}

// Ours already (the same epoch): the connection was lost, and nobody came between. Another's: free once its session is
// gone or the lease has run out. The epoch rises every time, so that what an old session still has on its way is
// refused.
void PostgresStore::take_lease() {
  const auto give_up = std::chrono::steady_clock::now() + kSessionEndsWithin;
  for (;;) {
    connection_->queue({"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", {}});
    const auto row = connection_->run(
        {"SELECT epoch, holder, expires < clock_timestamp(), CASE WHEN isfinite(expires) THEN ceil(extract(epoch FROM "
         "expires - clock_timestamp()))::int8 ELSE 0 END FROM steward.lease FOR UPDATE",
         {}});
    const int64_t epoch = row.integer(0, 0);
    const bool mine = epoch_ != 0 && epoch == epoch_, expired = row.integer(0, 2) != 0;
    const auto lock = [&](std::string_view sql, int64_t of) {
      return connection_->run({sql, PgParams().add(int64_t{kLockClass}).add(of % kEpochsOfLocks)});
    };
    if (mine || expired || epoch == 0 ||
        lock("SELECT pg_try_advisory_xact_lock($1::int4, $2::int4)", epoch).integer(0, 0) != 0) {
      connection_->queue(
          {"UPDATE steward.lease SET holder=$1, epoch=$2, expires=clock_timestamp() + $3 * interval '1 "
           "millisecond'",
           PgParams().add(holder_).add(epoch + 1).add(int64_t{lease_.count()})});
      lock("SELECT pg_try_advisory_lock($1::int4, $2::int4)", epoch + 1);
      connection_->run({"COMMIT", {}});
      epoch_ = epoch + 1;
      info_.epoch = static_cast<uint64_t>(epoch_);
      info_.holder = holder_;
      return;
    }
    connection_->run({"ROLLBACK", {}});
    if (std::chrono::steady_clock::now() > give_up) {
      throw LeaseHeld(0, fmt::format("The journal at {} is in use by {}: stop that server first. (If it is gone, its "
                                     "lease runs out in {} s.)",
                                     connection_->where(), row.text(0, 1), std::max<int64_t>(0, row.integer(0, 3))));
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

// An orderly end: the lease is given back, and the next server need not wait.
void PostgresStore::close() {
  try {
    if (connection_ && epoch_ != 0) {
      connection_->run(
          {"UPDATE steward.lease SET expires = '-infinity', holder = '' WHERE epoch = $1", PgParams().add(epoch_)});
    }
  } catch (const DbError&) {  // it runs out by itself
  }
  drop();
}

void PostgresStore::drop() {
  scan_.reset();
  connection_.reset();
}

std::unique_ptr<Scan> open_postgres_scan(const std::string& url, const std::string& password) {
  auto connection = std::make_unique<PgConnection>(url, password, "steward journal reader");
  check_server(*connection);
  bound_waits(*connection);
  connection->run({"SELECT set_config('default_transaction_read_only', 'on', false)", {}});
  if (connection->run({"SELECT to_regclass('steward.meta') IS NOT NULL", {}}).integer(0, 0) == 0)
    throw DbError(0, fmt::format("There is no journal in PostgreSQL at {}.", connection->where()));
  return std::make_unique<PostgresScan>(std::move(connection));
}

Result<StoreInfo> look_at_postgres(const std::string& url, const std::string& password) {
  try {
    PgConnection connection(url, password, "steward doctor");
    check_server(connection);
    StoreInfo info = info_of(connection);
    if (connection.setting("synchronous_commit") == "off")
      info.warnings.emplace_back(
          "PostgreSQL runs with synchronous_commit=off; Steward turns it on for its own session.");
    if (connection.run({"SELECT pg_is_in_recovery()", {}}).integer(0, 0) != 0)
      info.warnings.emplace_back("It is a read-only standby: Steward can't write there.");
    if (connection.run({"SELECT to_regclass('steward.lease') IS NOT NULL", {}}).integer(0, 0) == 0) return info;
    const auto lease = connection.run({"SELECT epoch, holder FROM steward.lease", {}});
    info.epoch = static_cast<uint64_t>(lease.integer(0, 0));
    info.holder = lease.text(0, 1);
    return info;
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, e.what());
  }
}

}  // namespace steward::journal
