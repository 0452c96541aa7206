#include "talk/sink.h"

#include <gtest/gtest.h>

namespace steward::talk {
namespace {

TEST(GoingOn, WordsAreParted) {
  EXPECT_EQ(joint("I will try my", "best"), " ");
  EXPECT_EQ(joint("Sure.", "Here it is"), " ");
  EXPECT_EQ(joint("12,", "13"), " ");
}

TEST(GoingOn, WhatJoinsByItselfStays) {
  EXPECT_EQ(joint("I will try my", " best"), "");
  EXPECT_EQ(joint("I will try my ", "best"), "");
  EXPECT_EQ(joint("a line\n", "another"), "");
  EXPECT_EQ(joint("oak", ", brass"), "");
  EXPECT_EQ(joint("(", "oak"), "");
  EXPECT_EQ(joint("我会尽", "力"), "");
  EXPECT_EQ(joint("```\nlet va", "lue"), "") << "code";
  EXPECT_EQ(joint("```\nx\n```\nAnd", "then"), " ");
  EXPECT_EQ(joint("", "oak"), "");
}

}  // namespace
}  // namespace steward::talk
