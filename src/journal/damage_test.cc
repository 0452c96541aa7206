// Files that rotted: what is read is what was recorded or an error, damaged views fold themselves again, a lost end of
// the journal is not passed over.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <fstream>

#include "base/json.h"
#include "journal/health.h"
#include "journal/location.h"
#include "journal/scrub.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_a";

Draft note(int n) { return {.stream = "note/1", .kind = "note.said", .body = fmt::format("{{\"n\":{}}}", n)}; }

struct DamageTest : ::testing::Test {
  void open() {
    home.views().add(view);
    home.start();
  }
  void SetUp() override {
    open();
    for (int i = 1; i <= 20; ++i) ASSERT_TRUE(home.append(kTenant, {note(i)}));
    home.wait_applied();
  }
  void reopen() {
    home.reopen();
    open();
  }
  void change_a_body() {
    Db db = Db::open(home.path() / "journal.db", Db::Mode::kReadWrite);
    db.execute("UPDATE records SET body = CAST('{\"n\":999}' AS BLOB) WHERE (pos & 1099511627775) = 7");
  }
  // Overwrites the root page of a table of the views.
  void spoil_views(std::string_view table) {
    std::vector<int64_t> pages;
    {
      Db db = Db::open(home.path() / "views.db", Db::Mode::kReadWrite);
      db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      auto& row = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").bind(1, table);
      while (row.step()) pages.push_back(row.integer(0));
    }
    ASSERT_FALSE(pages.empty());
    std::fstream file(home.path() / "views.db", std::ios::in | std::ios::out | std::ios::binary);
    for (const int64_t page : pages) {
      file.seekp((page - 1) * 4096);
      file << std::string(4096, '\x5a');
    }
  }
  int64_t sum() {
    int64_t sum = -1;
    home.views().query_blocking(
        [&](Db& db) { sum = db.integer("SELECT sum(json_extract(body, '$.n')) FROM copy_all"); });
    return sum;
  }
  std::string trouble() {
    auto all = troubles_of(home.views());
    if (all.empty()) all = troubles_of(home.journal());  // whose start reads the views first
    return all.empty() ? "" : all.front().code;
  }

  CopyView view;
  TestHome home;
};

TEST_F(DamageTest, ARecordThatIsNotWhatWasRecordedIsNeverServed) {
  change_a_body();
  EXPECT_EQ(home.journal().read(kTenant, 0, 100).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(home.journal().read_stream(kTenant, "note/1", 6, 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(home.journal().state(), State::kFailed);
  EXPECT_EQ(troubles_of(home.journal()).front().code, "journal_corrupt");
  EXPECT_FALSE(home.append(kTenant, {note(21)})) << "nothing is promised on a damaged journal";
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  EXPECT_EQ(home.journal().state(), State::kFailed) << "trying again makes no damage good";
}

TEST_F(DamageTest, TheScrubberFindsWhatNobodyReads) {
  std::string found;
  Scrubber scrubber([&] { return open_scan(Location(home.path())); }, [&](std::string_view what) { found = what; });
  EXPECT_EQ(scrubber.pass({}), "");
  change_a_body();
  EXPECT_THAT(scrubber.pass({}), ::testing::HasSubstr("record 7"));
}

TEST_F(DamageTest, DamagedViewsAreFoldedAgainAtTheStart) {
  home.stop();
  spoil_views("view_state");
  reopen();
  home.wait_applied();
  EXPECT_EQ(trouble(), "views_rebuilt");
  EXPECT_EQ(sum(), 210);
}

TEST_F(DamageTest, DamagedViewsAreFoldedAgainBeside) {
  reopen();  // its connections have read no page of the table yet
  spoil_views("copy_all");
  try {
    (void)sum();
  } catch (const DbError&) {  // what met the damage is told so
  }
  ASSERT_TRUE(home.append(kTenant, {note(21)}));
  for (int i = 0; i < 5'000 && trouble() != "views_rebuilt"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(trouble(), "views_rebuilt");
  home.wait_applied();
  EXPECT_EQ(sum(), 231);
}

TEST_F(DamageTest, AJournalThatLostItsEndIsNotGoneOnWith) {
  home.stop();
  {
    Db db = Db::open(home.path() / "journal.db", Db::Mode::kReadWrite);
    db.execute("DELETE FROM records WHERE (pos & 1099511627775) > 15");
    db.execute("UPDATE tenants SET seq = 15, digest = (SELECT digest FROM records ORDER BY pos DESC LIMIT 1)");
  }
  home.reopen();
  const auto started = home.journal().start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(started.error().message, ::testing::HasSubstr("its end was lost"));
  std::filesystem::remove(home.path() / "views.db");
  home.reopen();
  open();  // said on purpose
}

}  // namespace
}  // namespace steward::journal
