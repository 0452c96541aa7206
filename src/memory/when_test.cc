#include "memory/when.h"

#include <gtest/gtest.h>

#include <date/tz.h>
#include "memory/calendar.h"

namespace steward::memory {
namespace {

// Wednesday, 25 November 2026, 10:00 in Berlin.
constexpr TimeUs kNow = 1'795'597'200 * kSecondUs;

std::string day_text(TimeUs time) {
  if (time == kEver || time == kAlways) return "-";
  return date::format("%F", local_day_of(time, date::locate_zone("Europe/Berlin")));
}

// "from to" of each, as days in Berlin; an end is the day after.
std::string times(std::string_view text) {
  std::string out;
  for (const When& when : times_in(text, kNow, date::locate_zone("Europe/Berlin"))) {
    if (!out.empty()) out += ", ";
    out += day_text(when.from) + " " + day_text(when.to);
  }
  return out;
}

TEST(When, DaysCountBack) {
  EXPECT_EQ(times("What did I eat yesterday?"), "2026-11-24 2026-11-25");
  EXPECT_EQ(times("last night"), "2026-11-24 2026-11-25");
  EXPECT_EQ(times("the day before yesterday"), "2026-11-23 2026-11-24");
  EXPECT_EQ(times("3 days ago"), "2026-11-22 2026-11-23");
  EXPECT_EQ(times("a few days ago"), "2026-11-22 2026-11-23");
  EXPECT_EQ(times("two weeks ago"), "2026-11-09 2026-11-16");
  EXPECT_EQ(times("a month ago"), "2026-10-01 2026-11-01");
  EXPECT_EQ(times("a couple of years ago"), "2024-01-01 2025-01-01");
  EXPECT_EQ(times("an hour ago"), "2026-11-25 2026-11-26");
}

TEST(When, LastIsTheNewestThatHasEnded) {
  EXPECT_EQ(times("last week"), "2026-11-16 2026-11-23");
  EXPECT_EQ(times("this week"), "2026-11-23 2026-11-30");
  EXPECT_EQ(times("last month"), "2026-10-01 2026-11-01");
  EXPECT_EQ(times("last year"), "2025-01-01 2026-01-01");
  EXPECT_EQ(times("last weekend"), "2026-11-21 2026-11-23");
  EXPECT_EQ(times("last Monday"), "2026-11-23 2026-11-24");
  EXPECT_EQ(times("last Friday"), "2026-11-20 2026-11-21");
  EXPECT_EQ(times("last spring"), "2026-03-01 2026-06-01");
  EXPECT_EQ(times("last autumn"), "2025-09-01 2025-12-01");
  EXPECT_EQ(times("last winter"), "2025-12-01 2026-03-01");
  EXPECT_EQ(times("this fall"), "2026-09-01 2026-12-01");
  EXPECT_EQ(times("the last two weeks"), "2026-11-11 2026-11-26");
  EXPECT_EQ(times("in the past 3 months"), "2026-08-25 2026-11-26");
}

TEST(When, WhatIsNamedIsTheNewestThatHasBegun) {
  EXPECT_EQ(times("on Friday"), "2026-11-20 2026-11-21");
  EXPECT_EQ(times("on Wednesday"), "2026-11-25 2026-11-26");
  EXPECT_EQ(times("in March"), "2026-03-01 2026-04-01");
  EXPECT_EQ(times("December"), "2025-12-01 2026-01-01");
  EXPECT_EQ(times("in the summer"), "2026-06-01 2026-09-01");
  EXPECT_EQ(times("on May 7"), "2026-05-07 2026-05-08");
  EXPECT_EQ(times("on 29 February"), "2024-02-29 2024-03-01");
}

TEST(When, DatesInFull) {
  for (const char* text :
       {"May 7, 2023", "7 May 2023", "the 7th of May, 2023", "May 7th 2023", "2023-05-07", "2023/5/7"})
    EXPECT_EQ(times(text), "2023-05-07 2023-05-08") << text;
  EXPECT_EQ(times("May 2023"), "2023-05-01 2023-06-01");
  EXPECT_EQ(times("in 2023"), "2023-01-01 2024-01-01");
  EXPECT_EQ(times("summer of 2022"), "2022-06-01 2022-09-01");
  EXPECT_EQ(times("winter 2022"), "2022-12-01 2023-03-01");
}

TEST(When, SidesStayOpen) {
  EXPECT_EQ(times("before March"), "- 2026-03-01");
  EXPECT_EQ(times("since March"), "2026-03-01 -");
  EXPECT_EQ(times("after March"), "2026-04-01 -");
  EXPECT_EQ(times("until 2023"), "- 2024-01-01");
  EXPECT_EQ(times("prior to 2023"), "- 2023-01-01");
  EXPECT_EQ(times("prior to May 2023"), "- 2023-05-01");
  EXPECT_EQ(times("between May and July 2023"), "2023-05-01 2023-08-01");
  EXPECT_EQ(times("from Monday to Tuesday"), "2026-11-23 2026-11-25");
}

TEST(When, WordsThatAreNoTimes) {
  for (const char* text : {"May I ask?", "they march on", "a second opinion", "room 2023", "February 30 2023",
                           "5000 years ago", "", "ago", "last", "between", "the price fell", "Spring framework"})
    EXPECT_EQ(times(text), "") << text;
}

TEST(When, Chinese) {
  EXPECT_EQ(times("我昨天吃了什么？"), "2026-11-24 2026-11-25");
  EXPECT_EQ(times("前天"), "2026-11-23 2026-11-24");
  EXPECT_EQ(times("上周说的"), "2026-11-16 2026-11-23");
  EXPECT_EQ(times("上个星期三"), "2026-11-18 2026-11-19");
  EXPECT_EQ(times("上上周"), "2026-11-09 2026-11-16");
  EXPECT_EQ(times("上周末"), "2026-11-21 2026-11-23");
  EXPECT_EQ(times("周五"), "2026-11-20 2026-11-21");
  EXPECT_EQ(times("两周前"), "2026-11-09 2026-11-16");
  EXPECT_EQ(times("三天前"), "2026-11-22 2026-11-23");
  EXPECT_EQ(times("三个月前"), "2026-08-01 2026-09-01");
  EXPECT_EQ(times("最近三天"), "2026-11-22 2026-11-26");
  EXPECT_EQ(times("上个月"), "2026-10-01 2026-11-01");
  EXPECT_EQ(times("去年"), "2025-01-01 2026-01-01");
  EXPECT_EQ(times("去年三月"), "2025-03-01 2025-04-01");
  EXPECT_EQ(times("去年的春天"), "2025-03-01 2025-06-01");
  EXPECT_EQ(times("三月"), "2026-03-01 2026-04-01");
  EXPECT_EQ(times("十二月"), "2025-12-01 2026-01-01");
  EXPECT_EQ(times("五月七号"), "2026-05-07 2026-05-08");
  EXPECT_EQ(times("2023年5月7日"), "2023-05-07 2023-05-08");
  EXPECT_EQ(times("二〇二三年"), "2023-01-01 2024-01-01");
  EXPECT_EQ(times("三月以前"), "- 2026-03-01");
  EXPECT_EQ(times("2023年以后"), "2024-01-01 -");
  EXPECT_EQ(times("从五月到七月"), "2026-05-01 2026-08-01");
  EXPECT_EQ(times("三个朋友"), "");
}

TEST(When, SeveralInTheirOrder) {
  EXPECT_EQ(times("last week or yesterday, 去年"),
            "2026-11-16 2026-11-23, 2026-11-24 2026-11-25, 2025-01-01 2026-01-01");
}

TEST(When, AnInstantIsLocalMidnight) {
  const auto found = times_in("yesterday", kNow, date::locate_zone("Europe/Berlin"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].from, 1'795'474'800 * kSecondUs);  // 2026-11-23T23:00:00Z
  EXPECT_EQ(found[0].begin, 0U);
  EXPECT_EQ(found[0].end, 9U);
  EXPECT_EQ(times_in("today", kNow, nullptr)[0].from, 1'795'564'800 * kSecondUs);  // 2026-11-25T00:00:00Z
}

}  // namespace
}  // namespace steward::memory
