// The Date of answers under way when the second changes: they once held a view of a string that had been moved away,
// and sent whatever lay there.
#include "net/connection_set.h"

#include <gtest/gtest.h>

#include "net/route_table.h"

namespace steward::net {
namespace {

TEST(ConnectionSet, ADateThatIsHeldIsADateInTheNextSecondToo) {
  asio::io_context context;
  ManualClock clock;
  SystemRandom random;
  const auto state = std::make_shared<ServerState>(ServerLimits{}, clock, random, Log());
  const auto set = std::make_shared<ConnectionSet>(context, state);
  const std::string_view held = set->http_date();
  const std::string first(held);
  std::vector<std::string> others;  // takes the memory that would have been freed
  for (int second = 1; second <= 100; ++second) {
    clock.advance_us(1'000'000);
    const std::string_view now = set->http_date();
    others.emplace_back(std::string(now.size(), 'x'));
    EXPECT_EQ(held.data(), now.data());
    EXPECT_EQ(held.substr(held.size() - 4), " GMT");
  }
  EXPECT_NE(held, first);
}

}  // namespace
}  // namespace steward::net
