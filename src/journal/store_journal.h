// The journal over a store (store.h), whichever it is. Inside the journal floor only: others see Journal.
//
// Threads: callers put commands into a bounded queue; the writer thread takes up to group_limit of them, runs each
// inside one transaction, commits, tells `written`, and has handed the group to the sync thread meanwhile, which tells
// `durable`.
//
// When the store fails, the group is rolled back whole, every command in it and every later one is answered
// kStoreUnavailable (fail closed), and the writer tries again, at first twice a second: a small write, then all folds
// loaded anew, then kReady. Nobody has to restart anything. Where a connection was lost in a COMMIT, the group waits
// for the answer to be looked up: it is there whole, or it is not (find_out). A damaged journal is another matter:
// whoever meets the damage (SQLite, a reader whose record is not what its digest says, the scrubber) ends all appending
// for good.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "journal/chain_writer.h"
#include "journal/erasure.h"
#include "journal/folds.h"
#include "journal/health.h"
#include "journal/home.h"
#include "journal/reader.h"
#include "journal/scrub.h"
#include "journal/store.h"
#include "journal/stored_journal.h"
#include "journal/syncer.h"

namespace steward::journal {

class StoreJournal final : public StoredJournal, public HealthSource {
 public:
  StoreJournal(Options options, PostgresOptions postgres, Clock& clock, Random& random, Log log);
  ~StoreJournal() override;

  void add_fold(Fold& fold) override { folds_.add(fold); }
  Status start() override;
  void stop() override;
  State state() const override { return state_.load(); }
  std::string problem() const override;
  std::vector<Trouble> troubles() const override;
  StoreInfo store() const override;
  Location location() const override;

  using Journal::submit;
  void submit(Id tenant, Decision decide, AppendCallback written, std::function<void(Status)> durable) override;
  using Journal::erase;
  void erase(Id tenant, ErasureRequest request, AppendCallback done) override;
  Result<size_t> purge() override;
  Seq written_seq(const Id& tenant) const override;
  Seq durable_seq(const Id& tenant) const override { return syncer_.durable_seq(tenant); }
  Task<Status> wait_durable(Id tenant, Seq seq) override;
  Result<std::vector<Record>> read(const Id& tenant, Seq after, size_t limit) override {
    return reader_.read(tenant, after, limit);
  }
  Result<std::vector<Record>> read_stream(const Id& tenant, std::string_view stream, uint64_t after_version,
                                          size_t limit) override {
    return reader_.read_stream(tenant, stream, after_version, limit);
  }
  Result<Record> find(const Id& record_id) override { return reader_.find(record_id); }
  std::vector<Id> tenants() const override;
  size_t on_durable(std::function<void(const Id& tenant, Seq)> hook) override {
    return syncer_.on_durable(std::move(hook));
  }
  void forget(size_t handle) override { syncer_.forget(handle); }

  // A command that does more than append: runs on the writer thread inside a group, checks before its first change. An
  // error answered after a change is a broken promise: throw DbError instead, and the group is rolled back.
  using Act = std::function<Result<std::vector<Record>>(ChainWriter&)>;
  void submit_act(Act act, AppendCallback written, std::function<void(Status)> durable);
  // Runs between groups, outside any transaction, with the writer's connection; blocks the caller, not callable from
  // the writer thread.
  Status maintain(std::function<Status(Store&)> work);
  Reader& reader() { return reader_; }
  const HomePaths& paths() const { return paths_; }

 private:
  struct Command {
    Act act;
    AppendCallback written;
    std::function<void(Status)> durable;
    std::function<void(Result<Store*>)> maintenance;  // set alone
  };

  void enqueue(Command command);
  Error unavailable() const;
  static void refuse(Command& command, const Error& error);
  Status open();
  Status check_heads();
  Status check_moved();
  Status check_history();
  Status load_folds();
  Status with_views(const std::function<Status(Db&)>& load);
  Trouble trouble_of(const DbError& e) const;
  void found_damaged(std::string_view what);  // any thread: takes no record any more
  void run();
  std::deque<Command> take();
  bool is_stopping() const;
  void hold();
  void process(std::deque<Command> commands);
  void commit(const std::vector<StoredHead>& heads);
  bool find_out(const std::vector<StoredHead>& heads);
  bool is_there(const std::vector<StoredHead>& heads);
  void conclude(std::deque<Command> commands, std::vector<Result<Appended>> results, std::vector<StoredHead> heads);
  std::vector<Result<Appended>> perform(std::deque<Command>& commands);
  Result<Appended> perform(Command& command);
  void publish(std::deque<Command>& commands, std::vector<Result<Appended>> results);
  void abandon(std::deque<Command>& commands, const DbError& why, const Error* answer = nullptr);
  void recover();
  Status recover_once();
  void set_state(State state, std::string_view why);
  bool blob_stored(const Id& tenant, std::string_view blob) const;

  Options options_;
  PostgresOptions postgres_;
  HomePaths paths_;
  Log log_;
  std::unique_ptr<HomeLock> lock_;
  std::unique_ptr<Store> store_;
  ChainWriter chain_;
  Eraser eraser_;
  FoldSet folds_;
  Reader reader_;
  Syncer syncer_;
  std::atomic<State> state_{State::kStarting};
  std::thread thread_;
  mutable std::mutex mutex_;  // queue_, stopping_, written_, problem_, info_
  std::condition_variable wake_;
  std::deque<Command> queue_;
  bool stopping_ = false, started_ = false;
  std::map<Id, Seq> written_;
  std::string problem_;
  StoreInfo info_;
  std::map<Id, StoredHead> told_;     // writer thread: the last record of each tenant that a group of ours was told of
  std::chrono::milliseconds pause_;   // writer thread: before the next try to recover
  bool folds_stale_ = false;          // writer thread: a group was rolled back after its records were folded
  std::atomic<bool> reopen_{false};   // a sync failed: the store must be opened anew
  std::atomic<bool> damaged_{false};  // for good: only another file can be trusted
  TroubleNote trouble_;
  TroubleNote mended_;  // what the start found and made good
  Scrubber scrubber_;
};

}  // namespace steward::journal
