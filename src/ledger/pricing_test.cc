#include "ledger/pricing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace steward::ledger {
namespace {

TEST(Cost, IsRoundedUpOncePerCall) {
  // An embedding token at $0.02 a million: 20,000 picodollars.
  const Price embedding{.input = 20'000};
  EXPECT_EQ(cost_of(embedding, {.prompt_tokens = 1}), 20);
  const Price tiny{.input = 1, .output = 1};
  EXPECT_EQ(cost_of(tiny, {.prompt_tokens = 1}), 1) << "a thousandth of a nanodollar is a whole one";
  EXPECT_EQ(cost_of(tiny, {.prompt_tokens = 999, .completion_tokens = 1}), 1) << "not rounded per part";
  EXPECT_EQ(cost_of(tiny, {.prompt_tokens = 1'000, .completion_tokens = 1}), 2);
  EXPECT_EQ(cost_of(tiny, {}), 0);
  EXPECT_EQ(cost_of({.request = 5'000'000}, {}), 5'000);
}

TEST(Cost, CachedInputHasItsPrice) {
  const Price price{.input = 1'000'000, .output = 4'000'000, .cached_input = 100'000};
  EXPECT_EQ(cost_of(price, {.prompt_tokens = 100, .cached_tokens = 60, .completion_tokens = 10}),
            40'000 + 6'000 + 40'000);
  Price untold = price;
  untold.cached_input = 0;
  EXPECT_EQ(cost_of(untold, {.prompt_tokens = 100, .cached_tokens = 60}), 100'000) << "0 means: as input";
  EXPECT_EQ(cost_of(price, {.prompt_tokens = 10, .cached_tokens = 60}), 1'000) << "no more is cached than there is";
}

TEST(Cost, ReasoningIsPartOfTheCompletion) {
  EXPECT_EQ(cost_of({.output = 1'000}, {.completion_tokens = 10, .reasoning_tokens = 9}), 10);
}

TEST(Cost, NonsenseNeitherOverflowsNorPays) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(cost_of({.input = kMost, .output = kMost}, {.prompt_tokens = kMost, .completion_tokens = kMost}), kMost);
  EXPECT_EQ(cost_of({.input = 1'000}, {.prompt_tokens = -5, .completion_tokens = -5}), 0);
  EXPECT_EQ(worst_cost({.output = kMost}, kMost, kMost, kMost), kMost);
  EXPECT_GE(output_that_fits({.output = 1}, 0, 1, kMost, 100), 100);
}

RC_GTEST_PROP(CostLaw, WhatFitsFitsAndOneMoreDoesNot, ()) {
  const Price price{*rc::gen::inRange<PicoUsd>(0, 5'000'000), *rc::gen::inRange<PicoUsd>(0, 5'000'000),
                    *rc::gen::inRange<PicoUsd>(0, 5'000'000), *rc::gen::inRange<PicoUsd>(0, 5'000'000)};
  const int64_t input = *rc::gen::inRange<int64_t>(0, 2'000), n = *rc::gen::inRange<int64_t>(1, 5);
  const NanoUsd left = *rc::gen::inRange<NanoUsd>(-1'000, 20'000'000);
  constexpr int64_t kCap = 5'000;
  const int64_t fits = output_that_fits(price, input, n, left, kCap);
  if (fits < 0) {
    RC_ASSERT(worst_cost(price, input, n, 0) > left);
  } else {
    RC_ASSERT(worst_cost(price, input, n, fits) <= std::max<NanoUsd>(left, 0));
    RC_ASSERT(fits == kCap || worst_cost(price, input, n, fits + 1) > left);
  }
}

RC_GTEST_PROP(CostLaw, NoUseWithinTheBoundCostsMoreThanReserved, ()) {
  const Price price{*rc::gen::inRange<PicoUsd>(0, 5'000'000), *rc::gen::inRange<PicoUsd>(0, 5'000'000),
                    *rc::gen::inRange<PicoUsd>(0, 5'000'000), *rc::gen::inRange<PicoUsd>(0, 5'000'000)};
  const int64_t input = *rc::gen::inRange<int64_t>(0, 2'000), n = *rc::gen::inRange<int64_t>(1, 5),
                output = *rc::gen::inRange<int64_t>(0, 500);
  Usage usage;
  usage.prompt_tokens = *rc::gen::inRange<int64_t>(0, input + 1);
  usage.cached_tokens = *rc::gen::inRange<int64_t>(0, usage.prompt_tokens + 1);
  usage.completion_tokens = *rc::gen::inRange<int64_t>(0, n * output + 1);
  RC_ASSERT(cost_of(price, usage) <= worst_cost(price, input, n, output));
}

}  // namespace
}  // namespace steward::ledger
