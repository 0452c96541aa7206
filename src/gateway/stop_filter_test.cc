#include "gateway/stop_filter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace steward::gateway {
namespace {

std::string whole(std::vector<std::string> stops, const std::vector<std::string>& pieces) {
  StopFilter filter(std::move(stops));
  std::string out;
  for (const auto& piece : pieces) out += filter.feed(piece);
  return out + filter.flush();
}

// The definition, straight: the text up to the stop string that is complete first (of those complete together, the
// longest).
std::string expected(const std::vector<std::string>& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const auto& stop : stops) {
      if (!stop.empty() && std::string_view(text).substr(0, end).ends_with(stop))
        longest = std::max(longest, stop.size());
    }
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

TEST(StopFilter, PrefixAtTheEndOfAStreamIsGivenOut) { EXPECT_EQ(whole({" is known"}, {"Paris", " is"}), "Paris is"); }
TEST(StopFilter, StopCutBetweenPieces) { EXPECT_EQ(whole({"STOP"}, {"one S", "TO", "P two"}), "one "); }
TEST(StopFilter, PrefixThatFailsIsGivenOutInPlace) {
  StopFilter filter({"ab"});
  EXPECT_EQ(filter.feed("xa"), "x");
  EXPECT_EQ(filter.feed("c"), "ac");
  EXPECT_FALSE(filter.holding());
}
TEST(StopFilter, WithoutStopsNothingIsHeld) { EXPECT_EQ(StopFilter({}).feed("abc"), "abc"); }
TEST(StopFilter, NothingAfterTheStop) {
  StopFilter filter({"\n\n"});
  EXPECT_EQ(filter.feed("a\n\nb"), "a");
  EXPECT_TRUE(filter.stopped());
  EXPECT_EQ(filter.feed("c") + filter.flush(), "");
}
TEST(StopFilter, RepeatedBeginning) { EXPECT_EQ(whole({"aab"}, {"a", "a", "a", "b"}), "a"); }

RC_GTEST_PROP(StopFilter, AnyCutGivesTheSameText, ()) {
  const auto letters = rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
  const auto stops = *rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(rc::gen::resize(4, letters)));
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::resize(6, letters));
  std::string text;
  for (const auto& piece : pieces) text += piece;
  RC_ASSERT(whole(stops, pieces) == expected(stops, text));
}

TEST(StopsOf, AllForms) {
  EXPECT_EQ(stops_of({{"stop", "x"}}), std::vector<std::string>{"x"});
  EXPECT_EQ(stops_of({{"stop", {"x", "y"}}}), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(stops_of({{"stop", nullptr}}).empty());
  EXPECT_TRUE(stops_of(Json::object()).empty());
}

}  // namespace
}  // namespace steward::gateway
