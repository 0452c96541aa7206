// A disk that fails, and a process killed at every point: what was promised is there, what was refused is not, and it
// goes on by itself.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>

#include "base/crash_point.h"
#include "base/json.h"
#include "journal/audit.h"
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

// An SQLite file system that hands everything to the real one, but refuses to write while `full` is set.
struct FullDisk {
  static inline std::atomic<bool> full{false};
  static constexpr const char* kName = "full-disk";

  struct File {
    sqlite3_file base;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static sqlite3_vfs* real() { return sqlite3_vfs_find(nullptr); }
  static File* self(sqlite3_file* f) { return reinterpret_cast<File*>(f); }
  static const sqlite3_io_methods* m(sqlite3_file* f) { return self(f)->real()->pMethods; }
  static sqlite3_file* r(sqlite3_file* f) { return self(f)->real(); }

  static int write(sqlite3_file* f, const void* data, int n, sqlite3_int64 at) {
    return full ? SQLITE_FULL : m(f)->xWrite(r(f), data, n, at);
  }
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    static const sqlite3_io_methods kMethods = {
        3,
        [](sqlite3_file* f) { return m(f)->xClose(r(f)); },
        [](sqlite3_file* f, void* p, int n, sqlite3_int64 at) { return m(f)->xRead(r(f), p, n, at); },
        write,
        [](sqlite3_file* f, sqlite3_int64 n) { return m(f)->xTruncate(r(f), n); },
        [](sqlite3_file* f, int flags) { return m(f)->xSync(r(f), flags); },
        [](sqlite3_file* f, sqlite3_int64* n) { return m(f)->xFileSize(r(f), n); },
        [](sqlite3_file* f, int l) { return m(f)->xLock(r(f), l); },
        [](sqlite3_file* f, int l) { return m(f)->xUnlock(r(f), l); },
        [](sqlite3_file* f, int* out) { return m(f)->xCheckReservedLock(r(f), out); },
        [](sqlite3_file* f, int op, void* arg) { return m(f)->xFileControl(r(f), op, arg); },
        [](sqlite3_file* f) { return m(f)->xSectorSize(r(f)); },
        [](sqlite3_file* f) { return m(f)->xDeviceCharacteristics(r(f)); },
        [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
          return m(f)->xShmMap(r(f), page, size, extend, out);
        },
        [](sqlite3_file* f, int offset, int n, int flags) { return m(f)->xShmLock(r(f), offset, n, flags); },
        [](sqlite3_file* f) { m(f)->xShmBarrier(r(f)); },
        [](sqlite3_file* f, int remove) { return m(f)->xShmUnmap(r(f), remove); },
        [](sqlite3_file* f, sqlite3_int64 at, int n, void** out) { return m(f)->xFetch(r(f), at, n, out); },
        [](sqlite3_file* f, sqlite3_int64 at, void* p) { return m(f)->xUnfetch(r(f), at, p); }};
    f->pMethods = nullptr;
    const int rc = real()->xOpen(real(), name, r(f), flags, out);
    if (r(f)->pMethods) f->pMethods = &kMethods;
    return rc;
  }
  static void install() {
    static sqlite3_vfs vfs = *real();
    vfs.zName = kName;
    vfs.szOsFile = static_cast<int>(sizeof(File)) + real()->szOsFile;
    vfs.xOpen = open;
    sqlite3_vfs_register(&vfs, 0);
  }
};

void wait_for(const Journal& journal, State state) {
  for (int i = 0; i < 5'000 && journal.state() != state; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_EQ(journal.state(), state);
}

TEST(BrokenDisk, FullDiskFailsClosedAndRecoversByItself) {
  FullDisk::install();
  TestHome home({.sync = false, .vfs = FullDisk::kName});
  SumFold fold;
  home.journal().add_fold(fold);
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note(1)}));
  FullDisk::full = true;
  EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(home.append(kTenant, {note(10)}).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(home.journal().state(), State::kReadOnly);
  EXPECT_EQ(fold.sum, 1) << "what was rolled back must not stay in a fold";
  EXPECT_EQ(home.journal().read(kTenant, 0, 10)->size(), 1u) << "reading goes on";
  FullDisk::full = false;
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

struct CopyView final : View {
  std::string_view name() const override { return "copy"; }
  int version() const override { return 1; }
  void create(Db& db) override { db.execute("CREATE TABLE copy_all(seq INTEGER PRIMARY KEY, body TEXT)"); }
  void apply(Db& db, const Record& r) override {
    db.prepare("INSERT INTO copy_all VALUES(?,?)").bind(1, r.seq).bind(2, r.body).run();
  }
};

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
