// A store: where the journal's rows lie. The journal (store_journal.h) decides, numbers and chains; a store keeps what
// it is given, whole or not at all. Two are there: SQLite in the home, and PostgreSQL. Inside the journal floor only;
// the writer thread alone.
//
// begin … insert, tombstone, set_meta … commit is one group. A store may hold changes back until commit, but every
// lookup sees those made before it. DbError means that the group can't be kept: roll it back. CommitUnknown is the one
// case where it may be there all the same: ask again once the store is open.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "journal/scan.h"
#include "journal/stored_journal.h"

namespace steward::journal {

struct CommitUnknown : DbError {
  using DbError::DbError;
};
// Another server writes this journal; the message names it.
struct LeaseHeld : DbError {
  using DbError::DbError;
};

class Store {
 public:
  struct Found {
    Id id;
    Seq seq;
    std::string kind;
    bool erased;
  };
  struct Known {
    std::vector<uint64_t> versions;  // of the streams asked about; 0 for one without records
    Id record;                       // one of the ids that a record has already; empty: none has
  };

  virtual ~Store() = default;
  // Opens for writing, makes or migrates the tables, and holds the journal against other writers. Again after a
  // failure: everything that was open before is given up.
  virtual void open() = 0;
  virtual void close() = 0;  // idempotent
  virtual bool is_open() const = 0;
  virtual StoreInfo info() const = 0;
  virtual Scan& scan() = 0;                             // the writer's own connection
  virtual std::unique_ptr<Scan> open_scan() const = 0;  // another, for any thread

  virtual void begin() = 0;
  virtual void commit(const std::vector<StoredHead>& changed) = 0;
  virtual void rollback() noexcept = 0;
  virtual void probe() = 0;  // a small write of its own: throws while the store refuses

  virtual std::optional<StoredHead> find_head(const Id& tenant) = 0;
  virtual StoredHead add_tenant(const Id& tenant) = 0;  // inside a group
  virtual Known look_up(int64_t tenant_number, const std::vector<std::string>& streams,
                        const std::vector<Id>& record_ids) = 0;
  // `head` is the tenant's before this record.
  virtual void insert(const StoredHead& head, const Record& record, const std::vector<std::string>& blobs,
                      Erasure erasure) = 0;

  // Erasure (erasure.h): what bears an id, what was drawn from it; body, salt and blob references of a record go.
  virtual std::vector<Found> by_id(int64_t tenant_number, const Id& id) = 0;
  virtual std::vector<Found> by_source(int64_t tenant_number, const Id& source) = 0;
  virtual void tombstone(int64_t tenant_number, Seq seq) = 0;
  virtual void doom_blob(int64_t tenant_number, std::string_view blob) = 0;
  virtual void set_meta(std::string_view key, int64_t value) = 0;
  // Outside any group. clean() returns when no file of the store holds what was erased before the call.
  virtual Status clean() = 0;
  virtual size_t mark_purged() = 0;  // answers how many records became purged

  // The file whose sync makes a commit durable; empty where commit returns only when it is.
  virtual std::filesystem::path log_file() const = 0;
  // After a failure and a new open(): what was committed before is durable when this returns.
  virtual Status make_durable() = 0;
  // How often hold() wants to be called while nothing is written; 0: never. hold() throws if the journal was lost.
  virtual std::chrono::milliseconds hold_every() const { return {}; }
  virtual void hold() {}
  virtual std::chrono::milliseconds longest_pause() const = 0;  // between two tries to open it again
};

// PostgreSQL if there is a url, else SQLite in the home.
std::unique_ptr<Store> make_store(const Options& options, const PostgresOptions& postgres);

}  // namespace steward::journal
