#include "talk/steps.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "talk/sink.h"

namespace steward::talk {
namespace {
using std::chrono::milliseconds;

Json step(size_t at, const std::string& text, size_t reasoning_at = 0, const std::string& reasoning = "") {
  return {{"text_at", at}, {"text", text}, {"reasoning_at", reasoning_at}, {"reasoning", reasoning}};
}

TEST(Steps, ArePutTogetherByTheirPlaces) {
  Kept kept;
  put_step(kept, step(0, "Oak ", 0, "hm"));
  put_step(kept, step(4, "and ash", 2, ", yes"));
  EXPECT_EQ(kept.text, "Oak and ash");
  EXPECT_EQ(kept.reasoning, "hm, yes");
}

// A round that began anew, or from a shorter text than was kept, says what holds from there on.
TEST(Steps, ALaterRoundGoesOnFromWhereItBegan) {
  Kept kept;
  put_step(kept, step(0, "Oak and as", 0, "long thoughts"));
  put_step(kept, step(8, "brass", 13, ""));
  EXPECT_EQ(kept.text, "Oak and brass");
  put_step(kept, step(0, "Anew", 0, ""));
  EXPECT_EQ(kept.text, "Anew");
  EXPECT_EQ(kept.reasoning, "");
}

TEST(Steps, AGapOrStrangeBytesLeaveWhatIsThere) {
  Kept kept;
  put_step(kept, step(0, "Oak"));
  put_step(kept, step(99, "far away"));
  for (const Json& odd : {Json(), Json(5), Json{{"text_at", -1}, {"text", "x"}}, Json{{"text_at", "0"}, {"text", "x"}}})
    put_step(kept, odd);
  EXPECT_EQ(kept.text, "Oak");
}

TEST(Steps, AWordThatMayNotBeWholeIsLeftOut) {
  EXPECT_EQ(whole_words("it is unbeliev"), "it is ");
  EXPECT_EQ(whole_words("it is "), "it is ");
  EXPECT_EQ(whole_words("it is done."), "it is done.");
  EXPECT_EQ(whole_words("```\nlet va"), "```\nlet ");
  EXPECT_EQ(whole_words("我们明天"), "我们明天");
  EXPECT_EQ(whole_words("Züri"), "Züri") << "its beginning is not told apart";
  EXPECT_EQ(whole_words(std::string(200, 'x')).size(), 200U) << "no word";
  EXPECT_EQ(whole_words("Hel"), "");
  EXPECT_EQ(whole_words(""), "");
}

TEST(Steps, GrowRarerAndStayBounded) {
  EXPECT_EQ(step_after(milliseconds(0)), milliseconds(2'000));
  EXPECT_EQ(step_after(milliseconds(32'000)), milliseconds(2'000));
  EXPECT_EQ(step_after(milliseconds(64'000)), milliseconds(4'000));
  EXPECT_EQ(step_after(milliseconds(3'600'000)), milliseconds(15'000));
  size_t steps = 0;
  for (milliseconds at(0); at < milliseconds(600'000); at += step_after(at)) ++steps;
  EXPECT_LT(steps, 80U) << "of the longest call that the configuration lets run";
}

TEST(Steps, OfARunAreWhatCameSinceTheLast) {
  class Run run(Ask{.text = "Oak ", .reasoning = "hm"});
  EXPECT_FALSE(run.has_unkept()) << "what it begins with is kept already";
  run.append(Run::Part::kText, "and ");
  run.set_call("call_1");
  const auto first = run.unkept();
  EXPECT_EQ(std::tie(first.text_at, first.text, first.reasoning_at, first.reasoning, first.call),
            std::tuple(4U, "and ", 2U, "", "call_1"));
  run.append(Run::Part::kText, "ash");
  run.note_kept(first);
  EXPECT_EQ(run.unkept().text, "ash") << "it came while the step was written";
}

TEST(GoingOn, SpacesAreNotDoubled) {
  EXPECT_EQ(joined_to("oak ", " and"), "and");
  EXPECT_EQ(joined_to("oak", " and"), " and");
  EXPECT_EQ(joined_to("oak", "and"), " and");
  EXPECT_EQ(joined_to("oak ", "  "), "");
  EXPECT_EQ(joined_to("```\n", "    code"), "    code");
}

}  // namespace
}  // namespace steward::talk
