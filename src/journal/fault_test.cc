// A disk that fails, and a process killed at every point: what was promised is there, what was refused is not, and it
// goes on by itself.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>

#include "base/crash_point.h"
#include "base/json.h"
#include "journal/audit.h"
#include "journal/simulated_disk_testing.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_a";

Draft note(int n) { return {.stream = "note/1", .kind = "note.said", .body = fmt::format("{{\"n\":{}}}", n)}; }

class SumFold final : public Fold {
 public:
  void reset() override { sum = 0; }
  Seq load(Db&, const Id&) override { return 0; }
  void apply(const Record& r) override { sum += parse_own(r.body).value("n", 0); }
  std::atomic<int> sum = 0;
};

void wait_for(const Journal& journal, State state) {
  for (int i = 0; i < 5'000 && journal.state() != state; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_EQ(journal.state(), state);
}

TEST(BrokenDisk, FullDiskFailsClosedAndRecoversByItself) {
  SimulatedDisk disk(1);
  TestHome home({.sync = false, .vfs = disk.vfs()});
  SumFold fold;
  home.journal().add_fold(fold);
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  disk.full = true;
  EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(home.journal().state(), State::kReadOnly);
  EXPECT_EQ(fold.sum, 1) << "what was rolled back must not stay in a fold";
  EXPECT_EQ(home.journal().read(kTenant, 0, 10)->size(), 1u) << "reading goes on";
  disk.full = false;
  wait_for(home.journal(), State::kReady);
  auto appended = home.append(kTenant, {note(100)});
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->last_seq(), 2u) << "no gap";
  EXPECT_EQ(fold.sum, 101);
  home.stop();
  EXPECT_TRUE(verify_journal(home.path())->ok);
}

TEST(BrokenDisk, ASyncThatFailsPromisesNothingAndIsMadeGoodByACheckpoint) {
  static std::atomic<bool> broken;
  broken = false;
  TestHome home({.sync = true, .sync_file = [](int fd) {
                   if (!broken) return ::fdatasync(fd);
                   errno = EIO;
                   return -1;
                 }});
  SumFold fold;
  home.journal().add_fold(fold);
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}, Wait::kDurable));
  broken = true;
  EXPECT_EQ(home.append(kTenant, {note(10)}, Wait::kDurable).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(home.journal().durable_seq(kTenant), 1u);
  broken = false;
  wait_for(home.journal(), State::kReady);
  EXPECT_EQ(home.journal().durable_seq(kTenant), 2u) << "it was written, and the checkpoint has synced it";
  ASSERT_TRUE(home.append(kTenant, {note(100)}, Wait::kDurable));
  EXPECT_EQ(fold.sum, 111);
}

constexpr const char* kChildHome = "STEWARD_TEST_HOME";
constexpr int kChildPipe = 9;

// Not a test of its own: what the killed process runs. It is this program anew, since a process reads its crash point
// once.
TEST(CrashChild, DISABLED_AppendsUntilKilled) {
  const char* path = std::getenv(kChildHome);
  if (!path) GTEST_SKIP();
  SystemClock clock;
  SystemRandom random;
  auto journal = make_sqlite_journal({.home = path}, clock, random, Log());
  auto views = make_views(path, *journal, Log());
  CopyView copy;
  views->add(copy);
  if (!journal->start() || !views->start()) ::_exit(2);
  for (int n = 1; n < 2'000; ++n) {
    if (!journal->append_blocking(kTenant, {note(n), note(n)}, n % 2 ? Wait::kWritten : Wait::kDurable)) ::_exit(3);
    if (::write(kChildPipe, &n, sizeof n) != sizeof n) ::_exit(4);
  }
  ::_exit(5);  // the point was never reached
}

// Answers the numbers that the child was told are written before the armed point killed it.
std::vector<int> appended_until_killed(const std::filesystem::path& home, const char* point) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], kChildPipe);
    ::setenv("STEWARD_CRASH_AT", point, 1);
    ::setenv(kChildHome, home.c_str(), 1);
    ::execl("/proc/self/exe", "journal_test", "--gtest_filter=CrashChild.*", "--gtest_also_run_disabled_tests",
            "--gtest_brief=1", nullptr);
    ::_exit(6);
  }
  ::close(ends[1]);
  std::vector<int> acknowledged;
  for (int n; ::read(ends[0], &n, sizeof n) == sizeof n;) acknowledged.push_back(n);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << point << " was not reached: " << status;
  return acknowledged;
}

class KilledAt : public ::testing::TestWithParam<const char*> {};

TEST_P(KilledAt, LosesNothingThatWasAcknowledgedAndCommitsWholeBatches) {
  TestHome home;
  for (int round = 0; round < 3; ++round) {
    const size_t before = round == 0 ? 0 : verify_journal(home.path())->records;
    const auto acknowledged = appended_until_killed(home.path(), GetParam());
    const auto report = verify_journal(home.path());
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->ok) << report->problem;
    const size_t written = report->records - before;
    EXPECT_EQ(written % 2, 0u) << "half a batch";
    EXPECT_GE(written, 2 * acknowledged.size()) << "an acknowledged batch is lost";
    EXPECT_LE(written, 2 * acknowledged.size() + 2) << "at most the one in flight beyond";
  }
  // The views of the killed process are caught up with, not folded twice.
  CopyView copy;
  home.views().add(copy);
  home.start();
  home.wait_applied();
  int64_t rows = 0;
  home.views().query_blocking([&](Db& db) { rows = db.integer("SELECT count(*) FROM copy_all"); });
  EXPECT_EQ(static_cast<uint64_t>(rows), home.journal().written_seq(kTenant));
}

INSTANTIATE_TEST_SUITE_P(Points, KilledAt,
                         ::testing::Values("before_commit:7", "after_commit_before_ack:7", "before_sync:5",
                                           "after_sync:5", "view_before_commit:3", "view_after_commit:3"));

TEST(CrashPoints, AreListedOnce) {
  std::set<std::string_view> names;
  for (const auto& point : crash_points()) EXPECT_TRUE(names.insert(point.name).second) << point.name;
  EXPECT_GE(names.size(), 6u);
}

}  // namespace
}  // namespace steward::journal
