// Backup beside a running journal, restore into an empty home, and views folded anew while they serve.
#include "journal/backup.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "journal/db.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {

const Id kTenant = "ten_a";

Draft note(std::string text) { return {.stream = "note/n", .kind = "note.said", .body = "\"" + text + "\""}; }

// How often each text was said.
class Counts final : public View {
 public:
  std::string_view name() const override { return "counts"; }
  int version() const override { return 1; }
  void create(Db& db) override {
    db.execute("CREATE TABLE counts_texts(text TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
  }
  void apply(Db& db, const Record& record) override {
    if (record.kind != "note.said") return;
    db.prepare("INSERT INTO counts_texts VALUES(?,1) ON CONFLICT DO UPDATE SET n=n+1")
        .bind(1, record.erased ? "erased" : record.body)
        .run();
  }
};

int64_t count_of(TestHome& home, std::string text) {
  int64_t n = 0;
  home.views().query_blocking([&](Db& db) {
    auto& row = db.prepare("SELECT n FROM counts_texts WHERE text=?").bind(1, text);
    if (row.step()) n = row.integer(0);
    row.reset();
  });
  return n;
}

Status rebuild(TestHome& home) {
  std::promise<Status> done;
  home.views().rebuild([&](Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

TEST(Backup, ComesBackWhole) {
  TestHome home;
  home.start();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(home.append(kTenant, {note("before")}).has_value());
  const auto folder = home.path().parent_path() / "backup";
  const auto taken = backup_home(home.path(), folder, home.clock().now_us());
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_EQ(taken->records, 50u);
  ASSERT_TRUE(home.append(kTenant, {note("after")}).has_value());
  EXPECT_EQ(backup_home(home.path(), folder, 0).error().code, ErrorCode::kConflict);
  EXPECT_EQ(restore_home(folder, home.path()).error().code, ErrorCode::kConflict) << "the home is in use";

  const auto fresh = home.path().parent_path() / "fresh";
  const auto restored = restore_home(folder, fresh);
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_EQ(restored->records, 50u);
  EXPECT_EQ(restore_home(folder, fresh).error().code, ErrorCode::kConflict) << "it holds a journal now";
  ManualClock clock;
  SystemRandom random;
  auto journal = make_sqlite_journal({.home = fresh, .sync = false}, clock, random, Log());
  ASSERT_TRUE(journal->start().has_value());
  EXPECT_EQ(journal->written_seq(kTenant), 50u);
  ASSERT_TRUE(journal->append_blocking(kTenant, {note("goes on")}).has_value());
  journal->stop();
  EXPECT_TRUE(verify_journal(fresh)->ok);
}

TEST(Backup, ADamagedOneIsRefusedAndLeavesNothing) {
  TestHome home;
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("x")}).has_value());
  const auto folder = home.path().parent_path() / "backup";
  ASSERT_TRUE(backup_home(home.path(), folder, 0).has_value());
  std::fstream file(folder / "journal.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('\x7f');
  file.close();
  const auto fresh = home.path().parent_path() / "fresh";
  EXPECT_EQ(restore_home(folder, fresh).error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(std::filesystem::exists(fresh / "journal.db"));
  EXPECT_EQ(restore_home(home.path().parent_path(), fresh).error().code, ErrorCode::kNotFound);
}

// Members of other types than expected ended the process.
TEST(Backup, AStrangeManifestIsRefused) {
  const std::string good =
      R"({"format":1,"files":{"journal.db":"00"},"heads":[{"tenant":"ten_1","seq":5,"digest":"ab"}]})";
  const auto read = read_manifest(good);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->files.at("journal.db"), "00");
  EXPECT_EQ(read->heads.at(0).seq, 5u);
  for (const char* strange :
       {R"({"format":"1","files":{"journal.db":"00"}})", R"({"format":1,"files":{"journal.db":7}})",
        R"({"format":1,"files":{"journal.db":"00"},"heads":5})",
        R"({"format":1,"files":{"journal.db":"00"},"heads":{"a":1}})",
        R"({"format":1,"files":{"journal.db":"00"},"heads":[{"tenant":5,"seq":"x","digest":[]}]})",
        R"({"format":1,"files":{"journal.db":"00","../x":"00"}})",
        R"({"format":1,"files":{"journal.db":"00","/x":"00"}})", R"({"format":1,"files":{"journal.db":"00","":"00"}})",
        "[]", "7", ""}) {
    EXPECT_EQ(read_manifest(strange).error().code, ErrorCode::kCorrupt) << strange;
  }
}

// A line whose tenant is no text ended the process at every start.
TEST(Backup, AStrangeLineInTheLogOfErasuresIsPassedOver) {
  TestHome home;
  home.start();
  ASSERT_TRUE(home.append(kTenant, {note("x")}).has_value());
  home.reopen();
  std::ofstream(home.path() / "erasures.log", std::ios::app)
      << "{\"tenant\":7,\"records\":[\"rec_1\"]}\n{\"records\":[]}\n{\"tenant\":null,\"records\":{}}\n[\n";
  home.start();
  EXPECT_TRUE(home.append(kTenant, {note("y")}).has_value());
}

TEST(Backup, WhatWasErasedLaterIsErasedAgain) {
  TestHome home;
  home.start();
  const auto said = home.append(kTenant, {note("secretword")});
  ASSERT_TRUE(said.has_value());
  const auto folder = home.path().parent_path() / "backup";
  ASSERT_TRUE(backup_home(home.path(), folder, 0).has_value());
  ASSERT_TRUE(
      home.journal().erase_blocking(kTenant, {.ids = {said->records[0].id}, .reason = "person_asked"}).has_value());
  const auto fresh = home.path().parent_path() / "fresh";
  std::filesystem::create_directories(fresh);
  std::filesystem::copy_file(home.path() / "erasures.log", fresh / "erasures.log");
  ASSERT_TRUE(restore_home(folder, fresh).has_value());
  ManualClock clock;
  SystemRandom random;
  auto journal = make_sqlite_journal({.home = fresh, .sync = false}, clock, random, Log());
  ASSERT_TRUE(journal->start().has_value());
  EXPECT_TRUE(journal->read(kTenant, 0, 1)->front().erased);
  journal->stop();
  EXPECT_TRUE(verify_journal(fresh)->ok);
}

TEST(Rebuild, FoldsFromNothingWhileTheOldTablesServe) {
  TestHome home;
  Counts counts;
  home.views().add(counts);
  home.start();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(home.append(kTenant, {note("a")}).has_value());
  home.wait_applied();
  EXPECT_EQ(count_of(home, "\"a\""), 30);
  ASSERT_TRUE(rebuild(home).has_value());
  EXPECT_EQ(count_of(home, "\"a\""), 30);
  ASSERT_TRUE(home.append(kTenant, {note("a")}).has_value());
  home.wait_applied();
  EXPECT_EQ(count_of(home, "\"a\""), 31);
  ASSERT_TRUE(rebuild(home).has_value()) << "a second time";
  EXPECT_EQ(count_of(home, "\"a\""), 31);
}

}  // namespace
}  // namespace steward::journal
