// Erase means erase: hidden at once, purged from every file, the chain still holds.
#include "journal/erasure.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/random.h"
#include "journal/audit.h"
#include "journal/blobs.h"
#include "journal/purge.h"
#include "journal/schema.h"
#include "journal/testing.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_a";
constexpr std::string_view kSecret = "the-word-that-must-go";

Draft note(std::string_view text, std::vector<Id> sources = {}, std::vector<std::string> blobs = {}) {
  return {.stream = "note/n",
          .kind = "note.said",
          .body = fmt::format("\"{}\"", text),
          .sources = std::move(sources),
          .blobs = std::move(blobs)};
}

size_t files_with(const std::filesystem::path& root, std::string_view text) {
  size_t found = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
    if (file.is_regular_file()) found += read_file(file.path()).value_or("").find(text) != std::string::npos;
  }
  return found;
}

struct ErasureTest : ::testing::Test {
  void SetUp() override {
    home.options().kept_kinds = {"call."};
    home.options().whole_kinds = {"note.placed"};
    home.reopen();
    home.start();
  }
  TestHome home;
};

// Its words can be erased alone; where it stands only with all of it.
TEST_F(ErasureTest, WhatHangsTogetherGoesWhole) {
  const Id source = "msg_1";
  Draft placed = note("place", {source});
  placed.kind = "note.placed";
  const auto records = home.append(kTenant, {placed, note(kSecret, {source})})->records;
  EXPECT_EQ(home.journal().erase_blocking(kTenant, {.ids = {records[0].id}, .whole = false}).error().code,
            ErrorCode::kForbidden);
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {source}, .whole = false}));
  const auto left = home.journal().read(kTenant, 0, 2).value();
  EXPECT_TRUE(!left[0].erased && left[1].erased);
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {records[0].id}}));
  EXPECT_TRUE(home.journal().find(records[0].id)->erased);
}

TEST_F(ErasureTest, HiddenThenPurgedAndTheChainHolds) {
  const Id first = home.append(kTenant, {note(kSecret)})->records[0].id;
  ASSERT_TRUE(home.append(kTenant, {note(std::string(kSecret) + "-drawn", {first})}).has_value());
  ASSERT_TRUE(home.append(kTenant, {note("stays")}).has_value());
  EXPECT_GT(files_with(home.path(), kSecret), 0u);
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {first}, .reason = "person_asked"}).has_value());
  const auto records = home.journal().read(kTenant, 0, 10).value();
  EXPECT_TRUE(records[0].erased && records[0].body.empty() && records[0].salt.empty());
  EXPECT_TRUE(records[1].erased) << "what was drawn from it goes too";
  EXPECT_FALSE(records[2].erased);
  EXPECT_EQ(records[3].kind, "record.erased");
  EXPECT_EQ(home.journal().purge().value(), 2u);
  EXPECT_EQ(home.journal().purge().value(), 0u);
  EXPECT_EQ(files_with(home.path(), kSecret), 0u);
  const auto report = verify_journal(home.path());
  EXPECT_TRUE(report->ok) << report->problem;
  EXPECT_EQ(report->erased, 2u);
}

// One purge may mark what was erased after it had cleaned the views; the next one has nothing to mark, and cleans them.
TEST_F(ErasureTest, APurgeCleansTheViewsThoughNothingIsHidden) {
  Db views = open_views_db(HomePaths(home.path()).views(), Db::Mode::kReadWrite);
  views.execute("CREATE TABLE words(word TEXT)");
  views.prepare("INSERT INTO words VALUES (?)").bind(1, kSecret).run();
  ASSERT_TRUE(truncate_log(views).has_value());
  views.execute("DELETE FROM words");
  EXPECT_GT(files_with(home.path(), kSecret), 0u) << "the deletion stands in the log alone";
  EXPECT_EQ(home.journal().purge().value(), 0u);
  EXPECT_EQ(files_with(home.path(), kSecret), 0u);
}

TEST_F(ErasureTest, KeptKindsAndUnknownIdsAreRefused) {
  const Id kept = home.append(kTenant, {{.stream = "call/c", .kind = "call.settled", .body = "{}"}})->records[0].id;
  EXPECT_EQ(home.journal().erase_blocking(kTenant, {.ids = {kept}}).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(home.journal().erase_blocking(kTenant, {.ids = {"rec_none"}}).error().code, ErrorCode::kNotFound);
}

TEST_F(ErasureTest, ABlobGoesWithTheLastRecordThatNamesIt) {
  BlobStore blobs(HomePaths(home.path()), std::string(32, 'k'));
  const std::string blob = blobs.put(kTenant, kSecret).value();
  EXPECT_EQ(blobs.put(kTenant, kSecret).value(), blob);
  EXPECT_NE(blobs.put("ten_b", kSecret).value(), blob) << "no two tenants share a blob";
  EXPECT_EQ(blobs.get(kTenant, blob).value(), kSecret);
  const Id one = home.append(kTenant, {note("x", {}, {blob})})->records[0].id;
  const Id two = home.append(kTenant, {note("y", {}, {blob})})->records[0].id;
  EXPECT_EQ(home.append(kTenant, {note("z", {}, {"blob_" + std::string(64, '0')})}).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {one}}).has_value());
  ASSERT_TRUE(home.journal().purge().has_value());
  EXPECT_TRUE(blobs.get(kTenant, blob).has_value());
  ASSERT_TRUE(home.journal().erase_blocking(kTenant, {.ids = {two}}).has_value());
  ASSERT_TRUE(home.journal().purge().has_value());
  EXPECT_EQ(blobs.get(kTenant, blob).error().code, ErrorCode::kNotFound);
}

// SQLite's own secure_delete leaves copies of rows in pages that were balanced (tools/third_party/sqlite.py mends it):
// of these about six.
TEST(Erasure, RowsThatWereMovedLeaveNoCopyInTheirPages) {
  TestHome home;
  std::filesystem::create_directories(home.path());
  const auto file = home.path() / "rows.db";
  constexpr int kRows = 6'000;
  std::vector<std::string> words;
  SeededRandom random{1};
  for (int i = 0; i < kRows; ++i) {
    std::string word;
    for (int k = 0; k < 16; ++k) word += static_cast<char>('a' + random.below(26));
    words.push_back(word);
  }
  for (const bool by_rowid : {true, false}) {
    {
      Db db = open_journal_db(file, Db::Mode::kReadWrite);
      db.execute(by_rowid ? "CREATE TABLE t(n INTEGER PRIMARY KEY, k TEXT)"
                          : "CREATE TABLE t(k TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(k, n)) WITHOUT ROWID");
      const auto number = [](int i) { return int64_t{i} * 7'919 % 100'003; };
      db.execute("BEGIN");
      for (int i = 0; i < kRows; ++i)
        db.prepare("INSERT INTO t(n, k) VALUES (?, ?)").bind(1, number(i)).bind(2, words[i]).run();
      for (int i = 0; i < kRows; i += 2)
        db.prepare("DELETE FROM t WHERE n = ? AND k = ?").bind(1, number(i)).bind(2, words[i]).run();
      db.execute("COMMIT");
      ASSERT_TRUE(truncate_log(db));
    }
    const std::string bytes = read_file(file).value_or("");
    int left = 0;
    for (int i = 0; i < kRows; i += 2) left += bytes.find(words[i]) != std::string::npos ? 1 : 0;
    EXPECT_EQ(left, 0) << (by_rowid ? "by rowid" : "without rowid");
    EXPECT_NE(bytes.find(words[1]), std::string::npos);
    std::filesystem::remove(file);
  }
}

}  // namespace
}  // namespace steward::journal
