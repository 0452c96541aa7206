// The journal on SQLite. Inside the journal floor only: others see Journal.
//
// Threads: callers put commands into a bounded queue; the writer thread takes up to group_limit of them, runs each
// inside one transaction, commits, tells `written`, and has handed the group to the sync thread meanwhile, which tells
// `durable`.
//
// When the disk fails, the group is rolled back whole, every command in it and every later one is answered
// kStoreUnavailable (fail closed), and the writer tries again twice a second: a small write, then all folds loaded
// anew, then kReady. Nobody has to restart anything.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "journal/erasure.h"
#include "journal/folds.h"
#include "journal/home.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/store.h"
#include "journal/syncer.h"

namespace steward::journal {

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(Options options, Clock& clock, Random& random, Log log);
  ~SqliteJournal() override;

  void add_fold(Fold& fold) override { folds_.add(fold); }
  Status start() override;
  void stop() override;
  State state() const override { return state_.load(); }

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
  using Act = std::function<Result<std::vector<Record>>(Store&)>;
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
  static void refuse(Command& command, const Error& error);
  Status open();
  Status check_heads();
  Status load_folds();
  void run();
  std::deque<Command> take();
  void process(std::deque<Command> commands);
  std::vector<Result<Appended>> perform(std::deque<Command>& commands);
  Result<Appended> perform(Command& command);
  void publish(std::deque<Command>& commands, std::vector<Result<Appended>> results);
  void abandon(std::deque<Command>& commands, const std::string& why);
  void recover();
  Status recover_once();
  void set_state(State state, std::string_view why);
  bool blob_stored(const Id& tenant, std::string_view blob) const;

  Options options_;
  HomePaths paths_;
  Log log_;
  std::unique_ptr<HomeLock> lock_;
  Store store_;
  Eraser eraser_;
  FoldSet folds_;
  Reader reader_;
  Syncer syncer_;
  std::atomic<State> state_{State::kStarting};
  std::thread thread_;
  mutable std::mutex mutex_;  // queue_, stopping_, written_
  std::condition_variable wake_;
  std::deque<Command> queue_;
  bool stopping_ = false, started_ = false;
  std::map<Id, Seq> written_;
  bool folds_stale_ = false;         // writer thread: a group was rolled back after its records were folded
  std::atomic<bool> reopen_{false};  // a sync failed: the file must be opened anew
};

}  // namespace steward::journal
