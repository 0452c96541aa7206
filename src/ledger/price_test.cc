// What a use costs, by hand and by law.
#include "ledger/price.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "ledger/price_record.h"
#include "ledger/price_text.h"
#include "ledger/pricing.h"

namespace steward::ledger {
namespace {

// Anthropic's, in pico-dollars: $3 in, $15 out, $0.30 read, $3.75 and $6 written.
Price anthropic() {
  Price price{.input = 3'000'000, .output = 15'000'000, .cached_input = 300'000};
  price.cache_write_5m = 3'750'000;
  price.cache_write_1h = 6'000'000;
  price.tools = {{"web_search", 10'000'000'000}};
  price.tiers = {{.service = ServiceLevel::kBatch, .rates = {.input = 1'500'000, .output = 7'500'000}},
                 {.above_tokens = 200'000, .rates = {.input = 6'000'000, .output = 22'500'000}}};
  price.regions = {{"us", 1'100}};
  return price;
}

TEST(Costs, CacheCreationIsPricedOnce) {
  // 10 fresh, 20 read, 100 written for five minutes, 200 for an hour: 330 in all.
  const Usage usage{.prompt_tokens = 330,
                    .cached_tokens = 20,
                    .completion_tokens = 5,
                    .cache_write_5m_tokens = 100,
                    .cache_write_1h_tokens = 200};
  const Costs costs = costs_of(anthropic(), usage);
  EXPECT_EQ(costs.input, 10 * 3'000);
  EXPECT_EQ(costs.cached_input, 20 * 300);
  EXPECT_EQ(costs.cache_write, 100 * 3'750 + 200 * 6'000);
  EXPECT_EQ(costs.output, 5 * 15'000);
  EXPECT_EQ(costs.total(), 30'000 + 6'000 + 1'575'000 + 75'000);
}

TEST(Costs, AnHourCostsAsFiveMinutesAndThatAsInputIfNobodySays) {
  Price price{.input = 1'000};
  EXPECT_EQ(cost_of(price, {.prompt_tokens = 10, .cache_write_1h_tokens = 10}), 10);
  price.cache_write_5m = 2'000;
  EXPECT_EQ(cost_of(price, {.prompt_tokens = 10, .cache_write_1h_tokens = 10}), 20);
}

TEST(Costs, ReasoningIsCountedOnceAtItsPrice) {
  Price price{.output = 1'000'000};
  const Usage usage{.completion_tokens = 100, .reasoning_tokens = 60};
  EXPECT_EQ(cost_of(price, usage), 100'000);
  EXPECT_EQ(costs_of(price, usage).reasoning, 60'000) << "shown apart, at the price of output";
  price.reasoning = 3'000'000;
  EXPECT_EQ(cost_of(price, usage), 40'000 + 180'000);
}

TEST(Costs, KindsHaveTheirPrices) {
  Price price{.input = 1'000'000, .output = 2'000'000, .cached_input = 100'000};
  price.audio_input = 10'000'000;
  price.cached_audio = 1'000'000;
  price.audio_output = 20'000'000;
  price.image_output = 30'000'000;
  const Usage usage{.prompt_tokens = 100,
                    .cached_tokens = 30,
                    .completion_tokens = 50,
                    .image_input_tokens = 20,
                    .audio_input_tokens = 25,
                    .cached_audio_tokens = 10,
                    .image_output_tokens = 5,
                    .audio_output_tokens = 7};
  const Costs costs = costs_of(price, usage);
  EXPECT_EQ(costs.cached_input, 20 * 100) << "of the 30 cached ones 10 were audio";
  EXPECT_EQ(costs.audio, 10 * 1'000 + 15 * 10'000 + 7 * 20'000);
  EXPECT_EQ(costs.image, 20 * 1'000 + 5 * 30'000) << "images in have no price of their own here";
  EXPECT_EQ(costs.input, (100 - 30 - 15 - 20) * 1'000);
  EXPECT_EQ(costs.output, (50 - 5 - 7) * 2'000);
}

TEST(Costs, ALongPromptHasItsTierFromTheFirstTokenOn) {
  EXPECT_EQ(costs_of(anthropic(), {.prompt_tokens = 200'000}).input, 200'000LL * 3'000);
  EXPECT_EQ(costs_of(anthropic(), {.prompt_tokens = 200'001}).input, 200'001LL * 6'000);
  const Costs costs =
      costs_of(anthropic(), {.prompt_tokens = 300'000, .cached_tokens = 100'000, .completion_tokens = 10});
  EXPECT_EQ(costs.cached_input, 100'000LL * 600) << "not told for the tier: dearer as its input is";
  EXPECT_EQ(costs.output, 10 * 22'500);
}

TEST(Costs, ServiceLevels) {
  Usage usage{.prompt_tokens = 1'000, .cached_tokens = 400, .completion_tokens = 100};
  usage.service = ServiceLevel::kBatch;
  EXPECT_EQ(cost_of(anthropic(), usage), 600 * 1'500 + 400 * 150 + 100 * 7'500);
  usage.service = ServiceLevel::kPriority;
  EXPECT_EQ(cost_of(anthropic(), usage), 600 * 3'000 + 400 * 300 + 100 * 15'000) << "a level that nobody priced";
  usage.prompt_tokens = 250'000;
  usage.service = ServiceLevel::kBatch;
  EXPECT_EQ(costs_of(anthropic(), usage).input, (250'000LL - 400) * 3'000)
      << "half of the long price, though only the short one was told for batches";
}

TEST(Costs, RegionsAndToolsAndRequests) {
  Price price = anthropic();
  price.request = 5'000'000;
  Usage usage{.prompt_tokens = 1'000, .completion_tokens = 100};
  usage.region = "us";
  usage.tool_calls = {{"web_search", 2}, {"unheard_of", 9}};
  usage.requests = 2;
  const Costs costs = costs_of(price, usage);
  EXPECT_EQ(costs.input, 3'300'000);
  EXPECT_EQ(costs.output, 1'650'000);
  EXPECT_EQ(costs.tools, 20'000'000);
  EXPECT_EQ(costs.requests, 10'000);
  usage.region = "global";
  EXPECT_EQ(costs_of(price, usage).input, 3'000'000);
}

TEST(Costs, AProvidersWordGoesBeforeTheTableButNotBeforeTheOwner) {
  Price price{.input = 1'000'000, .output = 1'000'000};
  const Usage usage{.prompt_tokens = 30, .completion_tokens = 10, .told_cost = 20'000};
  EXPECT_EQ(cost_of(price, usage), 40'000) << "the owner's price";
  price.shipped = true;
  EXPECT_EQ(cost_of(price, usage), 20'000);
  EXPECT_EQ(costs_of(price, usage).input, 15'000) << "split as the price would have split it";
  EXPECT_EQ(costs_of(price, usage).output, 5'000);
  EXPECT_EQ(costs_of({.shipped = true}, usage).other, 20'000);
}

TEST(Costs, PartsAreCutToTheWhole) {
  const Usage more{.prompt_tokens = 10, .cached_tokens = 8, .cache_write_5m_tokens = 7};
  const Costs costs = costs_of(anthropic(), more);
  EXPECT_EQ(costs.cache_write, 7 * 3'750);
  EXPECT_EQ(costs.cached_input, 3 * 300);
  EXPECT_EQ(costs.input, 0);
}

TEST(WorstCost, IsTheDearestThatCanCome) {
  const Price price = anthropic();
  EXPECT_EQ(worst_cost(price, 1'000, 1, 0), 1'000 * 6'600) << "an hour's cache write in the dearer region";
  MayUse may_use{.cache_writes = CacheWrites::kNone, .region = ""};
  EXPECT_EQ(worst_cost(price, 1'000, 1, 10, may_use), 1'000 * 3'000 + 10 * 15'000);
  may_use.cache_writes = CacheWrites::kFiveMinutes;
  EXPECT_EQ(worst_cost(price, 1'000, 1, 0, may_use), 1'000 * 3'750);
  may_use = {.cache_writes = CacheWrites::kNone, .region = "", .tool_calls = {{"web_search", 3}}};
  EXPECT_EQ(worst_cost(price, 0, 1, 0, may_use), 30'000'000);
  EXPECT_EQ(worst_cost(price, 200'001, 1, 10, may_use), 200'001LL * 6'000 + 10 * 22'500 + 30'000'000);
}

TEST(PriceText, TiersAreReadAndWritten) {
  const auto tier = parse_tier("batch above 200000: input=1.25, output=7.50 cached_input=0.0001");
  ASSERT_TRUE(tier.has_value()) << tier.error().message;
  EXPECT_EQ(*tier, (PriceTier{.service = ServiceLevel::kBatch,
                              .above_tokens = 200'000,
                              .rates = {.input = 1'250'000, .output = 7'500'000, .cached_input = 100}}));
  EXPECT_EQ(to_text(*tier), "batch above 200000: input=1.25 output=7.5 cached_input=0.0001");
  EXPECT_EQ(to_text(parse_tier("flex:input=3").value()), "flex: input=3");
  EXPECT_EQ(to_text(parse_tier("above 5: output=3").value()), "above 5: output=3");
  for (const char* wrong : {"", "batch", ": input=1", "batch:", "batch: 5", "batch: inptu=5", "batch: input=x",
                            "above x: input=1", "above -5: input=1", "slow: input=1", "default: input=1"}) {
    EXPECT_FALSE(parse_tier(wrong).has_value()) << wrong;
  }
}

TEST(PriceText, UnitsAreExact) {
  EXPECT_EQ(parse_usd_per_million("0.075").value(), 75'000);
  EXPECT_EQ(parse_usd_per_million("0.000000001").value(), 1) << "never to nothing";
  EXPECT_EQ(parse_usd_per_call("0.01").value(), 10'000'000'000);
  EXPECT_EQ(parse_factor("1.1").value(), 1'100);
  EXPECT_FALSE(parse_factor("-1").has_value());
  EXPECT_EQ(usd_per_million(75'000), "0.075");
  EXPECT_EQ(usd_per_call(10'000'000'000), "0.01");
}

// ---- laws ----

PicoUsd rate() { return *rc::gen::inRange<PicoUsd>(0, 5'000'000); }

Rates any_rates(bool with_base) {
  Rates rates;
  if (with_base) rates.input = rate() + 1, rates.output = rate() + 1;
  for (PicoUsd* each :
       {&rates.cached_input, &rates.cache_write_5m, &rates.cache_write_1h, &rates.reasoning, &rates.image_input,
        &rates.audio_input, &rates.cached_image, &rates.cached_audio, &rates.image_output, &rates.audio_output}) {
    if (*rc::gen::arbitrary<bool>()) *each = rate();
  }
  return rates;
}

ServiceLevel any_level() {
  return *rc::gen::element(ServiceLevel::kDefault, ServiceLevel::kFlex, ServiceLevel::kPriority, ServiceLevel::kBatch);
}

Price any_price() {
  Price price;
  price.set_rates(any_rates(true));
  price.request = rate();
  price.tools = {{"web_search", rate()}, {"file_search", rate()}};
  const int tiers = *rc::gen::inRange(0, 4);
  for (int i = 0; i < tiers; ++i)
    price.tiers.push_back({any_level(), *rc::gen::inRange<int64_t>(1, 1'500), any_rates(true)});
  if (*rc::gen::arbitrary<bool>()) price.regions = {{"us", *rc::gen::inRange<int64_t>(500, 2'000)}};
  return price;
}

Usage any_usage(int64_t prompt, int64_t completion) {
  const auto part = [](int64_t most) { return *rc::gen::inRange<int64_t>(0, most + 1); };
  Usage usage{.prompt_tokens = prompt,
              .cached_tokens = part(prompt),
              .completion_tokens = completion,
              .reasoning_tokens = part(completion)};
  usage.cache_write_5m_tokens = part(prompt);
  usage.cache_write_1h_tokens = part(prompt);
  usage.image_input_tokens = part(prompt);
  usage.audio_input_tokens = part(prompt);
  usage.cached_audio_tokens = part(prompt);
  usage.cached_image_tokens = part(prompt);
  usage.image_output_tokens = part(completion);
  usage.audio_output_tokens = part(completion);
  usage.tool_calls = {{"web_search", part(5)}};
  usage.service = any_level();
  if (*rc::gen::arbitrary<bool>()) usage.region = "us";
  return usage;
}

MayUse all_of(const Usage& usage) {
  MayUse may_use;
  may_use.service = usage.service;
  may_use.tool_calls = {{"web_search", 5}};
  return may_use;
}

RC_GTEST_PROP(PriceLaw, NoUseWithinTheBoundCostsMoreThanReserved, ()) {
  const Price price = any_price();
  const int64_t input = *rc::gen::inRange<int64_t>(0, 2'000), n = *rc::gen::inRange<int64_t>(1, 5),
                output = *rc::gen::inRange<int64_t>(0, 500);
  const Usage usage =
      any_usage(*rc::gen::inRange<int64_t>(0, input + 1), *rc::gen::inRange<int64_t>(0, n * output + 1));
  RC_ASSERT(cost_of(price, usage) <= worst_cost(price, input, n, output, all_of(usage)));
}

RC_GTEST_PROP(PriceLaw, WhatFitsFitsAndOneMoreDoesNot, ()) {
  const Price price = any_price();
  MayUse may_use;
  may_use.service = any_level();
  may_use.tool_calls = {{"file_search", *rc::gen::inRange<int64_t>(0, 3)}};
  const int64_t input = *rc::gen::inRange<int64_t>(0, 2'000), n = *rc::gen::inRange<int64_t>(1, 5);
  const NanoUsd left = *rc::gen::inRange<NanoUsd>(-1'000, 20'000'000);
  constexpr int64_t kCap = 5'000;
  const int64_t fits = output_that_fits(price, input, n, left, kCap, may_use);
  if (fits < 0) {
    RC_ASSERT(worst_cost(price, input, n, 0, may_use) > left);
  } else {
    RC_ASSERT(worst_cost(price, input, n, fits, may_use) <= std::max<NanoUsd>(left, 0));
    RC_ASSERT(fits == kCap || worst_cost(price, input, n, fits + 1, may_use) > left);
  }
}

RC_GTEST_PROP(PriceLaw, TheCostIsTheSumOfItsTypes, ()) {
  Price price = any_price();
  Usage usage = any_usage(*rc::gen::inRange<int64_t>(0, 2'000), *rc::gen::inRange<int64_t>(0, 2'000));
  if (*rc::gen::arbitrary<bool>()) {
    price.shipped = true;
    usage.told_cost = *rc::gen::inRange<NanoUsd>(0, 10'000'000);
    RC_ASSERT(costs_of(price, usage).total() == *usage.told_cost);
  }
  const Costs costs = costs_of(price, usage);
  RC_ASSERT(costs.total() == cost_of(price, usage));
  for (const NanoUsd part : {costs.input, costs.cached_input, costs.cache_write, costs.output, costs.reasoning,
                             costs.image, costs.audio, costs.tools, costs.requests, costs.other})
    RC_ASSERT(part >= 0);
}

RC_GTEST_PROP(PriceLaw, MoreNeverCostsLess, ()) {
  Price price = any_price();
  price.tiers.clear();  // a tier may well be cheaper above its length
  const Usage usage = any_usage(*rc::gen::inRange<int64_t>(0, 2'000), *rc::gen::inRange<int64_t>(0, 2'000));
  const NanoUsd before = cost_of(price, usage);
  const int64_t more = *rc::gen::inRange<int64_t>(0, 500);
  Usage longer = usage;
  longer.prompt_tokens += more;
  RC_ASSERT(cost_of(price, longer) >= before ||
            usage.cache_write_tokens() + usage.cached_tokens > usage.prompt_tokens ||
            usage.image_input_tokens + usage.audio_input_tokens > 0);
  longer = usage;
  longer.tool_calls["web_search"] += more;
  RC_ASSERT(cost_of(price, longer) >= before);
  longer = usage;
  longer.requests += more;
  RC_ASSERT(cost_of(price, longer) >= before);
}

// No token is priced twice or never: with one rate for all, every use costs its tokens times that rate.
RC_GTEST_PROP(PriceLaw, EachTokenIsPricedOnce, ()) {
  const PicoUsd one = rate() + 1;
  const Price price{.input = one, .output = one};
  Usage usage = any_usage(*rc::gen::inRange<int64_t>(0, 2'000), *rc::gen::inRange<int64_t>(0, 2'000));
  usage.region.clear();
  RC_ASSERT(cost_of(price, usage) == round_up_to_nano(price_pico(usage.prompt_tokens + usage.completion_tokens, one)));
}

RC_GTEST_PROP(PriceLaw, ARecordReadsAsItWasWritten, ()) {
  Price price = any_price();
  price.shipped = *rc::gen::arbitrary<bool>();
  Price read{.input = price.input, .output = price.output, .cached_input = price.cached_input};
  read.request = price.request;
  MoreReader().price(read, more_of(price));
  RC_ASSERT(more_of(read) == more_of(price));
  RC_ASSERT(read.tiers == price.tiers);
  Usage usage = any_usage(1'000, 1'000), again;
  usage.told_cost = 5;
  MoreReader().usage(again, more_of(usage));
  RC_ASSERT(more_of(again) == more_of(usage));
  const Costs costs = costs_of(price, usage);
  RC_ASSERT(MoreReader().costs(costs_text(costs)) == costs);
}

}  // namespace
}  // namespace steward::ledger
