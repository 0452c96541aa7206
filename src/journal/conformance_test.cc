// What every store must do: the same tests over SQLite and over a real PostgreSQL.
#include <gmock/gmock.h>

#include <future>

#include "base/json.h"
#include "journal/audit.h"
#include "journal/blobs.h"
#include "journal/copy.h"
#include "journal/postgres_testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_a", kOther = "ten_b";

Draft note(std::string body, std::string stream = "note/1") {
  return {.stream = std::move(stream), .kind = "note.said", .body = Json(std::move(body)).dump()};
}

struct CountFold final : Fold {
  void reset() override { seqs.clear(); }
  Seq load(Db&, const Id&) override { return 0; }
  void apply(const Record& r) override { seqs[r.tenant].push_back(r.seq); }
  std::map<Id, std::vector<Seq>> seqs;
};

std::vector<std::string> lines_of(const Location& location) {
  std::vector<std::string> out;
  auto done = export_journal(location, {}, [&](std::string_view line) -> Status {
    out.emplace_back(line);
    return {};
  });
  EXPECT_TRUE(done.has_value());
  return out;
}

enum class Kind { kSqlite, kPostgres };

struct EveryStore : ::testing::TestWithParam<Kind> {
  void SetUp() override {
    if (GetParam() == Kind::kPostgres) {
      TestPostgres::shared().sql("DROP SCHEMA IF EXISTS steward CASCADE");
      home.postgres().url = TestPostgres::shared().url();
    }
    home.options().kept_kinds = {"call."};
    home.make();
    home.journal().add_fold(fold);
    home.start();
  }
  void reopen() {
    home.make();
    home.journal().add_fold(fold);
    home.start();
  }
  VerifyReport verified() { return verify_journal(home.journal().location()).value(); }
  CountFold fold;
  StoreHome home;
};

TEST_P(EveryStore, NumbersAreGaplessAndVersionsCountTheStream) {
  ASSERT_TRUE(home.append(kTenant, {note("a"), note("b", "other/1"), note("c")}));
  ASSERT_TRUE(home.append(kOther, {note("a")}));
  const auto last = home.append(kTenant, {note("d")});
  ASSERT_TRUE(last);
  EXPECT_EQ(last->records[0].seq, 4u);
  EXPECT_EQ(last->records[0].version, 3u);
  const auto page = home.journal().read(kTenant, 1, 2).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].seq, 2u);
  EXPECT_EQ(page[0].stream, "other/1");
  const auto stream = home.journal().read_stream(kTenant, "note/1", 1, 10).value();
  ASSERT_EQ(stream.size(), 2u);
  EXPECT_EQ(stream[0].body, "\"c\"");
  EXPECT_EQ(home.journal().find(stream[1].id)->digest, last->records[0].digest);
  EXPECT_EQ(home.journal().find("rec_none").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(home.journal().read("ten_none", 0, 10)->empty());
  EXPECT_EQ(verified().records, 5u);
}

TEST_P(EveryStore, KeepsEveryFieldAndEveryByte) {
  Draft draft{.stream = "straße/Zürich",
              .kind = "note.said",
              .body = R"({"nul":"\u0000","text":"日本語 \" ' \\ $1 {}"})",
              .schema = 3,
              .id = "rec_mine",
              .time = 1'700'000'000'000'001,
              .actor = "usr_a",
              .on_behalf_of = "usr_b",
              .cause = "rec_c",
              .sources = {"src_1", "src_2"},
              .acl = "acl_1",
              .label = "outside"};
  Draft large = note(std::string(3 << 20, 'x'));
  const auto appended = home.append(kTenant, {draft, large}, Wait::kDurable);
  ASSERT_TRUE(appended) << appended.error().message;
  reopen();
  const auto page = home.journal().read(kTenant, 0, 10).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].stream, draft.stream);
  EXPECT_EQ(page[0].body, draft.body);
  EXPECT_EQ(page[0].sources, draft.sources);
  EXPECT_EQ(page[0].time, draft.time);
  EXPECT_EQ(page[0].schema, 3u);
  EXPECT_EQ(page[1].body.size(), large.body.size());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(to_export_line(page[i], true), to_export_line(appended->records[i], true));
  }
  EXPECT_TRUE(verified().ok);
}

TEST_P(EveryStore, ARefusedBatchLeavesNothing) {
  ASSERT_TRUE(home.append(kTenant, {note("a")}));
  Draft stale = note("b");
  stale.expected_version = 0;
  const auto refused = home.append(kTenant, {note("c", "new/1"), stale});
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  stale.expected_version = 1;
  EXPECT_EQ(home.append(kTenant, {note("c", "new/1"), stale})->records[1].version, 2u);
  Draft first = note("d", "fresh/1");
  first.expected_version = 0;
  EXPECT_TRUE(home.append(kOther, {first}));
  Draft named = note("e");
  named.id = "rec_mine";
  EXPECT_EQ(home.append(kTenant, {named, named}).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(home.append(kTenant, {named}));
  EXPECT_EQ(home.append(kTenant, {named}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(home.append(kTenant, {note("f", "bad\xff/1")}).error().code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(home.journal().written_seq(kTenant), 4u);
  EXPECT_TRUE(verified().ok);
}

TEST_P(EveryStore, ManyWritersStayGaplessAndAreFolded) {
  std::vector<std::future<int>> writers;
  for (int w = 0; w < 6; ++w) {
    writers.push_back(std::async(std::launch::async, [this, w] {
      int failed = 0;
      for (int i = 0; i < 60; ++i)
        failed += !home.append(i % 3 ? kTenant : kOther, {note("x", fmt::format("note/{}", w)), note("y", "all/1")});
      return failed;
    }));
  }
  for (auto& writer : writers) EXPECT_EQ(writer.get(), 0);
  EXPECT_EQ(home.journal().written_seq(kTenant), 480u);
  EXPECT_EQ(home.journal().written_seq(kOther), 240u);
  for (const auto& [tenant, seqs] : fold.seqs) {
    for (size_t i = 0; i < seqs.size(); ++i) ASSERT_EQ(seqs[i], i + 1) << tenant;
  }
  EXPECT_EQ(home.journal().read_stream(kTenant, "all/1", 239, 10)->size(), 1u);
  const auto report = verified();
  EXPECT_TRUE(report.ok) << report.problem;
  EXPECT_EQ(report.records, 720u);
}

TEST_P(EveryStore, FollowersSeeTheDurableMarkMove) {
  std::mutex mutex;
  std::vector<Seq> seen;
  const size_t hook = home.journal().on_durable([&](const Id& tenant, Seq seq) {
    const auto page = home.journal().read(tenant, seq - 1, 1);
    std::lock_guard lock(mutex);
    if (page && page->size() == 1) seen.push_back(seq);
  });
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(home.append(kTenant, {note("x")}, Wait::kDurable));
  const auto told_of_the_last = [&] {
    std::lock_guard lock(mutex);
    return !seen.empty() && seen.back() == 5;
  };
  for (int i = 0; i < 5'000 && !told_of_the_last(); ++i)  // who waits is answered first, then followers are told
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  home.journal().forget(hook);
  EXPECT_EQ(home.journal().durable_seq(kTenant), 5u);
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 5u);
}

TEST_P(EveryStore, GoesOnWhereItEnded) {
  ASSERT_TRUE(home.append(kTenant, {note("a"), note("b")}));
  reopen();
  EXPECT_EQ(fold.seqs[kTenant], (std::vector<Seq>{1, 2}));
  const auto next = home.append(kTenant, {note("c")});
  EXPECT_EQ(next->records[0].seq, 3u);
  EXPECT_EQ(next->records[0].version, 3u);
  EXPECT_TRUE(verified().ok);
}

TEST_P(EveryStore, ErasedIsHiddenThenPurgedAndTheChainHolds) {
  BlobStore blobs(HomePaths(home.path()), std::string(32, 'k'));
  const std::string blob = blobs.put(kTenant, "content of a blob").value();
  Draft with_blob = note("the-word-that-must-go");
  with_blob.blobs = {blob};
  const Id first = home.append(kTenant, {with_blob})->records[0].id;
  Draft drawn = note("drawn from it");
  drawn.sources = {first};
  ASSERT_TRUE(home.append(kTenant, {drawn, note("stays")}));
  EXPECT_EQ(home.journal().erase_blocking(kTenant, {.ids = {"rec_none"}}).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {first}, .reason = "person_asked"}));
  auto page = home.journal().read(kTenant, 0, 10).value();
  ASSERT_EQ(page.size(), 4u);
  EXPECT_TRUE(page[0].erased && page[0].body.empty() && page[0].salt.empty());
  EXPECT_TRUE(page[1].erased);
  EXPECT_FALSE(page[2].erased);
  EXPECT_EQ(page[3].kind, "record.erased");
  const auto purged = home.journal().purge();
  ASSERT_TRUE(purged) << purged.error().message;
  EXPECT_EQ(*purged, 2u);
  EXPECT_EQ(home.journal().purge().value(), 0u);
  EXPECT_FALSE(blobs.get(kTenant, blob).has_value());
  ASSERT_TRUE(home.append(kTenant, {note("after")}));
  const auto report = verified();
  EXPECT_TRUE(report.ok) << report.problem;
  EXPECT_EQ(report.erased, 2u);
  const Id call = home.append(kTenant, {{.stream = "call/c", .kind = "call.settled", .body = "{}"}})->records[0].id;
  EXPECT_EQ(home.journal().erase_blocking(kTenant, {.ids = {call}}).error().code, ErrorCode::kForbidden);
  if (GetParam() == Kind::kSqlite) return;
  for (const auto& file : std::filesystem::recursive_directory_iterator(TestPostgres::shared().data())) {
    if (!file.is_regular_file()) continue;
    EXPECT_EQ(read_file(file.path(), size_t{1} << 30).value_or("").find("the-word-that-must-go"), std::string::npos)
        << file.path();
  }
}

TEST_P(EveryStore, ErasuresThatTheLogNamesAreAppliedAtTheNextStart) {
  const Id id = home.append(kTenant, {note("comes back")})->records[0].id;
  home.stop();
  ASSERT_TRUE(write_file_atomic(HomePaths(home.path()).erasures(),
                                Json{{"time", 1}, {"tenant", kTenant}, {"records", {id}}}.dump() + "\n"));
  reopen();
  EXPECT_TRUE(home.journal().find(id)->erased);
  EXPECT_TRUE(verified().ok);
}

TEST_P(EveryStore, ASecondWriterIsRefusedByName) {
  SystemClock clock;
  SystemRandom random;
  TempDir other;
  Options options = home.options();
  if (GetParam() == Kind::kPostgres) options.home = other.path() / "home";
  auto second = make_journal(options, home.postgres(), clock, random, Log());
  const auto status = second->start();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, testing::HasSubstr(fmt::format("process {}", ::getpid())));
  EXPECT_TRUE(home.append(kTenant, {note("still first")}));
}

TEST_P(EveryStore, IsCopiedToTheOtherAndBackByteForByte) {
  const Id gone = home.append(kTenant, {note("goes"), note("stays")})->records[0].id;
  ASSERT_TRUE(home.append(kOther, {note("other")}));
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {gone}}));
  const Location here = home.journal().location();
  home.stop();
  auto lines = lines_of(here);
  ASSERT_EQ(lines.size(), 4u);
  TempDir dir;
  const Location there(dir.path() / "copy");
  auto copied = copy_journal(here, there, nullptr);
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_EQ(copied->records, 4u);
  EXPECT_EQ(lines_of(there), lines);
  const auto again = copy_journal(here, there, nullptr);
  EXPECT_EQ(again->records, 0u);
  EXPECT_EQ(again->found, 4u);
  home.make();
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("later")}));
  home.stop();
  const auto more = copy_journal(here, there, nullptr);  // as if the first had been cut off before it
  ASSERT_TRUE(more) << more.error().message;
  EXPECT_EQ(more->records, 1u);
  lines = lines_of(here);
  EXPECT_EQ(lines_of(there), lines);
  auto& postgres = TestPostgres::shared();
  postgres.sql("DROP SCHEMA IF EXISTS steward CASCADE");
  const Location database(dir.path() / "copy", postgres.url(), "");
  ASSERT_TRUE(copy_journal(there, database, nullptr));
  EXPECT_EQ(lines_of(database), lines);
  const Location third(dir.path() / "third");
  ASSERT_TRUE(copy_journal(database, third, nullptr));
  EXPECT_EQ(lines_of(third), lines);
  EXPECT_TRUE(verify_journal(third)->ok);
  EXPECT_EQ(copy_journal(third, third, nullptr).error().code, ErrorCode::kInvalidRequest);
}

INSTANTIATE_TEST_SUITE_P(Stores, EveryStore, ::testing::Values(Kind::kSqlite, Kind::kPostgres),
                         [](const auto& one) { return one.param == Kind::kSqlite ? "Sqlite" : "Postgres"; });

}  // namespace
}  // namespace steward::journal
