// Background responses: made while nobody waits, asked for later, followed and followed again.
//
// One is queued by a record before it is promised, so a restart goes on with it: what was under way is asked anew (the
// earlier call is charged at its bound, as every call that nobody knows the end of). Its events are kept in memory
// while it is made and, if it was streamed, in a blob afterwards. Runs live on the io threads; stop() ends and awaits
// them, leaving them queued. Any thread may call; coroutines on any io thread.
#pragma once
#include <condition_variable>
#include <map>
#include <mutex>

#include "gateway/conversations/turn.h"
#include "journal/view.h"

namespace steward::gateway {

// Which responses are queued and not ended, for a restart.
class OpenResponses final : public journal::View {
 public:
  std::string_view name() const override { return "open_responses"; }
  int version() const override { return 1; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;

  struct Open {
    Id id, owner, key;
  };
  static std::vector<Open> list(journal::Db& db, const Id& tenant);  // oldest first; on reader threads
};

// One background response while it is made. Thread-safe.
class BackgroundRun {
 public:
  BackgroundRun(identity::Caller caller, std::shared_ptr<Turn> turn)
      : caller(std::move(caller)), turn(std::move(turn)) {}

  const identity::Caller caller;
  const std::shared_ptr<Turn> turn;
  CancelToken cancel;

  void add_event(std::string bytes);
  void finish();
  bool done() const;
  std::string all_events() const;
  // Events from number `from` on; empty, and `ended`, once there are no more.
  std::vector<std::string> events_from(size_t from, bool& ended) const;
  // Returns when there is more than `seen` events, the run has ended, or `client` went away.
  Task<void> wait(size_t seen, CancelToken client);

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> events_;  // whole server-sent events; their number is their sequence_number
  size_t bytes_ = 0;
  bool done_ = false;
  std::vector<std::function<void()>> waiting_;
};

class Background {
 public:
  Background(Services& services, ResponseStore& store, Turns& turns, net::IoThreads& threads)
      : services_(services), store_(store), turns_(turns), threads_(threads) {}
  ~Background() { stop(); }

  // The turn is queued already. kQueueFull.
  Result<std::shared_ptr<BackgroundRun>> start(identity::Caller caller, std::shared_ptr<Turn> turn);
  Task<Status> queue(identity::Caller caller, std::shared_ptr<Turn> turn, const net::Headers& headers);
  std::shared_ptr<BackgroundRun> find(const Id& id) const;  // null: it is not being made
  void resume(Id tenant, std::vector<OpenResponses::Open> open);
  void stop();

 private:
  Task<void> run(std::shared_ptr<BackgroundRun> run);
  Task<void> run_guarded(std::shared_ptr<BackgroundRun> run);
  Task<Status> end_without_answer(std::shared_ptr<BackgroundRun> run, Json error);
  Task<void> resume_one(Id tenant, OpenResponses::Open open);
  void forget(const Id& id);

  Services& services_;
  ResponseStore& store_;
  Turns& turns_;
  net::IoThreads& threads_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::map<Id, std::shared_ptr<BackgroundRun>> runs_;
  size_t next_thread_ = 0, coroutines_ = 0;
  bool stopping_ = false;
};

}  // namespace steward::gateway
