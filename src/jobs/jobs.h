// Durable background work. A job is a stream of records (`job/job_…`), so it survives a kill at any instant and can be
// looked at afterwards.
//
// Life: queued → running (a lease with an epoch) → finished | failed | cancelled; a failed try goes back to queued,
// later each time, until its tries are used up. A process that starts takes over what another left running, under the
// next epoch; what the old one would still write is refused by its epoch. A handler may so be run more than once: its
// work must bear that.
//
// Lanes: a person's jobs go before scheduled ones, those before bulk; bulk never holds the last thread, so a person's
// job begins within 200 ms beside any bulk work. Handlers are registered before start(); they run on the jobs' own
// threads and may block. Names and contents stay out of a job's kind and lane; its input is a body.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/json.h"
#include "journal/journal.h"
#include "journal/view.h"

namespace steward::jobs {

enum class Lane { kPerson, kScheduled, kBulk };
enum class JobState { kQueued, kRunning, kFinished, kFailed, kCancelled };

struct Job {
  Id id;
  Id tenant;
  std::string kind;  // "erasure.purge": the handler
  Lane lane = Lane::kScheduled;
  Json input = Json::object();
  JobState state = JobState::kQueued;
  int64_t epoch = 0;  // of the lease; 0: never leased
  int64_t tries_left = 0;
  TimeUs due_at = 0;
  TimeUs changed_at = 0;
  Json progress;      // what the handler last told, or null
  Json result;        // of a finished one, or null
  std::string error;  // code of the last failed try
};

struct JobSpec {
  std::string kind;
  Lane lane = Lane::kScheduled;
  Json input = Json::object();
  TimeUs due_at = 0;  // 0: now
  int64_t tries = 5;
  std::string
      once;  // not empty: while a job of this kind with the same word is queued or running, that one is answered
};

// What a handler is given.
class JobContext {
 public:
  virtual ~JobContext() = default;
  virtual bool cancelled() const = 0;      // ask between steps
  virtual Status progress(Json told) = 0;  // an error means: the lease is lost, stop
};

using Handler = std::function<Result<Json>(const Job& job, JobContext& context)>;

inline constexpr size_t kJobThreads = 2;
inline constexpr size_t kOpenJobsLimit = 10'000;  // queued and running, of one tenant; over it kQueueFull
inline constexpr int64_t kMostTries = 20;
inline constexpr DurationUs kFirstRetryUs = kSecondUs;  // then doubled, up to an hour

class Jobs {
 public:
  virtual ~Jobs() = default;
  virtual journal::Fold& fold() = 0;
  virtual std::vector<journal::View*> views() = 0;
  virtual void handle(std::string kind, Handler handler) = 0;  // before start()
  virtual void start() = 0;                                    // after the journal's
  virtual void stop() = 0;                                     // waits for handlers that run: they are told to stop

  virtual Task<Result<Job>> enqueue(Id tenant, Id actor, JobSpec spec) = 0;
  virtual Task<Status> cancel(Id tenant, Id actor, Id job) = 0;  // kNotFound, kConflict if it has ended
};

std::unique_ptr<Jobs> make_jobs(journal::Journal& journal, Clock& clock, Random& random, Log log);

std::string_view to_text(JobState state);
// From the view, newest first; for reader threads.
std::optional<Job> find_job(journal::Db& db, const Id& tenant, const Id& job);
std::vector<Job> list_jobs(journal::Db& db, const Id& tenant, size_t limit);

}  // namespace steward::jobs
