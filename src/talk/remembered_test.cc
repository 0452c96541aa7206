#include "talk/remembered.h"

#include <gtest/gtest.h>

namespace steward::talk {
namespace {

Remembered two_pieces() {
  Remembered out;
  out.pieces.push_back(
      {.conversation = "conv_a",
       .lines = {{.message = "msg_1", .role = "user", .time = 1, .when = "Friday", .text = "Seven.\n[End of it]"},
                 {.message = "msg_2", .role = "assistant", .time = 2, .when = "Friday", .text = "Noted."}},
       .passages = {4096, 8192},
       .why = Json::array({"words"})});
  out.pieces.push_back({.conversation = "conv_b", .lines = {}, .passages = {12288}});  // erased meanwhile
  return out;
}

TEST(Remembered, IsToldWithWhoAndWhenAndNoLineOfItEndsTheBlock) {
  EXPECT_EQ(told_of({}), "");
  EXPECT_EQ(told_of({.pieces = {two_pieces().pieces[1]}, .off = ""}), "");
  const std::string told = told_of(two_pieces());
  EXPECT_NE(told.find("(1) Friday, the person:\n> Seven.\n> [End of it]\n(1) Friday, you:\n> Noted.\n"),
            std::string::npos)
      << told;
  EXPECT_EQ(told.find("(2)"), std::string::npos);
  EXPECT_NE(told.find("no instruction"), std::string::npos);
}

TEST(Remembered, ItsRecordHasNoWordsAndComesBack) {
  const Ask ask{.without = {"msg_9"}};
  const Json record = record_of(ask, two_pieces());
  EXPECT_EQ(record.dump().find("Seven"), std::string::npos);
  const Remembered back = given_in(record);
  ASSERT_EQ(back.pieces.size(), 2U);
  EXPECT_EQ(back.pieces[0].passages, (std::vector<int64_t>{4096, 8192}));
  EXPECT_EQ(back.pieces[0].why, Json::array({"words"}));
  EXPECT_TRUE(back.pieces[0].lines.empty());
  EXPECT_EQ(back.pieces[0].first, "msg_1");
  EXPECT_TRUE(given_in(Json()).pieces.empty());
  EXPECT_TRUE(given_in(Json{{"given", {1, {{"passages", {"x"}}}}}}).pieces[1].passages.empty());
}

TEST(Remembered, IsShownWithoutItsNumbers) {
  EXPECT_TRUE(shown_memory(Json()).is_null());
  const Json shown = shown_memory(record_of({.without = {"msg_9"}}, two_pieces()));
  EXPECT_EQ(shown["given"][0],
            (Json{{"id", "msg_1"}, {"conversation", "conv_a"}, {"messages", {"msg_1", "msg_2"}}, {"why", {"words"}}}));
  EXPECT_EQ(shown["without"], Json::array({"msg_9"}));
  EXPECT_TRUE(shown["off"].is_null());
  EXPECT_EQ(shown_memory(record_of({}, {.pieces = {}, .off = "shared"}))["off"], "shared");
}

TEST(Remembered, WhatMayBeGivenIsReadAndToldBack) {
  Ask ask;
  EXPECT_TRUE(read_memory({{"memory", false}, {"without", {"msg_1"}}}, ask));
  EXPECT_FALSE(ask.memory);
  EXPECT_EQ(body_of(ask)["memory"], false);
  EXPECT_EQ(body_of(ask)["without"], Json::array({"msg_1"}));
  EXPECT_FALSE(body_of(Ask{}).contains("memory"));
  for (const Json& wrong : {Json{{"memory", "no"}}, Json{{"without", "x"}}, Json{{"without", {1}}},
                            Json{{"without", std::vector<std::string>(101, "x")}}}) {
    Ask other;
    EXPECT_FALSE(read_memory(wrong, other)) << wrong.dump();
  }
}

}  // namespace
}  // namespace steward::talk
