// The store in the home: journal.db, SQLite with a write-ahead log. Inside the journal floor only.
//
// COMMIT is *written*; the syncer makes it durable by syncing the -wal file. The home's lock (home.h) keeps other
// writers out, so there is no lease.
#pragma once
#include "journal/schema.h"
#include "journal/store.h"

namespace steward::journal {

class SqliteScan final : public Scan {
 public:
  explicit SqliteScan(Db& db) : db_(db) {}
  // Owns a read-only connection.
  explicit SqliteScan(const std::filesystem::path& path)
      : own_(open_journal_db(path, Db::Mode::kReadOnly)), db_(*own_) {}

  void begin_snapshot() override { db_.execute("BEGIN"); }
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
  std::optional<Db> own_;
  Db& db_;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::filesystem::path path, const char* vfs) : path_(std::move(path)), vfs_(vfs) {}

  void open() override;
  void close() override;
  bool is_open() const override { return db_.has_value(); }
  StoreInfo info() const override;
  Scan& scan() override { return *scan_; }
  std::unique_ptr<Scan> open_scan() const override { return std::make_unique<SqliteScan>(path_); }

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
  std::filesystem::path log_file() const override { return path_.string() + "-wal"; }
  Status make_durable() override;
  std::chrono::milliseconds longest_pause() const override { return std::chrono::milliseconds(500); }

 private:
  std::filesystem::path path_;
  const char* vfs_;
  std::optional<Db> db_;
  std::optional<SqliteScan> scan_;
  bool in_group_ = false;
};

}  // namespace steward::journal
