#include "journal/journal.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_01JDKX0Z8N5Y3W6Q4R2T1V0B9C";

Draft note(std::string stream, std::string body = R"({"n":1})") {
  return {.stream = std::move(stream), .kind = "test.noted", .body = std::move(body)};
}

// Sums "n" of every record: what a budget's fold is, at its smallest.
class SumFold final : public Fold {
 public:
  void reset() override {
    sum = 0;
    ++resets;
  }
  Seq load(Db&, const Id&) override { return 0; }
  void apply(const Record& r) override {
    if (!r.erased) sum += parse_own(r.body).value("n", 0);
  }
  int sum = 0, resets = 0;
};

class LinesView final : public View {
 public:
  explicit LinesView(int version = 1) : version_(version) {}
  std::string_view name() const override { return "lines"; }
  int version() const override { return version_; }
  void create(Db& db) override { db.execute("CREATE TABLE lines_all(seq INTEGER, body TEXT)"); }
  void apply(Db& db, const Record& r) override {
    db.prepare("INSERT INTO lines_all VALUES(?,?)").bind(1, r.seq).bind(2, r.body + (version_ > 1 ? "!" : "")).run();
  }

 private:
  int version_;
};

int64_t count_lines(Views& views, std::string_view where = "1") {
  int64_t n = 0;
  views.query_blocking([&](Db& db) { n = db.integer(fmt::format("SELECT count(*) FROM lines_all WHERE {}", where)); });
  return n;
}

TEST(Journal, NumbersAreGaplessAndVersionsCountTheStream) {
  TestHome home;
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("a/1"), note("b/1"), note("a/1")}));
  ASSERT_TRUE(home.append("ten_other", {note("a/1")}));
  auto appended = home.append(kTenant, {note("a/1")});
  ASSERT_TRUE(appended);
  EXPECT_EQ(appended->last_seq(), 4u);
  EXPECT_EQ(appended->records[0].version, 3u);
  auto records = home.journal().read(kTenant, 1, 10);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((*records)[i].seq, i + 2);
  auto stream = home.journal().read_stream(kTenant, "a/1", 1, 10);
  ASSERT_TRUE(stream);
  ASSERT_EQ(stream->size(), 2u);
  EXPECT_EQ((*stream)[0].seq, 3u);
  EXPECT_EQ(home.journal().find((*stream)[0].id)->seq, 3u);
  EXPECT_EQ(home.journal().find("rec_none").error().code, ErrorCode::kNotFound);
}

TEST(Journal, SurvivesAReopen) {
  TestHome home;
  SumFold fold;
  home.journal().add_fold(fold);
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("a/1"), note("a/1", R"({"n":41})")}, Wait::kDurable));
  home.reopen();
  home.journal().add_fold(fold);
  home.start();
  EXPECT_EQ(fold.sum, 42);
  EXPECT_EQ(home.journal().durable_seq(kTenant), 2u);
  EXPECT_EQ(home.append(kTenant, {note("a/1")})->records[0].version, 3u);
}

TEST(Journal, ABatchWithAWrongVersionLeavesNothing) {
  TestHome home;
  SumFold fold;
  home.journal().add_fold(fold);
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("a/1")}));
  Draft stale = note("a/1");
  stale.expected_version = 0;
  auto refused = home.append(kTenant, {note("b/1"), stale});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_EQ(home.journal().written_seq(kTenant), 1u);
  stale.expected_version = 1;
  EXPECT_TRUE(home.append(kTenant, {note("b/1"), stale}));
  EXPECT_EQ(fold.sum, 3);
}

TEST(Journal, RefusesDraftsThatAreNoRecords) {
  TestHome home;
  home.start();
  std::vector<Draft> bad(7, note("a/1"));
  bad[0].stream = "";
  bad[1].kind = "two words";
  bad[2].body = "{";
  bad[3].schema = 0;
  bad[4].sources = {""};
  bad[5].stream = std::string(1000, 'x');
  bad[6].body = "\"" + std::string(9 << 20, 'x') + "\"";
  for (auto& draft : bad) EXPECT_EQ(home.append(kTenant, {draft}).error().code, ErrorCode::kInvalidRequest);
  EXPECT_FALSE(home.append("../x", {note("a/1")}));
  EXPECT_EQ(home.journal().written_seq(kTenant), 0u);
  Draft named = note("a/1");
  named.id = "rec_mine";
  EXPECT_EQ(home.append(kTenant, {named, named}).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(home.append(kTenant, {named}));
  EXPECT_EQ(home.append(kTenant, {named}).error().code, ErrorCode::kConflict);
}

TEST(Journal, RefusesKindsThatNoListNames) {
  TestHome home;
  home.options().kinds = {note("a/1").kind, "record.erased"};
  home.reopen();
  home.start();
  Draft other = note("a/1");
  other.kind = "note.forgotten";
  EXPECT_EQ(home.append(kTenant, {note("a/1"), other}).error().code, ErrorCode::kInternal);
  EXPECT_EQ(home.journal().written_seq(kTenant), 0u);
  auto kept = home.append(kTenant, {note("a/1")});
  ASSERT_TRUE(kept);
  EXPECT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {kept->records[0].id}, .reason = "test"}));
}

// The wall: every decision sees all earlier ones, also those of its own group.
TEST(Journal, DecisionsSeeEveryEarlierRecord) {
  TestHome home;
  SumFold fold;
  home.journal().add_fold(fold);
  home.start();
  std::atomic<int> admitted = 0, refused = 0, answered = 0;
  for (int i = 0; i < 1000; ++i) {
    home.journal().submit(
        kTenant,
        [&]() -> Result<std::vector<Draft>> {
          if (fold.sum >= 100) return fail(ErrorCode::kBudgetExceeded);
          return std::vector{note("budget/1")};
        },
        [&](Result<Appended> r) {
          ++(r ? admitted : refused);
          ++answered;
        });
  }
  while (answered < 1000) std::this_thread::yield();
  EXPECT_EQ(admitted, 100);
  EXPECT_EQ(refused, 900);
}

TEST(Journal, WrittenComesBeforeDurable) {
  TestHome home({.sync = true});
  home.start();
  std::mutex mutex;
  std::vector<int> order(200, 0);
  std::atomic<int> done = 0, wrong = 0;
  for (int i = 0; i < 200; ++i) {
    home.journal().submit(
        kTenant, [] { return Result<std::vector<Draft>>(std::vector{note("a/1")}); },
        [&, i](Result<Appended>) {
          std::lock_guard l(mutex);
          order[i] = 1;
        },
        [&, i](Status s) {
          std::lock_guard l(mutex);
          if (!s || order[i] != 1) ++wrong;
          ++done;
        });
  }
  while (done < 200) std::this_thread::yield();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(home.journal().durable_seq(kTenant), 200u);
}

TEST(Journal, TwoServersCannotShareAHome) {
  TestHome home;
  home.start();
  SystemClock clock;
  SystemRandom random;
  auto second = make_sqlite_journal({.home = home.path()}, clock, random, Log());
  auto status = second->start();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  EXPECT_THAT(status.error().message, testing::HasSubstr(fmt::format("process {}", ::getpid())));
}

TEST(Journal, AfterStopNothingIsTaken) {
  TestHome home;
  home.start();
  home.stop();
  EXPECT_EQ(home.append(kTenant, {note("a/1")}).error().code, ErrorCode::kShuttingDown);
}

TEST(Views, FollowTheJournal) {
  TestHome home;
  LinesView view;
  home.views().add(view);
  home.start();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(home.append(kTenant, {note("a/1"), note("b/1")}));
  home.wait_applied();
  EXPECT_EQ(count_lines(home.views()), 100);
  EXPECT_THROW(home.views().query_blocking([](Db& db) { db.integer("SELECT nothing FROM nowhere"); }), DbError);
  EXPECT_EQ(count_lines(home.views()), 100);  // the reader goes on
}

TEST(Views, AnotherVersionIsRebuiltBesideTheOldOne) {
  TestHome home;
  LinesView first(1), second(2);
  home.views().add(first);
  home.start();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(home.append(kTenant, {note("a/1")}));
  home.wait_applied();
  home.reopen();
  home.views().add(second);
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("a/1")}));
  home.wait_applied();
  EXPECT_EQ(count_lines(home.views()), 51);
  EXPECT_EQ(count_lines(home.views(), "body LIKE '%!'"), 51);
  EXPECT_FALSE(std::filesystem::exists(home.path() / "views-rebuild.db"));
}

}  // namespace
}  // namespace steward::journal
