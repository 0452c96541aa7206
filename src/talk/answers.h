// The answers that are being made, whoever listens: started, queued behind another, stopped, taken up again.
//
// An answer belongs to the server from the moment its record stands: a reload or a lost line changes nothing, and after
// a restart it goes on from what was kept of it (steps.h), as an answer does that was stopped; one of which no text was
// kept is asked anew. The earlier call is charged for what it made where it was ended in order, else at its bound, as
// every call that nobody knows the end of. It goes through the gateway's serve(), so budgets, routes and metering are
// those of any call. A message said while the answer above it is under way waits for that answer's end. Runs live on
// the io threads; stop() ends and awaits them, leaving them to the next start. Any thread may call; coroutines on any
// io thread.
#pragma once
#include <condition_variable>
#include <map>
#include <mutex>

#include "gateway/conversations/response_store.h"
#include "talk/parts.h"
#include "talk/rows.h"
#include "talk/run.h"
#include "talk/steps.h"

namespace steward::talk {

class Answers {
 public:
  Answers(Parts& parts, gateway::ResponseStore& store) : parts_(parts), store_(store), steps_(parts, store) {}
  ~Answers() { stop(); }

  // Takes the answer's place below `above`, another answer or empty, before its records are written; `who` asks. True:
  // it has to wait for that one. kQueueFull, kShuttingDown. Then begin() or leave(), whatever becomes of the records.
  Result<bool> enter(const Id& answer, const Id& above, const Id& who);
  void begin(Ask ask, bool waits);
  void leave(const Id& answer);

  std::shared_ptr<Run> find(const Id& answer) const;  // null: it is not being made
  bool withdraw(const Id& answer);  // of one that waits still: it is not made. False: it does not wait
  // Stops it and returns when its end stands in the journal. False: it is not being made.
  Task<bool> stop(Id answer);
  // What is kept of one that an earlier process left open, until it is taken up again.
  Task<Result<Kept>> kept(Id tenant, MessageRow row) { return steps_.read(std::move(tenant), std::move(row)); }
  // What an earlier process left open, oldest first; `owners` by conversation.
  Task<void> resume(Id tenant, std::vector<MessageRow> open, std::map<Id, Id> owners);
  void stop();

  // Called after an answer that ended well; set once, before anything begins.
  std::function<Task<void>(Ask)> on_answered;

 private:
  struct Waiting {
    Id answer, above;
    bool released = false;  // what it waited for has ended
    std::optional<Ask> ask;
  };
  bool place(const Id& answer, const Id& above, const Id& who);  // under the lock; true: it has to wait
  void spawn(Ask ask);
  Task<void> guarded(std::shared_ptr<Run> run);
  Task<void> make(std::shared_ptr<Run> run);
  Task<Status> announce(std::shared_ptr<Run> run);
  Task<void> look_around(std::shared_ptr<Run> run);
  Task<void> leave_to_next(std::shared_ptr<Run> run);
  Task<Status> ask_and_follow(std::shared_ptr<Run> run, Json& told);
  Task<Status> ask_model(std::shared_ptr<Run> run, Json& told);
  Task<Status> keep(std::shared_ptr<Run> run, Json told);
  Task<void> take_up(Ask ask, MessageRow row);
  Task<Status> go_on_from_kept(Ask& ask, const MessageRow& row);
  Task<Remembered> remembered_for(std::shared_ptr<Run> run);
  void tell_state(const Run& run, std::string_view status);
  void ended(const Id& answer);
  void release();  // begins what waits for nothing any more

  Parts& parts_;
  gateway::ResponseStore& store_;
  Steps steps_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::map<Id, Id> open_;  // entered and not ended, and who asked
  std::map<Id, std::shared_ptr<Run>> runs_;
  std::vector<Waiting> waiting_;
  size_t next_thread_ = 0, coroutines_ = 0;
  bool resumed_ = false;  // what an earlier process left is entered: until then whatever is below an answer waits
  bool stopping_ = false;
};

}  // namespace steward::talk
