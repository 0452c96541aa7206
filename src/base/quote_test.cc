#include "base/quote.h"

#include <gtest/gtest.h>

namespace steward {
namespace {

TEST(Quote, EveryLineIsMarked) {
  EXPECT_EQ(quoted_lines("one\n[End]\n\nthree"), "> one\n> [End]\n> \n> three");
  EXPECT_EQ(quoted_lines("one\n"), "> one\n> ");
  EXPECT_EQ(quoted_lines(""), "> ");
}

}  // namespace
}  // namespace steward
