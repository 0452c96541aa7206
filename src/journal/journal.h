// The journal: the one place where anything happens. Everything else is a view of it.
//
// One writer thread takes decisions in order and commits them in groups to a store (store.h). Two moments are told
// apart. *Written*: the group is committed and survives kill -9. *Durable*: it survives a power loss too. Events,
// followers and replicas read up to the durable mark only.
//
// In the home the store is SQLite (WAL, synchronous=NORMAL): COMMIT returning is written, and a sync thread calls
// fdatasync on the -wal file, whose return makes what was written before the call durable. In PostgreSQL COMMIT returns
// when its log is on the disk (synchronous_commit), so what is written is durable there; the one server that may write
// is the one that holds the lease (postgres_store.h).
//
// A decision is a function run on the writer thread. It sees every earlier record through the folds (in-memory states
// that the writer keeps in step) and answers with drafts or an error: so a budget's wall is decided without a lock and
// without a race.
//
// Any thread may call. Callbacks run on the writer's or the sync thread: post to your own executor. Task functions do
// that for you.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/log.h"
#include "base/random.h"
#include "journal/record.h"

namespace steward::journal {

class Db;
class Upcasters;

// An in-memory state of the writer thread: same records, same order as any view. apply() sees a record before its
// COMMIT, so that the next decision of the same group counts it; should the COMMIT fail, the journal resets every fold
// and loads it again.
class Fold {
 public:
  virtual ~Fold() = default;
  virtual void reset() = 0;
  // Loads from the tables in views.db and answers the seq (per tenant) they stand at; the journal then replays what is
  // later. A fold with no tables answers 0 and gets everything.
  virtual Seq load(Db& views, const Id& tenant) = 0;
  virtual void apply(const Record& record) = 0;
};

struct Appended {
  std::vector<Record> records;  // as stored
  Seq last_seq() const { return records.empty() ? 0 : records.back().seq; }
};

using Decision = std::function<Result<std::vector<Draft>>()>;
using AppendCallback = std::function<void(Result<Appended>)>;
enum class Wait { kWritten, kDurable };

struct Options {
  std::filesystem::path home;
  size_t queue_limit = 20'000;                 // commands waiting; over it, kStoreUnavailable at once
  size_t group_limit = 512;                    // commands in one COMMIT
  bool sync = true;                            // SQLite's log; false only in tests that need speed
  std::shared_ptr<const Upcasters> upcasters;  // or null
  // Kinds ("call.settled") and families ("call.") that hold no content and are never erased: accounts must stay
  // countable.
  std::vector<std::string> kept_kinds;
  // Kinds that are erased with their whole stream only (ErasureRequest::whole).
  std::vector<std::string> whole_kinds;
  // The kinds that may be written (record_kind.h); empty: any, for tests and tools that write what they like.
  std::vector<std::string> kinds;
  // The disk, handed in so that a test can break it: an SQLite file system's name, and what fdatasync does (null: the
  // real one).
  const char* vfs = nullptr;
  std::function<int(int fd)> sync_file;
};

// Erasing takes body, salt and blobs of records; headers and digests stay, so that the chain still verifies. Hidden at
// the commit (every read answers without content), purged once no file holds it (purge.h; the job `erasure.purge` does
// that).
struct ErasureRequest {
  std::vector<Id> ids;  // records; or an id that records name as a source
  bool cascade = true;  // also what was drawn from them (`sources`), and from that
  // False: records of Options::whole_kinds stay, since less than their stream is meant. Named, they are refused; met on
  // the way, passed over.
  bool whole = true;
  Id actor;
  Id on_behalf_of;
  std::string reason;  // a code word such as "person_asked", never content
};

enum class State { kStarting, kReady, kReadOnly, kFailed };

class Journal {
 public:
  virtual ~Journal() = default;

  // Folds are added before start(), and outlive the journal.
  virtual void add_fold(Fold& fold) = 0;
  virtual Status start() = 0;  // opens, recovers, loads folds; call once
  virtual void stop() = 0;     // drains the queue, syncs, joins
  virtual State state() const = 0;

  void submit(Id tenant, Decision decide, AppendCallback done, Wait wait = Wait::kWritten);
  // Both moments of one command: `written` first, then `durable` (not called if written failed).
  virtual void submit(Id tenant, Decision decide, AppendCallback written, std::function<void(Status)> durable) = 0;
  Task<Result<Appended>> append(Id tenant, std::vector<Draft> drafts, Wait wait = Wait::kWritten);
  Task<Result<Appended>> decide(Id tenant, Decision decision, Wait wait = Wait::kWritten);
  Result<Appended> append_blocking(Id tenant, std::vector<Draft> drafts,
                                   Wait wait = Wait::kWritten);  // CLI, tests, start-up

  // kNotFound if nothing hangs on an id; kForbidden if a record is of a kept kind, or of a whole one (Options). Answers
  // the `record.erased` record.
  virtual void erase(Id tenant, ErasureRequest request, AppendCallback done) = 0;  // durable
  Task<Result<Appended>> erase(Id tenant, ErasureRequest request);
  Result<Appended> erase_blocking(Id tenant, ErasureRequest request);
  // After erasures: cleans the journal's files, unlinks blobs that no record names any more, and marks the records
  // purged. Blocks for a checkpoint; kStoreUnavailable while a long read stands in the way: try again. Answers how many
  // records it purged.
  virtual Result<size_t> purge() = 0;

  virtual Seq written_seq(const Id& tenant) const = 0;
  virtual Seq durable_seq(const Id& tenant) const = 0;
  virtual Task<Status> wait_durable(Id tenant, Seq seq) = 0;

  // Reads block on the disk: call from a worker, or for small pages. Upcast to the newest schema.
  virtual Result<std::vector<Record>> read(const Id& tenant, Seq after, size_t limit) = 0;  // up to the written mark
  virtual Result<std::vector<Record>> read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                                  size_t limit) = 0;
  virtual Result<Record> find(const Id& record_id) = 0;  // kNotFound
  virtual std::vector<Id> tenants() const = 0;

  // Called (any thread) whenever the durable mark of a tenant moves. Returns a handle for forget.
  virtual size_t on_durable(std::function<void(const Id& tenant, Seq)> hook) = 0;
  virtual void forget(size_t handle) = 0;
};

std::unique_ptr<Journal> make_sqlite_journal(Options options, Clock& clock, Random& random, Log log);

}  // namespace steward::journal
