#include "jobs/jobs.h"

#include <condition_variable>
#include <future>
#include <thread>

#include "base/crash_point.h"
#include "jobs/state.h"

namespace steward::jobs {
namespace {

constexpr std::chrono::milliseconds kLookEvery{250};  // for jobs that become due
constexpr DurationUs kLongestRetryUs = 3600LL * kSecondUs;

class JournaledJobs final : public Jobs {
 public:
  JournaledJobs(journal::Journal& journal, Clock& clock, Random& random, Log log)
      : journal_(journal), clock_(clock), ids_(clock, random), log_(std::move(log)) {}
  ~JournaledJobs() override { stop(); }

  journal::Fold& fold() override { return state_; }
  std::vector<journal::View*> views() override { return {&view_}; }
  void handle(std::string kind, Handler handler) override { handlers_[std::move(kind)] = std::move(handler); }
  void start() override;
  void stop() override;
  Task<Result<Job>> enqueue(Id tenant, Id actor, JobSpec spec) override;
  Task<Status> cancel(Id tenant, Id actor, Id job) override;

  bool stopping() const {
    std::scoped_lock lock(mutex_);
    return stopping_;
  }
  // A record of a running job, if its lease still has this epoch.
  Status tell(const Job& job, std::string kind, Json body);
  bool holds(const Job& job) const {
    const auto now = state_.find(job.id);
    return now && now->state == JobState::kRunning && now->epoch == job.epoch;
  }
  void renew(const Job& job) {
    std::scoped_lock lock(mutex_);
    if (const auto it = mine_.find(job.id); it != mine_.end() && it->second.epoch == job.epoch)
      it->second.until = clock_.monotonic_us() + kLeaseUs;
  }

 private:
  using Drafts = Result<std::vector<journal::Draft>>;
  void run();
  std::optional<Job> lease();
  std::optional<Job> next_due() const;
  void work(const Job& job);
  struct Lease {
    int64_t epoch = 0;
    TimeUs until = 0;  // steady clock
    bool bulk = false;
  };
  // All under mutex_. A lease that another thread has taken over is not forgotten with the old one.
  void forget(const Id& job, int64_t epoch) {
    if (const auto it = mine_.find(job); it != mine_.end() && it->second.epoch == epoch) mine_.erase(it);
  }
  bool is_held(const Id& job) const {
    const auto it = mine_.find(job);
    return it != mine_.end() && it->second.until > clock_.monotonic_us();
  }
  bool is_bulk_full(const Job& job) const {
    const auto others =
        std::ranges::count_if(mine_, [&job](const auto& entry) { return entry.second.bulk && entry.first != job.id; });
    return job.lane == Lane::kBulk && static_cast<size_t>(others) + 1 >= kJobThreads;
  }
  void replace_stuck_thread(const Job& job);
  void give_up_or_retry(const Job& job, const Error& error);
  Status decide(const Id& tenant, std::function<Drafts()> decision);
  Drafts decide_enqueue(const Job& job, const std::string& once, const Id& actor, Id& id);

  journal::Journal& journal_;
  Clock& clock_;
  IdMaker ids_;
  Log log_;
  State state_;
  JobsView view_;
  std::map<std::string, Handler> handlers_;
  mutable std::mutex mutex_;  // stopping_, mine_
  std::condition_variable wake_;
  bool stopping_ = false, enqueued_ = false;
  // Leased by this process and not ended. Of bulk ones at most all threads but one, so that nobody waits for bulk work.
  std::map<Id, Lease> mine_;
  size_t stuck_ = 0;  // threads whose handler lost its lease and has not come back
  std::vector<std::thread> threads_;
};

journal::Draft draft_of(const Id& job, std::string kind, const Json& body, TimeUs now) {
  journal::Draft draft;
  draft.stream = "job/" + job;
  draft.kind = std::move(kind);
  draft.body = dump(body);
  draft.time = now;
  return draft;
}

class Running final : public JobContext {
 public:
  Running(JournaledJobs& jobs, const Job& job) : jobs_(jobs), job_(job) {}
  bool cancelled() const override {
    jobs_.renew(job_);
    return jobs_.stopping() || !jobs_.holds(job_);
  }
  Status progress(Json told) override {
    jobs_.renew(job_);
    return jobs_.tell(job_, "job.progressed", {{"progress", std::move(told)}});
  }

 private:
  JournaledJobs& jobs_;
  const Job& job_;
};

void JournaledJobs::start() {
  for (size_t i = 0; i < kJobThreads; ++i) threads_.emplace_back([this] { run(); });
}

void JournaledJobs::stop() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  std::vector<std::thread> threads;
  {
    std::scoped_lock lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
}

Status JournaledJobs::decide(const Id& tenant, std::function<Drafts()> decision) {
  auto done = std::make_shared<std::promise<Status>>();
  auto answer = done->get_future();
  journal_.submit(tenant, std::move(decision), [done](Result<journal::Appended> appended) {
    done->set_value(appended ? Status{} : Status(fail(appended.error())));
  });
  return answer.get();
}

Status JournaledJobs::tell(const Job& job, std::string kind, Json body) {
  body["epoch"] = job.epoch;
  return decide(job.tenant, [this, job, kind = std::move(kind), body = std::move(body)]() -> Drafts {
    if (!holds(job)) return fail(ErrorCode::kConflict, "The job was cancelled, or another process runs it now.");
    return std::vector{draft_of(job.id, kind, body, clock_.now_us())};
  });
}

// The first due job by lane, then by when it was due. One that runs elsewhere was left by a process that is gone: the
// home is ours alone.
std::optional<Job> JournaledJobs::next_due() const {
  const TimeUs now = clock_.now_us();
  std::optional<Job> best;
  std::scoped_lock lock(mutex_);
  for (Job& job : state_.open_jobs()) {
    if (job.due_at > now || is_held(job.id) || !handlers_.contains(job.kind)) continue;
    if (is_bulk_full(job)) continue;
    const bool sooner = !best || std::pair(job.lane, job.due_at) < std::pair(best->lane, best->due_at);
    if (sooner) best = std::move(job);
  }
  return best;
}

std::optional<Job> JournaledJobs::lease() {
  auto job = next_due();
  if (!job) return std::nullopt;
  {
    std::scoped_lock lock(mutex_);
    if (is_bulk_full(*job) || is_held(job->id)) return std::nullopt;  // the other thread took it meanwhile
    if (mine_.contains(job->id)) replace_stuck_thread(*job);
    mine_[job->id] = {job->epoch + 1, clock_.monotonic_us() + kLeaseUs, job->lane == Lane::kBulk};
  }
  const int64_t epoch = job->epoch;
  const auto leased = decide(job->tenant, [this, id = job->id, epoch]() -> Drafts {
    const auto now = state_.find(id);
    if (!now || now->epoch != epoch) return fail(ErrorCode::kConflict);
    return std::vector{draft_of(id, "job.leased", {{"epoch", epoch + 1}}, clock_.now_us())};
  });
  if (!leased) {
    std::scoped_lock lock(mutex_);
    forget(job->id, epoch + 1);
    return std::nullopt;
  }
  crash_point("job_after_lease");
  job->epoch = epoch + 1;
  --job->tries_left;
  return job;
}

// The handler hangs in its thread, which can't be ended; a bounded number of others take such threads' places.
void JournaledJobs::replace_stuck_thread(const Job& job) {
  log_.error("a job gave no sign of life and is run again by another thread", {{"job", job.id}, {"kind", job.kind}});
  if (stopping_ || stuck_ >= kMostStuck) return;
  ++stuck_;
  threads_.emplace_back([this] { run(); });
}

void JournaledJobs::run() {
  while (!stopping()) {
    if (auto job = lease()) {
      work(*job);
      std::scoped_lock lock(mutex_);
      const auto it = mine_.find(job->id);
      const bool kept = it != mine_.end() && it->second.epoch == job->epoch;
      forget(job->id, job->epoch);
      if (!kept && stuck_ > 0) {  // it came back: its thread was replaced meanwhile
        --stuck_;
        return;
      }
      continue;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLookEvery, [&] { return stopping_ || enqueued_; });
    enqueued_ = false;
  }
}

void JournaledJobs::work(const Job& job) {
  Running context(*this, job);
  Result<Json> result = Json();
  try {
    result = handlers_.at(job.kind)(job, context);
  } catch (const std::exception& e) {
    log_.error("a job threw", {{"job", job.id}, {"kind", job.kind}, {"what", e.what()}});
    result = fail(ErrorCode::kInternal);
  }
  if (!result) {
    if (!context.cancelled()) give_up_or_retry(job, result.error());
    return;  // a stopping process leaves it running: the next one takes it over
  }
  crash_point("job_before_finish");
  if (auto told = tell(job, "job.finished", {{"result", *result}}); !told) {
    log_.warn("a job's end could not be written", {{"job", job.id}, {"code", info(told.error().code).name}});
  }
}

void JournaledJobs::give_up_or_retry(const Job& job, const Error& error) {
  const std::string code(info(error.code).name);
  log_.warn("a job failed", {{"job", job.id}, {"kind", job.kind}, {"code", code}, {"tries_left", job.tries_left}});
  if (job.tries_left <= 0 || !info(error.code).retryable) {
    (void)tell(job, "job.failed", {{"error", code}});
    return;
  }
  const int64_t doublings = std::min<int64_t>(job.epoch - 1, 12);
  const DurationUs wait = std::min(kFirstRetryUs << doublings, kLongestRetryUs);
  (void)tell(job, "job.retried", {{"error", code}, {"due_at_us", clock_.now_us() + wait}});
}

JournaledJobs::Drafts JournaledJobs::decide_enqueue(const Job& job, const std::string& once, const Id& actor, Id& id) {
  size_t open = 0;
  for (const Job& other : state_.open_jobs()) {
    if (other.tenant != job.tenant) continue;
    ++open;
    if (!once.empty() && other.kind == job.kind && other.input.value("once", "") == once) {
      id = other.id;
      return std::vector<journal::Draft>{};
    }
  }
  if (open >= kOpenJobsLimit)
    return fail(ErrorCode::kQueueFull, "There is as much background work as the server takes on.");
  const Json body = {{"kind", job.kind},
                     {"lane", static_cast<int>(job.lane)},
                     {"input", job.input},
                     {"due_at_us", job.due_at},
                     {"tries", job.tries_left}};
  journal::Draft draft = draft_of(job.id, "job.queued", body, clock_.now_us());
  draft.actor = actor;
  return std::vector{std::move(draft)};
}

Task<Result<Job>> JournaledJobs::enqueue(Id tenant, Id actor, JobSpec spec) {
  if (!handlers_.contains(spec.kind))
    co_return fail(ErrorCode::kNotImplemented, fmt::format("Nobody here does jobs of kind '{}'.", spec.kind));
  if (spec.tries < 1 || spec.tries > kMostTries)
    co_return fail(ErrorCode::kInvalidRequest, fmt::format("A job has 1 to {} tries.", kMostTries));
  Job job;
  job.id = ids_.make("job");
  job.tenant = tenant;
  job.kind = std::move(spec.kind);
  job.lane = spec.lane;
  job.input = std::move(spec.input);
  if (!spec.once.empty()) job.input["once"] = spec.once;
  job.due_at = spec.due_at == 0 ? clock_.now_us() : spec.due_at;
  job.tries_left = spec.tries;
  auto id = std::make_shared<Id>(job.id);
  journal::Decision decide = [this, job, once = spec.once, actor, id] { return decide_enqueue(job, once, actor, *id); };
  auto appended = co_await journal_.decide(tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  {
    std::scoped_lock lock(mutex_);
    enqueued_ = true;
  }
  wake_.notify_all();
  job.id = *id;
  co_return job;
}

Task<Status> JournaledJobs::cancel(Id tenant, Id actor, Id job) {
  journal::Decision decide = [this, tenant, actor, job]() -> Drafts {
    const auto found = state_.find(job);
    if (!found || found->tenant != tenant)
      return fail(ErrorCode::kConflict, "The job has ended, or there is no such job.");
    journal::Draft draft = draft_of(job, "job.cancelled", Json::object(), clock_.now_us());
    draft.actor = actor;
    return std::vector{std::move(draft)};
  };
  auto appended = co_await journal_.decide(tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

}  // namespace

std::unique_ptr<Jobs> make_jobs(journal::Journal& journal, Clock& clock, Random& random, Log log) {
  return std::make_unique<JournaledJobs>(journal, clock, random, std::move(log));
}

}  // namespace steward::jobs
