// A deployment's line, its conditions, and how long things are.
#include "gateway/routing/route.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/json.h"
#include "gateway/routing/durations.h"

namespace steward::gateway::routing {
namespace {

using testing::HasSubstr;

// Wednesday, 2026-11-25, 09:00:00 UTC; 10:00 in Berlin, 04:00 in New York, 00:00 on Thursday in Auckland is 22:00.
const TimeUs kWednesday = *parse_rfc3339("2026-11-25T09:00:00Z");

std::string problem_of(std::string_view line) {
  const auto parsed = Deployment::parse(line);
  return parsed ? "" : parsed.error().message;
}

// Why a call isn't taken; empty: it is.
std::string against(std::string_view word, const RouteFacts& facts, const DeploymentFacts& about = {},
                    std::string_view zone = "UTC") {
  const auto parsed = Deployment::parse("m " + std::string(word));
  EXPECT_TRUE(parsed.has_value()) << word;
  if (!parsed) return "?";
  for (const auto& condition : parsed->conditions) {
    if (auto reason = unmet(condition, facts, about, zone)) return *reason;
  }
  return "";
}

TEST(Deployment, ALineIsReadAndWrittenTheSame) {
  const std::string line =
      "openai/gpt-4.1-mini weight=3 key=ci|key_1 tag.team=support input<=100k input>=10 tools=no images=yes "
      "documents=no "
      "hours=22:00-06:00 days=mon-fri|sun cost<=0.05 deadline<=5s deadline>=500ms zone=Europe/Berlin";
  const auto parsed = Deployment::parse(line);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->text(), line);
  EXPECT_EQ(parsed->weight, 3);
  EXPECT_EQ(parsed->conditions.size(), 12U);
  EXPECT_EQ(Deployment::parse("  local-model   tools=yes ")->text(), "local-model tools=yes");
}

TEST(Deployment, AWrongWordIsNamedWithTheNearest) {
  EXPECT_THAT(problem_of(""), HasSubstr("begins with its model"));
  EXPECT_EQ(problem_of("m tols=no"), "there is no condition 'tols'; did you mean 'tools'?");
  EXPECT_EQ(problem_of("m inptu<=5"), "there is no condition 'inptu'; did you mean 'input'?");
  EXPECT_THAT(problem_of("m tools=maybe"), HasSubstr("write it like 'tools=no'"));
  EXPECT_THAT(problem_of("m input=5"), HasSubstr("'input=5' is not a condition: write it like"));
  EXPECT_THAT(problem_of("m hours=8-18"), HasSubstr("hours=22:00-06:00"));
  EXPECT_THAT(problem_of("m hours=08:60-18:00"), HasSubstr("hours="));
  EXPECT_THAT(problem_of("m days=mon-someday"), HasSubstr("days="));
  EXPECT_THAT(problem_of("m cost<=-1"), HasSubstr("cost<="));
  EXPECT_THAT(problem_of("m weight=1.5"), HasSubstr("whole number"));
  EXPECT_THAT(problem_of("m zone=Mars/Base"), HasSubstr("no time zone 'Mars/Base'"));
  EXPECT_THAT(problem_of("m key="), HasSubstr("key="));
  EXPECT_THAT(problem_of("m tag.=x"), HasSubstr("tag."));
  EXPECT_THAT(problem_of("m input<=99999999999999999999"), HasSubstr("input"));
  EXPECT_THAT(problem_of(std::string(2000, 'x')), HasSubstr("1024"));
  std::string many = "m";
  for (int i = 0; i < 20; ++i) many += " tools=no";
  EXPECT_THAT(problem_of(many), HasSubstr("at most 16"));
}

TEST(Condition, KeysAndTags) {
  const RouteFacts facts{.key = "key_1", .key_name = "ci", .tags = {{"team", "support"}}};
  EXPECT_EQ(against("key=ci", facts), "");
  EXPECT_EQ(against("key=other|key_1", facts), "");
  EXPECT_EQ(against("key=other", facts), "key=other: the key is 'ci'");
  EXPECT_THAT(against("key=ci", {}), HasSubstr("without a key"));
  EXPECT_EQ(against("tag.team=sales|support", facts), "");
  EXPECT_EQ(against("tag.team=sales", facts), "tag.team=sales: it is 'support'");
  EXPECT_EQ(against("tag.env=prod", facts), "tag.env=prod: there is no such tag");
}

TEST(Condition, WhatTheCallBrings) {
  const RouteFacts facts{.input_tokens = 1000, .tools = true, .images = false};
  EXPECT_EQ(against("input<=1k", facts), "");
  EXPECT_EQ(against("input<=999", facts), "input<=999: about 1000 tokens");
  EXPECT_EQ(against("input>=1000", facts), "");
  EXPECT_NE(against("input>=1001", facts), "");
  EXPECT_EQ(against("tools=yes", facts), "");
  EXPECT_EQ(against("tools=no", facts), "tools=no: the call has tools");
  EXPECT_EQ(against("images=yes", facts), "images=yes: the call has no images");
  EXPECT_EQ(against("documents=no", facts), "");
}

TEST(Condition, TimeOfDayAndWeekInAZone) {
  const RouteFacts facts{.now_us = kWednesday};
  EXPECT_EQ(against("hours=09:00-10:00", facts), "");  // the first minute counts, the last does not
  EXPECT_NE(against("hours=08:00-09:00", facts), "");
  EXPECT_EQ(against("hours=10:00-11:00", facts, {}, "Europe/Berlin"), "");
  EXPECT_EQ(against("hours=09:00-10:00", facts, {}, "Europe/Berlin"),
            "hours=09:00-10:00: it is 10:00 in Europe/Berlin");
  EXPECT_EQ(against("hours=22:00-09:30", facts), "");  // over midnight
  EXPECT_NE(against("hours=22:00-09:00", facts), "");
  EXPECT_EQ(against("hours=00:00-24:00", facts), "");
  EXPECT_EQ(against("days=mon-fri", facts), "");
  EXPECT_EQ(against("days=sat|sun", facts), "days=sat|sun: it is wed in UTC");
  EXPECT_EQ(against("days=sat-wed", facts), "");
  const RouteFacts late{.now_us = kWednesday + 12 * 3600 * kSecondUs};  // 21:00 UTC: Thursday 10:00 in Auckland
  EXPECT_EQ(against("days=thu", late, {}, "Pacific/Auckland"), "");
}

TEST(Condition, ThePriceAndTheDeadline) {
  EXPECT_EQ(against("cost<=0.05", {}, {.cost_bound = 50'000'000}), "");
  EXPECT_EQ(against("cost<=0.05", {}, {.cost_bound = 50'000'001}), "cost<=0.05: this call may cost $0.050000001");
  EXPECT_EQ(against("cost<=0.05", {}, {}), "cost<=0.05: it has no price");
  EXPECT_EQ(against("cost<=0.05", {}, {.local = true}), "");
  EXPECT_EQ(against("deadline<=5s", {.deadline_us = 5 * kSecondUs}), "");
  EXPECT_EQ(against("deadline<=5s", {.deadline_us = 6 * kSecondUs}), "deadline<=5s: the caller waits 6 s");
  EXPECT_EQ(against("deadline<=5s", {}), "deadline<=5s: the caller set none");
  EXPECT_EQ(against("deadline>=5s", {}), "");
  EXPECT_NE(against("deadline>=5s", {.deadline_us = kSecondUs}), "");
}

// docs/routing.md holds the table of words between two marks.
TEST(Condition, TheCommittedDocsAreTheTable) {
  auto folder = executable_dir();
  while (folder.has_relative_path() && !std::filesystem::exists(folder / "docs" / "routing.md"))
    folder = folder.parent_path();
  const auto page = read_file(folder / "docs" / "routing.md");
  ASSERT_TRUE(page.has_value()) << "docs/routing.md was not found above " << executable_dir();
  const size_t begin = page->find("<!-- conditions"), end = page->find("<!-- end -->");
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos && begin < end);
  const std::string between = page->substr(page->find('\n', begin) + 1, end - page->find('\n', begin) - 1);
  EXPECT_EQ(between, condition_docs());
}

TEST(Durations, AsPeopleAndHeadersWriteThem) {
  EXPECT_EQ(parse_duration("2s"), 2 * kSecondUs);
  EXPECT_EQ(parse_duration("2"), 2 * kSecondUs);
  EXPECT_EQ(parse_duration("0.5"), kSecondUs / 2);
  EXPECT_EQ(parse_duration("500ms"), kSecondUs / 2);
  EXPECT_EQ(parse_duration("6m0s"), 360 * kSecondUs);
  EXPECT_EQ(parse_duration("1h2m3.5s"), 3'723'500'000);
  EXPECT_EQ(parse_duration("12min"), 720 * kSecondUs);
  for (const auto* wrong : {"", "s", "-1s", "1x", "1m30", "nan", "inf", "1e9s", "400d"})
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
  EXPECT_EQ(duration_text(450'000), "450 ms");
  EXPECT_EQ(duration_text(2'100'000), "2.1 s");
  EXPECT_EQ(duration_text(90 * kSecondUs), "1 min 30 s");
  EXPECT_EQ(duration_text(7'260 * kSecondUs), "2 h 1 min");
}

}  // namespace
}  // namespace steward::gateway::routing
