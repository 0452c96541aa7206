// A home of the release before: backed up, upgraded, taken back; broken off at each step; and which backups stay.
#include "journal/upgrade.h"

#include <gtest/gtest.h>

#include "journal/backup_rotation.h"
#include "journal/testing.h"

namespace steward::journal {
namespace {
namespace fs = std::filesystem;

const Id kTenant = "ten_a";
constexpr TimeUs kNow = 1'764'000'000 * kSecondUs;

Draft note(std::string text) { return {.stream = "note/n", .kind = "note.said", .body = "\"" + text + "\""}; }

// A home as a release without home.json left it.
void make_old(TestHome& home, int records) {
  home.start();
  for (int i = 0; i < records; ++i) ASSERT_TRUE(home.append(kTenant, {note("old")}).has_value());
  home.reopen();
}

void write_more(TestHome& home, int records) {
  home.start();
  for (int i = 0; i < records; ++i) ASSERT_TRUE(home.append(kTenant, {note("new")}).has_value());
  home.reopen();
}

TEST(Upgrade, ACopyStandsBeforeAnythingIsWrittenAndCanBePutBack) {
  TestHome home;
  const HomePaths paths(home.path());
  make_old(home, 20);
  const auto before = verify_journal(home.path());
  ASSERT_TRUE(before.has_value() && before->ok);
  auto plan = plan_upgrade(paths);
  ASSERT_TRUE(plan.has_value());
  EXPECT_TRUE(plan->needed && plan->problem.empty());
  auto begun = begin_upgrade(paths, kNow, 2);
  ASSERT_TRUE(begun.has_value() && begun->has_value());
  EXPECT_EQ((*begun)->records, 20u);
  // Broken off here, a second start makes no second copy: it would hold what the first one's upgrade half wrote.
  auto again = begin_upgrade(paths, kNow + kSecondUs, 2);
  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(again->has_value());
  ASSERT_TRUE(finish_upgrade(paths).has_value());
  write_more(home, 5);

  auto back = roll_back(paths, "", kNow + 2 * kSecondUs);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->records, 20u);
  EXPECT_EQ(back->records_before, 25u);
  const auto after = verify_journal(home.path());
  ASSERT_TRUE(after.has_value() && after->ok);
  EXPECT_EQ(after->heads[0].digest, before->heads[0].digest);
  EXPECT_EQ(read_stamp(paths)->format, 1);
  EXPECT_TRUE(plan_upgrade(paths)->needed);
  // What was there is a whole backup.
  TestHome other;
  auto restored = restore_home(back->aside, other.path() / "home");
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_EQ(restored->records, 25u);
}

TEST(Upgrade, ARollbackThatWasBrokenOffKeepsTheHomeShutAndGoesOn) {
  TestHome home;
  const HomePaths paths(home.path());
  make_old(home, 3);
  ASSERT_TRUE(begin_upgrade(paths, kNow, 2).has_value());
  ASSERT_TRUE(finish_upgrade(paths).has_value());
  ASSERT_TRUE(roll_back(paths, "", kNow).has_value());
  ASSERT_TRUE(begin_upgrade(paths, kNow + kSecondUs, 2).has_value());
  ASSERT_TRUE(finish_upgrade(paths).has_value());
  // As a kill between "staged" and "in place" leaves it.
  const auto backup = plan_upgrade(paths)->backups.at(0);
  ASSERT_TRUE(restore_home(paths.backups() / backup, paths.root / "rollback.ready").has_value());
  fs::copy_file(paths.root / "home.json", paths.root / "rollback.ready" / "home.json");
  fs::remove(paths.journal());
  EXPECT_EQ(begin_upgrade(paths, kNow, 2).error().code, ErrorCode::kConflict);
  auto done = roll_back(paths, "", kNow + 2 * kSecondUs);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(done->records, 3u);
  EXPECT_FALSE(fs::exists(paths.root / "rollback.ready"));
  EXPECT_TRUE(verify_journal(home.path())->ok);
}

TEST(Upgrade, AHomeOfANewerReleaseIsRefusedByName) {
  TestHome home;
  const HomePaths paths(home.path());
  make_old(home, 1);
  ASSERT_TRUE(
      write_file_atomic(paths.root / "home.json", R"({"format":99,"program":"7.1.0","backup":""})").has_value());
  auto refused = begin_upgrade(paths, kNow, 2);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("7.1.0"), std::string::npos);
  ASSERT_TRUE(write_file_atomic(paths.root / "home.json", "no json").has_value());
  EXPECT_EQ(begin_upgrade(paths, kNow, 2).error().code, ErrorCode::kCorrupt);
}

TEST(Upgrade, AnEmptyHomeIsStampedAndHasNothingToGoBackTo) {
  TestHome home;
  const HomePaths paths(home.path());
  ASSERT_TRUE(prepare_home(paths).has_value());
  auto begun = begin_upgrade(paths, kNow, 2);
  ASSERT_TRUE(begun.has_value());
  EXPECT_FALSE(begun->has_value());
  ASSERT_TRUE(finish_upgrade(paths).has_value());
  EXPECT_EQ(read_stamp(paths)->format, kHomeFormat);
  EXPECT_EQ(roll_back(paths, "", kNow).error().code, ErrorCode::kNotFound);
}

TEST(Rotation, TheOldestGoAndWhatIsNoBackupStays) {
  TestHome home;
  const fs::path folder = home.path() / "many";
  const std::vector<std::string> names = {"2026-11-01T000000Z", "2026-11-02T000000Z", "2026-11-03T000000Z"};
  for (const auto& name : names) {
    fs::create_directories(folder / name);
    ASSERT_TRUE(write_file_atomic(folder / name / "manifest.json", "{}").has_value());
  }
  fs::create_directories(folder / "holiday pictures");
  EXPECT_EQ(backups_in(folder), (std::vector<std::string>{names[2], names[1], names[0]}));
  EXPECT_EQ(remove_oldest(folder, backups_in(folder), 2), std::vector<std::string>{names[0]});
  EXPECT_TRUE(fs::exists(folder / "holiday pictures"));
  EXPECT_EQ(backups_in(folder).size(), 2u);
  EXPECT_TRUE(is_time_name(backup_time_name(kNow)));
  EXPECT_FALSE(is_time_name("upgrade-1-to-2-2026-11-01T000000Z"));
}

}  // namespace
}  // namespace steward::journal
