#include <gtest/gtest.h>

#include "base/file.h"
#include "cli/sample/life.h"
#include "gateway/peek.h"

namespace steward::cli {
namespace {

constexpr DurationUs kOneDay = 24LL * 3600 * kSecondUs, kOneWeek = 7 * kOneDay;
constexpr std::string_view kHome = R"({"from":"2020-01-01T00:00:00Z","until":"2026-11-25T09:42:00Z","models":{}})";
constexpr std::string_view kConversations =
    R"([{"title":"T","create_time":1000.5,"update_time":null,"mapping":{"a":{"message":null},"b":{"message":{"create_time":1001}},"c":{"message":{"create_time":null}}}}])";

class SampleTest : public testing::Test {
 protected:
  SampleTest() : folder_(std::filesystem::path(testing::TempDir()) / "sample") {
    std::filesystem::create_directories(folder_);
    write("home.json", kHome);
    write("conversations.json", kConversations);
  }
  ~SampleTest() override { std::filesystem::remove_all(folder_); }
  void write(const char* name, std::string_view text) {
    ASSERT_TRUE(write_file_atomic(folder_ / name, text).has_value());
  }
  SampleLife read(TimeUs now) { return read_sample(folder_, now).value(); }

  const TimeUs until_ = parse_rfc3339("2026-11-25T09:42:00Z").value();
  const std::filesystem::path folder_;
};

TEST_F(SampleTest, IsMovedByWholeWeeksSoThatItsLastDayIsInTheLastWeek) {
  for (const DurationUs gap : {DurationUs{0}, kOneDay, kOneWeek - 1, kOneWeek, 60 * kOneWeek + 3 * kOneDay,
                               DurationUs{-1}, -kOneWeek, -kOneWeek - 1, -90 * kOneWeek + kOneDay}) {
    const TimeUs now = until_ + gap;
    const SampleLife life = read(now);
    EXPECT_EQ(life.moved_us % kOneWeek, 0) << gap;
    EXPECT_EQ(life.until, until_ + life.moved_us);
    EXPECT_LE(life.until, now) << "nothing of it lies ahead: " << gap;
    EXPECT_GT(life.until, now - kOneWeek) << gap;
  }
}

TEST_F(SampleTest, TimesOfConversationsMoveAlongAndWhatHasNoneStays) {
  const SampleLife life = read(until_ + 2 * kOneWeek);
  const double moved = 14.0 * 24 * 3600;
  const Json& one = life.conversations[0];
  EXPECT_EQ(one["create_time"].get<double>(), 1000.5 + moved);
  EXPECT_TRUE(one["update_time"].is_null());
  EXPECT_EQ(one["mapping"]["b"]["message"]["create_time"].get<double>(), 1001 + moved);
  EXPECT_TRUE(one["mapping"]["c"]["message"]["create_time"].is_null());
  EXPECT_EQ(life.from, parse_rfc3339("2020-01-01T00:00:00Z").value() + 2 * kOneWeek);
}

TEST_F(SampleTest, WhatIsDamagedIsToldSo) {
  for (const char* home : {"{", "{}", R"({"from":"2020-01-01T00:00:00Z"})",
                           R"({"from":"2020-01-01T00:00:00Z","until":"2019-01-01T00:00:00Z"})"}) {
    write("home.json", home);
    EXPECT_FALSE(read_sample(folder_, until_)) << home;
  }
}

}  // namespace
}  // namespace steward::cli
