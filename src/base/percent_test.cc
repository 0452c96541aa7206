#include "base/percent.h"

#include <gtest/gtest.h>

namespace steward {
namespace {

TEST(Percent, OnlyUnreservedCharactersStay) {
  EXPECT_EQ(percent_encoded("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(percent_encoded("a b/c:d?é"), "a%20b%2Fc%3Ad%3F%C3%A9");  // RFC 3986, 2.1 and 2.3
  EXPECT_EQ(percent_encoded(std::string_view("\0\xff", 2)), "%00%FF");
  EXPECT_EQ(percent_encoded(""), "");
}

}  // namespace
}  // namespace steward
