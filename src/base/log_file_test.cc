// A log file under standard error: rotated by size, opened anew, given back; and the limit of open files in words.
#include "base/log_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process_limits.h"

namespace steward {
namespace {
namespace fs = std::filesystem;

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    std::string name = (fs::temp_directory_path() / "steward-log-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ / "log";
  }
  ~LogFileTest() override { fs::remove_all(folder_); }

  static void say(std::string_view text) {
    ASSERT_EQ(::write(STDERR_FILENO, text.data(), text.size()), ssize_t(text.size()));
  }
  std::string text(const std::string& suffix = "") const { return read_file(path_.string() + suffix).value_or("none"); }

  fs::path folder_, path_;
};

TEST_F(LogFileTest, TakesWhatIsSaidAndGivesStandardErrorBack) {
  auto log = LogFile::open({path_});
  ASSERT_TRUE(log.has_value()) << log.error().message;
  say("one\n");
  (*log)->give_back_standard_error();
  say("");
  EXPECT_EQ(text(), "one\n");
  EXPECT_EQ(fs::status(path_).permissions() & fs::perms::others_all, fs::perms::none);
}

TEST_F(LogFileTest, RotatesBySizeAndKeepsSoMany) {
  auto log = LogFile::open({path_, 10, 2});
  ASSERT_TRUE(log.has_value());
  for (const char* line : {"first line\n", "second line\n", "third line\n", "4\n"}) {
    say(line);
    ASSERT_TRUE((*log)->look().has_value());
  }
  (*log)->give_back_standard_error();
  EXPECT_EQ(text(), "4\n");
  EXPECT_EQ(text(".1"), "third line\n");
  EXPECT_EQ(text(".2"), "second line\n");
  EXPECT_FALSE(fs::exists(path_.string() + ".3"));
}

TEST_F(LogFileTest, OpensThePathAnewAfterSomebodyRenamedTheFile) {
  auto log = LogFile::open({path_});
  ASSERT_TRUE(log.has_value());
  say("before\n");
  fs::rename(path_, path_.string() + ".old");
  say("still there\n");
  ASSERT_TRUE((*log)->reopen().has_value());
  say("after\n");
  (*log)->give_back_standard_error();
  EXPECT_EQ(text(".old"), "before\nstill there\n");
  EXPECT_EQ(text(), "after\n");
}

TEST_F(LogFileTest, APathThatCannotBeOpenedIsAnErrorThatNamesIt) {
  auto log = LogFile::open({folder_ / "none" / "log"});
  ASSERT_FALSE(log.has_value());
  EXPECT_NE(log.error().message.find("none/log"), std::string::npos);
}

TEST(FileLimit, IsToldWithNumbersWhereItIsTooLow) {
  EXPECT_EQ(file_limit_problem({1'000'000, 1'000'000}, 12'000), "");
  const std::string problem = file_limit_problem({1'024, 4'096}, 12'000);
  for (const char* part : {"1024", "12000", "24256", "max_connections to 384", "LimitNOFILE"})
    EXPECT_NE(problem.find(part), std::string::npos) << part << " in: " << problem;
}

TEST(FileLimit, IsRaisedToTheHardOneAndCounted) {
  const FileLimit raised = raise_file_limit();
  EXPECT_EQ(raised.soft, raised.hard);
  const uint64_t before = open_files();
  const int fd = ::dup(STDERR_FILENO);
  EXPECT_EQ(open_files(), before + 1);
  ::close(fd);
}

}  // namespace
}  // namespace steward
