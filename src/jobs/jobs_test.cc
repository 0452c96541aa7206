#include "jobs/jobs.h"

#include <gtest/gtest.h>

#include <atomic>

#include "jobs/state.h"
#include "journal/testing.h"

namespace steward::jobs {
namespace {

const Id kTenant = "ten_a";

template <class T>
T run(Task<T> task) {
  asio::io_context io;
  std::optional<T> answer;
  asio::co_spawn(io, std::move(task), [&answer](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    answer.emplace(std::move(value));
  });
  io.run();
  return std::move(*answer);
}

struct JobsTest : ::testing::Test {
  void make() {
    jobs = make_jobs(home.journal(), clock, home.random(), Log());
    home.journal().add_fold(jobs->fold());
    for (auto* view : jobs->views()) home.views().add(*view);
  }
  void SetUp() override { make(); }
  void TearDown() override {
    jobs->stop();
    home.stop();
  }
  Job job(const Id& id) {
    home.wait_applied();
    std::optional<Job> found;
    home.views().query_blocking([&](journal::Db& db) { found = find_job(db, kTenant, id); });
    return found.value_or(Job());
  }
  Job wait_until(const Id& id, JobState state) {
    for (int i = 0; i < 2'000 && job(id).state != state; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(to_text(job(id).state), to_text(state));
    return job(id);
  }
  Id enqueue(JobSpec spec) { return run(jobs->enqueue(kTenant, "usr_a", std::move(spec))).value().id; }

  journal::TestHome home;
  SystemClock clock;
  std::unique_ptr<Jobs> jobs;
};

TEST_F(JobsTest, RunsToItsEnd) {
  jobs->handle("add", [](const Job& job, JobContext& context) -> Result<Json> {
    EXPECT_TRUE(context.progress({{"step", 1}}).has_value());
    return job.input.at("a").get<int>() + job.input.at("b").get<int>();
  });
  home.start();
  jobs->start();
  const Job done = wait_until(enqueue({.kind = "add", .input = {{"a", 2}, {"b", 3}}}), JobState::kFinished);
  EXPECT_EQ(done.result, 5);
  EXPECT_EQ(done.progress.at("step"), 1);
  EXPECT_EQ(done.epoch, 1);
  EXPECT_EQ(run(jobs->enqueue(kTenant, "usr_a", {.kind = "unknown"})).error().code, ErrorCode::kNotImplemented);
}

TEST_F(JobsTest, RetriesWhatCanBeRetriedAndGivesUpOnTheRest) {
  std::atomic<int> tries = 0;
  jobs->handle("flaky", [&](const Job&, JobContext&) -> Result<Json> {
    if (++tries < 2) return fail(ErrorCode::kStoreUnavailable);
    return Json(true);
  });
  jobs->handle("hopeless", [](const Job&, JobContext&) -> Result<Json> { return fail(ErrorCode::kInvalidRequest); });
  home.start();
  jobs->start();
  const Id flaky = enqueue({.kind = "flaky"}), hopeless = enqueue({.kind = "hopeless"});
  EXPECT_EQ(wait_until(flaky, JobState::kFinished).epoch, 2);
  const Job failed = wait_until(hopeless, JobState::kFailed);
  EXPECT_EQ(failed.error, "invalid_request");
  EXPECT_EQ(failed.epoch, 1);
}

TEST_F(JobsTest, AnotherProcessTakesOverUnderTheNextEpoch) {
  std::atomic<bool> entered = false;
  jobs->handle("long", [&](const Job&, JobContext& context) -> Result<Json> {
    entered = true;
    while (!context.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return fail(ErrorCode::kShuttingDown);
  });
  home.start();
  jobs->start();
  const Id id = enqueue({.kind = "long"});
  while (!entered) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  jobs->stop();
  EXPECT_EQ(job(id).state, JobState::kRunning);
  jobs.reset();
  home.reopen();
  make();
  jobs->handle("long", [](const Job& job, JobContext&) -> Result<Json> { return Json(job.epoch); });
  home.start();
  jobs->start();
  EXPECT_EQ(wait_until(id, JobState::kFinished).result, 2);
}

TEST_F(JobsTest, CancelledBeforeAndWhileItRuns) {
  std::atomic<int> ran = 0;
  jobs->handle("wait", [&](const Job&, JobContext& context) -> Result<Json> {
    ++ran;
    while (!context.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(context.progress(1).error().code, ErrorCode::kConflict);
    return Json(true);
  });
  home.start();
  jobs->start();
  const Id later = enqueue({.kind = "wait", .due_at = clock.now_us() + 3600LL * kSecondUs});
  ASSERT_TRUE(run(jobs->cancel(kTenant, "usr_a", later)).has_value());
  EXPECT_EQ(job(later).state, JobState::kCancelled);
  EXPECT_EQ(run(jobs->cancel(kTenant, "usr_a", later)).error().code, ErrorCode::kConflict);
  const Id now = enqueue({.kind = "wait"});
  while (ran == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(run(jobs->cancel(kTenant, "usr_a", now)).has_value());
  jobs->stop();
  EXPECT_EQ(job(now).state, JobState::kCancelled);
  EXPECT_EQ(ran, 1);
}

TEST_F(JobsTest, BulkYieldsToAPersonWithin200Milliseconds) {
  std::atomic<bool> release = false;
  std::atomic<int> bulk_running = 0, most = 0;
  jobs->handle("heavy", [&](const Job&, JobContext&) -> Result<Json> {
    most = std::max(most.load(), ++bulk_running);
    while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --bulk_running;
    return Json();
  });
  std::atomic<bool> began = false;
  jobs->handle("asked", [&](const Job&, JobContext&) -> Result<Json> {
    began = true;
    return Json();
  });
  home.start();
  jobs->start();
  for (int i = 0; i < 4; ++i) enqueue({.kind = "heavy", .lane = Lane::kBulk});
  while (bulk_running == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const Id asked = enqueue({.kind = "asked", .lane = Lane::kPerson});
  const auto start = std::chrono::steady_clock::now();
  while (!began && std::chrono::steady_clock::now() - start < std::chrono::seconds(5))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
  EXPECT_EQ(most, 1);
  release = true;
  wait_until(asked, JobState::kFinished);
}

// Time that the test owns; any thread reads it.
class SetClock final : public Clock {
 public:
  TimeUs now_us() override { return now_; }
  TimeUs monotonic_us() override { return now_; }
  std::atomic<TimeUs> now_{1'764'000'000'000'000};
};

TEST_F(JobsTest, AHandlerThatGivesNoSignOfLifeLosesItsLease) {
  SetClock time;
  home.reopen();
  jobs = make_jobs(home.journal(), time, home.random(), Log());
  home.journal().add_fold(jobs->fold());
  for (auto* view : jobs->views()) home.views().add(*view);
  std::atomic<int> runs = 0;
  std::atomic<bool> release = false, refused = false, came_back = false;
  jobs->handle("hang", [&](const Job&, JobContext& context) -> Result<Json> {
    if (++runs > 1) return Json("second");
    while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    refused = context.cancelled() && !context.progress({{"late", true}}).has_value();
    came_back = true;
    return Json("first");
  });
  home.start();
  jobs->start();
  const Id id = enqueue({.kind = "hang", .lane = Lane::kBulk});
  while (runs == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  time.now_ += kLeaseUs - 1;
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  EXPECT_EQ(runs, 1) << "its time is not over";
  time.now_ += 2;
  const Job done = wait_until(id, JobState::kFinished);
  EXPECT_EQ(done.epoch, 2);
  EXPECT_EQ(done.result, "second");
  release = true;
  while (!came_back) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(refused) << "what it would still write is refused";
  EXPECT_EQ(job(id).result, "second");
  const Id next = enqueue({.kind = "hang"});
  wait_until(next, JobState::kFinished);
}

TEST_F(JobsTest, AskingAndTellingKeepTheLease) {
  SetClock time;
  home.reopen();
  jobs = make_jobs(home.journal(), time, home.random(), Log());
  home.journal().add_fold(jobs->fold());
  for (auto* view : jobs->views()) home.views().add(*view);
  std::atomic<int> runs = 0, steps = 0;
  jobs->handle("long", [&](const Job&, JobContext& context) -> Result<Json> {
    ++runs;
    while (steps < 4) {
      if (context.cancelled()) return fail(ErrorCode::kCancelled);
      time.now_ += kLeaseUs - kSecondUs;
      ++steps;
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    return Json();
  });
  home.start();
  jobs->start();
  const Id id = enqueue({.kind = "long"});
  EXPECT_EQ(wait_until(id, JobState::kFinished).epoch, 1);
  EXPECT_EQ(runs, 1);
}

TEST_F(JobsTest, OneIsEnoughWhereSaidSoAndPeopleGoFirst) {
  std::mutex mutex;
  std::vector<std::string> order;
  jobs->handle("note", [&](const Job& job, JobContext&) -> Result<Json> {
    std::scoped_lock lock(mutex);
    order.push_back(job.input.value("name", ""));
    return Json();
  });
  home.start();
  const Id bulk = enqueue({.kind = "note", .lane = Lane::kBulk, .input = {{"name", "bulk"}}, .once = "x"});
  EXPECT_EQ(enqueue({.kind = "note", .lane = Lane::kBulk, .once = "x"}), bulk);
  for (int i = 0; i < 6; ++i) enqueue({.kind = "note", .lane = Lane::kPerson, .input = {{"name", "person"}}});
  jobs->start();
  wait_until(bulk, JobState::kFinished);
  std::scoped_lock lock(mutex);
  EXPECT_EQ(std::ranges::count(order, "bulk"), 1);
  EXPECT_GE(std::ranges::find(order, "bulk") - order.begin(), 5);
}

}  // namespace
}  // namespace steward::jobs
