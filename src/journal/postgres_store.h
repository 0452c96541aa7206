// The store in PostgreSQL. Inside the journal floor only.
//
// A group is one pipeline: BEGIN, the lease, each tenant's head row under SELECT … FOR UPDATE, all records as one
// INSERT of arrays, the new heads, COMMIT. It is sent at once, or with the first lookup that has to be answered; so a
// group costs one or few round trips, whatever it holds. COMMIT returns when the WAL is on disk (synchronous_commit),
// hence *written* is *durable*.
//
// One server writes: `lease` has a holder and an epoch that every taking raises, and every group checks it under a lock
// that lasts to the commit. So a zombie with an old epoch can't commit, and a taker waits for a commit under way. The
// holder's session also keeps an advisory lock numbered by the epoch: when that is free, the session is gone, and
// nobody needs to wait for the lease to expire (by the database's clock).
//
// Serialisation failures and deadlocks send the whole group again. A connection lost in COMMIT is CommitUnknown.
#pragma once
#include <optional>
#include <unordered_set>

#include "journal/postgres_connection.h"
#include "journal/store.h"

namespace steward::journal {

class PostgresScan final : public Scan {
 public:
  explicit PostgresScan(PgConnection& connection) : connection_(connection) {}
  explicit PostgresScan(std::unique_ptr<PgConnection> own) : own_(std::move(own)), connection_(*own_) {}

  void begin_snapshot() override;
  void end_snapshot() override;
  std::vector<StoredHead> heads() override;
  std::vector<Record> page(const Id& tenant, Seq after, size_t limit) override;
  std::vector<Record> stream_page(const Id& tenant, std::string_view stream, uint64_t after_version,
                                  size_t limit) override;
  std::optional<Record> find(const Id& record_id) override;
  std::optional<std::string> digest_at(const Id& tenant, Seq seq) override;
  std::vector<StoredRow> rows(const Id& tenant, Seq after, size_t limit) override;
  std::vector<BlobName> named_blobs() override;
  std::vector<BlobName> doomed_blobs(bool unnamed) override;
  int64_t meta(std::string_view key) override;
  bool has_hidden() override;
  std::string self_check() override;

 private:
  std::optional<int64_t> number_of(const Id& tenant);
  std::unique_ptr<PgConnection> own_;
  PgConnection& connection_;
  std::map<Id, int64_t> numbers_;
};

// A read-only session. Throws PgError.
std::unique_ptr<Scan> open_postgres_scan(const std::string& url, const std::string& password);
Result<StoreInfo> look_at_postgres(const std::string& url, const std::string& password);

// The columns of many rows, sent as arrays in one statement.
class PgRows {
 public:
  PgRows();
  void add(int64_t tenant_number, const Record& record, const std::vector<std::string>& blobs, Erasure erasure);
  bool empty() const { return count_ == 0; }
  size_t bytes() const { return columns_[14].bytes(); }
  std::vector<PgQuery> take();  // and begins anew

 private:
  size_t count_ = 0;
  std::vector<PgArray> columns_, sources_, blobs_;
  size_t source_count_ = 0, blob_count_ = 0;
};

class PostgresStore final : public Store {
 public:
  PostgresStore(const std::filesystem::path& home, const PostgresOptions& options);

  void open() override;
  void close() override;
  bool is_open() const override { return connection_ != nullptr; }
  StoreInfo info() const override { return info_; }
  Scan& scan() override { return *scan_; }
  std::unique_ptr<Scan> open_scan() const override { return open_postgres_scan(url_, password_); }

  void begin() override;
  void commit(const std::vector<StoredHead>& changed) override;
  void rollback() noexcept override;
  void probe() override;
  std::optional<StoredHead> find_head(const Id& tenant) override;
  StoredHead add_tenant(const Id& tenant) override;
  Known look_up(int64_t tenant_number, const std::vector<std::string>& streams,
                const std::vector<Id>& record_ids) override;
  void insert(const StoredHead& head, const Record& record, const std::vector<std::string>& blobs,
              Erasure erasure) override;
  std::vector<Found> by_id(int64_t tenant_number, const Id& id) override;
  std::vector<Found> by_source(int64_t tenant_number, const Id& source) override;
  void tombstone(int64_t tenant_number, Seq seq) override;
  void doom_blob(int64_t tenant_number, std::string_view blob) override;
  void set_meta(std::string_view key, int64_t value) override;
  Status clean() override;
  size_t mark_purged() override;
  std::filesystem::path log_file() const override { return {}; }
  Status make_durable() override { return {}; }
  std::chrono::milliseconds hold_every() const override { return lease_ / 5; }
  void hold() override { probe(); }
  std::chrono::milliseconds longest_pause() const override { return std::chrono::milliseconds(2'000); }

 private:
  void connect();
  void make_tables();
  void end_lost_session();
  void take_lease();
  void drop();  // the connection, without a word
  // Sends what the group has gathered, and `question`, whose answer it returns. Outside a group only the question.
  std::optional<PgResult> send(const PgQuery* question);
  PgResult ask(const PgQuery& question) { return *send(&question); }
  void change(PgQuery query);
  void gather_rows();
  Status rewrite_tables();
  void drop_samples();
  std::string old_snapshot(int64_t since);
  Status recycle_log();

  std::string url_, password_, holder_;
  std::chrono::milliseconds lease_;
  std::unique_ptr<PgConnection> connection_;
  std::optional<PostgresScan> scan_;
  StoreInfo info_;
  int64_t epoch_ = 0;
  bool in_group_ = false;
  std::vector<PgQuery> group_;  // all changes of the open group, so that it can be sent again
  size_t sent_ = 0;             // of them
  PgRows rows_;
  std::unordered_set<int64_t> locked_;  // tenants whose head row the group holds
};

}  // namespace steward::journal
