#include "net/body_shares.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace steward::net {
namespace {

using enum BodyShares::Verdict;

TEST(BodyShares, OneClientHoldsItsBoundAndNoMore) {
  BodyShares shares(1'000, 300, 100);
  EXPECT_EQ(shares.take("a", true, 300), kTaken);
  EXPECT_EQ(shares.take("a", true, 1), kClientFull);
  EXPECT_EQ(shares.take("b", true, 300), kTaken);
  shares.give_back("a", true, 100);
  EXPECT_EQ(shares.take("a", true, 100), kTaken);
  EXPECT_EQ(shares.held(), 600u);
}

TEST(BodyShares, WhoeverComesNextFindsAsMuchAsTheLargestHolds) {
  BodyShares shares(1'000, 1'000, 10);
  const auto fill = [&](const std::string& client) {
    size_t taken = 0;
    while (shares.take(client, true, 1) == kTaken) ++taken;
    return taken;
  };
  EXPECT_EQ(fill("a"), 500u);
  EXPECT_EQ(fill("b"), 250u);
  EXPECT_EQ(fill("c"), 125u);
  EXPECT_EQ(shares.take("a", true, 1), kServerFull);
  EXPECT_EQ(shares.take("d", true, 10), kTaken);
}

TEST(BodyShares, TheLargestBodyFitsAClientThatIsAloneWhateverTheLimitsSay) {
  BodyShares shares(10, 10, 500);
  EXPECT_EQ(shares.take("a", true, 500), kTaken);
  EXPECT_EQ(shares.take("a", true, 1), kClientFull);
}

TEST(BodyShares, AddressesAreBoundedAndStrangersTogetherAreOneClient) {
  BodyShares shares(1'000, 400, 10);
  size_t of_strangers = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::string address = "2001:db8::" + std::to_string(i);
    while (shares.take(address, false, 1) == kTaken) ++of_strangers;
    if (i == 0) EXPECT_EQ(of_strangers, 200u);
  }
  EXPECT_LE(of_strangers, 400u);
  EXPECT_GE(of_strangers, 390u);
  EXPECT_EQ(shares.take("known", true, 300), kTaken);
}

TEST(BodyShares, AStrangerDoesNotSpeakForAClientOfTheSameName) {
  BodyShares shares(1'000, 300, 10);
  EXPECT_EQ(shares.take("a", false, 150), kTaken);
  EXPECT_EQ(shares.take("a", true, 300), kTaken);
  shares.give_back("a", false, 150);
  EXPECT_EQ(shares.take("a", true, 1), kClientFull);
}

TEST(BodyShares, AllIsGivenBackWhateverTheThreads) {
  BodyShares shares(100'000, 20'000, 10);
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&shares, seed] {
      std::minstd_rand random(seed + 1);
      for (int i = 0; i < 2'000; ++i) {
        BodyShare share(shares, std::to_string(random() % 5), random() % 2 == 0);
        for (size_t bytes = 1; bytes < 10'000; bytes *= 3) {
          if (share.grow_to(bytes) != kTaken) break;
        }
        EXPECT_LE(shares.held(), 100'000u);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shares.held(), 0u);
  EXPECT_EQ(shares.clients(), 0u);
}

}  // namespace
}  // namespace steward::net
