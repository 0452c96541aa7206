#include "talk/titles.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/text.h"
#include "talk/words.h"

namespace steward::talk {
namespace {

std::string from_model(std::string_view said) { return title_from_model(said, "Which oak for a lamp?", "Oak, 20 mm."); }

TEST(Titles, ByTheRule) {
  EXPECT_EQ(title_by_rule("# How tall is **it**? And why."), "How tall is it?");
  EXPECT_EQ(title_by_rule("```\ncode\n```\n- the rest:"), "the rest");
  EXPECT_EQ(title_by_rule("```js\nlet a = 1\n```"), "let a = 1");
  EXPECT_EQ(title_by_rule("  \n"), "");
  EXPECT_EQ(title_by_rule("https://example.org/oak/"), "example.org/oak");
  EXPECT_TRUE(title_by_rule(std::string(5'000, 'a')).ends_with("…"));
}

TEST(Titles, LeaveOutGreetingsAndNiceties) {
  EXPECT_EQ(title_by_rule("Hi! I am planning a dinner for four on Saturday. What could I cook?"),
            "I am planning a dinner for four on Saturday");
  EXPECT_EQ(title_by_rule("Good morning Steward, can you explain the tides?"), "Explain the tides");
  EXPECT_EQ(title_by_rule("Hello!\n\nPlease write a letter to my landlord."), "Write a letter to my landlord");
  EXPECT_EQ(title_by_rule("Hello there\nWhy is the sky blue?"), "Why is the sky blue?");
  EXPECT_EQ(title_by_rule("你好，请帮我写一封给房东的信。谢谢"), "写一封给房东的信");
}

TEST(Titles, KeepWhatOnlyLooksLikeOne) {
  EXPECT_EQ(title_by_rule("hi"), "hi");
  EXPECT_EQ(title_by_rule("Hello!"), "Hello!");
  EXPECT_EQ(title_by_rule("Hello, world in C"), "Hello, world in C");
  EXPECT_EQ(title_by_rule("History of oak"), "History of oak");
  EXPECT_EQ(title_by_rule("Can you swim?"), "Can you swim?");
  EXPECT_EQ(title_by_rule("Highways, and why they bend"), "Highways, and why they bend");
}

TEST(Titles, AModelsAreTakenOutOfWhatItSaid) {
  EXPECT_EQ(from_model("\"Oak lamps\"."), "Oak lamps");
  EXPECT_EQ(from_model("**Title:** Choosing oak boards for a lamp"), "Choosing oak boards for a lamp");
  EXPECT_EQ(from_model("Lamps of oak?"), "Lamps of oak?");
  EXPECT_EQ(title_from_model("《橡木台灯》", "台灯用哪种橡木？", "红橡木。"), "橡木台灯");
}

TEST(Titles, AModelsThatMakeNoSenseAreNone) {
  EXPECT_EQ(from_model(""), "");
  EXPECT_EQ(from_model("Sure! Here is a title for the lamp conversation"), "");
  EXPECT_EQ(from_model("I'm sorry, a lamp is not something that I know"), "");
  EXPECT_EQ(from_model("The title of this conversation is Oak lamps"), "");
  EXPECT_EQ(from_model("Quantum computing basics"), "") << "nothing of it was said";
  EXPECT_EQ(from_model("Lamp lamp lamp lamp lamp"), "");
  EXPECT_EQ(from_model("Oak is a hardwood. It is used for lamps"), "");
  EXPECT_EQ(from_model("How to choose the right kind of oak wood for a good lamp at home"), "");
  EXPECT_EQ(title_from_model("Oak lamps", "台灯用哪种木头？", "红橡木。"), "") << "another language";
}

TEST(Titles, AreShortAndValidWhateverIsSaid) {
  rc::check("titles", [](const std::string& text) {
    const std::string title = title_by_rule(replace_invalid_utf8(text));
    RC_ASSERT(is_valid_utf8(title));
    RC_ASSERT(utf16_length(title) <= 122U);
    const std::string other = title_from_model(replace_invalid_utf8(text), replace_invalid_utf8(text), "");
    RC_ASSERT(is_valid_utf8(other));
  });
}

}  // namespace
}  // namespace steward::talk
