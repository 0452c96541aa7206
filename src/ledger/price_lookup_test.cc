// Which price holds for a call, and what of it the records and sums keep.
#include "ledger/testing.h"

namespace steward::ledger {
namespace {

class PriceLookup : public LedgerHome, public testing::Test {
 protected:
  PriceLookup() { start(); }
  PicoUsd input(std::string_view provider, std::string_view model) {
    const auto price = ledger->price(tenant, provider, model);
    return price ? price->input : -1;
  }
};

TEST_F(PriceLookup, OwnerThenConfigurationThenShippedThenLocalThenUnknown) {
  EXPECT_EQ(input("openai", "gpt-5"), 1'250'000) << "shipped";
  EXPECT_EQ(input("mine", "gpt-5"), -1) << "nobody said that it is OpenAI";
  ledger->set_provider_kinds({{"mine", "openai"}});
  EXPECT_EQ(input("mine", "gpt-5"), 1'250'000);
  EXPECT_EQ(input("local", "gpt-5"), 0);
  ledger->set_default_prices(
      {{"openai/gpt-5", {.input = 2, .output = 2}}, {"openai/gpt-5*", {.input = 3, .output = 3}}});
  EXPECT_EQ(input("openai", "gpt-5"), 2);
  EXPECT_EQ(input("openai", "gpt-5-mini"), 3);
  EXPECT_EQ(input("openai", "gpt-4o"), 2'500'000);
  ASSERT_TRUE(run(ledger->set_price(admin, "openai", "gpt-5", {.input = 1, .output = 1})).has_value());
  EXPECT_EQ(input("openai", "gpt-5"), 1);
  EXPECT_EQ(input("openai", "no-such-model"), -1);
}

TEST_F(PriceLookup, WhatAToolCostsIsTheProvidersWhereASetPriceDoesNotSay) {
  Price set{.input = 1, .output = 1};
  set.tools = {{"file_search", 7}};
  ASSERT_TRUE(run(ledger->set_price(admin, "openai", "gpt-5", set)).has_value());
  const Price found = ledger->price(tenant, "openai", "gpt-5").value();
  EXPECT_EQ(found.tools.at("file_search"), 7);
  EXPECT_EQ(found.tools.at("web_search"), 10'000'000'000) << "developers.openai.com: $10 a thousand";
  EXPECT_FALSE(found.tools.contains("image_generation")) << "by the token of another model: no price of a call";
  EXPECT_EQ(found.input, 1);
}

TEST_F(PriceLookup, AToolOfUnknownPriceIsNoZero) {
  const auto key = run(ledger->create_key(admin, {.name = "k", .owner = admin.principal}, {})).value();
  const auto call = [&](std::string_view tool) {
    CallBound made = bound(key.secret);
    made.price->tools = {{"web_search", 1'000'000}, {"web_fetch", 0}};
    made.may_use.tool_calls = {{std::string(tool), 1}};
    return made;
  };
  const auto use = [&](std::string_view tool, std::optional<NanoUsd> told = {}) {
    CallBound made = call(tool);
    made.price->shipped = told.has_value();
    EXPECT_TRUE(reserve(made).has_value()) << "no budget is over it";
    Usage usage{.prompt_tokens = 10, .completion_tokens = 10, .tool_calls = {{std::string(tool), 1}}};
    usage.told_cost = told;
    return run(ledger->settle({.call = made.call, .tenant = tenant, .usage = usage})).value();
  };
  EXPECT_FALSE(use("web_search").unpriced);
  EXPECT_FALSE(use("web_fetch").unpriced) << "named as free";
  EXPECT_FALSE(use("image_generation", 99'000).unpriced) << "the provider's own sum has it";
  const Charge charge = use("image_generation");
  EXPECT_TRUE(charge.unpriced);
  EXPECT_EQ(charge.cost, 30'000) << "the tokens";
  const auto rows = usage({});
  EXPECT_EQ(rows.at(0).calls, 4);
  EXPECT_EQ(rows.at(0).unpriced, 1) << "by days and quarters of an hour";
  EXPECT_EQ(usage({.from = home.clock().now_us() - kSecondUs}).at(0).unpriced, 1) << "by the calls themselves";

  set_budget(tenant, 1'000'000'000);
  const auto refused = reserve(call("image_generation"));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kPriceUnknown);
  EXPECT_EQ(refused.error().details.at("tool"), "image_generation");
  EXPECT_TRUE(reserve(call("web_fetch")).has_value());
}

TEST_F(PriceLookup, AChangeHoldsFromItsDateOn) {
  const TimeUs now = home.clock().now_us();
  ASSERT_TRUE(
      run(ledger->set_price(admin, "openai", "gpt-5", {.input = 7, .output = 7, .from = now + kDayUs})).has_value());
  EXPECT_EQ(input("openai", "gpt-5"), 1'250'000);
  home.clock().advance_us(kDayUs);
  EXPECT_EQ(input("openai", "gpt-5"), 7);
  reopen_all();
  EXPECT_EQ(input("openai", "gpt-5"), 7);
}

TEST_F(PriceLookup, EveryMemberOfAPriceSurvivesARestart) {
  Price price{.input = 1, .output = 2, .cached_input = 3};
  price.cache_write_1h = 4;
  price.tools = {{"web_search", 5}};
  price.regions = {{"us", 1'100}};
  price.tiers = {{.service = ServiceLevel::kFlex, .above_tokens = 6, .rates = {.input = 7}}};
  ASSERT_TRUE(run(ledger->set_price(admin, "p", "m", price)).has_value());
  const auto same = [&] {
    const Price found = ledger->price(tenant, "p", "m").value();
    EXPECT_EQ(found.rates(), price.rates());
    EXPECT_EQ(found.tools, price.tools);
    EXPECT_EQ(found.regions, price.regions);
    EXPECT_EQ(found.tiers, price.tiers);
    EXPECT_EQ(found.source, "owner");
    EXPECT_FALSE(found.shipped);
  };
  same();
  reopen_all();  // from the tables
  same();
}

TEST_F(PriceLookup, APriceOutOfBoundsIsRefused) {
  const auto refused = [&](const Price& price) { return !run(ledger->set_price(admin, "p", "m", price)).has_value(); };
  EXPECT_TRUE(refused({.input = -1}));
  Price tier_of_nothing{.input = 1};
  tier_of_nothing.tiers = {{.rates = {.input = 1}}};
  EXPECT_TRUE(refused(tier_of_nothing));
  Price tool{.input = 1};
  tool.tools = {{"", 1}};
  EXPECT_TRUE(refused(tool));
}

TEST_F(PriceLookup, FactsOfModels) {
  const auto facts = ledger->find_model_facts("anthropic", "claude-opus-4-6");
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->output_tokens, 128'000);
  EXPECT_EQ(facts->tools, Told::kYes);
  EXPECT_FALSE(ledger->find_model_facts("local", "gpt-5").has_value());
  EXPECT_FALSE(ledger->find_model_facts("anthropic", "no-such-model").has_value());
}

TEST_F(PriceLookup, SumsByTypeComeToTheCost) {
  const auto key = run(ledger->create_key(admin, {.name = "k", .owner = admin.principal}, {})).value();
  CallBound call = bound(key.secret, 100, 100);
  call.price->cached_input = 100'000;
  call.price->cache_write_5m = 1'250'000;
  call.price->tools = {{"web_search", 10'000'000}};
  call.may_use.tool_calls = {{"web_search", 2}};
  ASSERT_TRUE(reserve(call).has_value());
  reopen_all();  // the reservation is read from its record
  const Usage usage{.prompt_tokens = 90,
                    .cached_tokens = 30,
                    .completion_tokens = 50,
                    .reasoning_tokens = 20,
                    .estimated = true,
                    .cache_write_5m_tokens = 10,
                    .tool_calls = {{"web_search", 2}}};
  const auto charge = run(ledger->settle({.call = call.call, .tenant = tenant, .usage = usage}));
  ASSERT_TRUE(charge.has_value());
  EXPECT_EQ(charge->overrun, 0);
  const auto rows = this->usage({});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].costs.input, 50 * 1'000);
  EXPECT_EQ(rows[0].costs.cached_input, 30 * 100);
  EXPECT_EQ(rows[0].costs.cache_write, 10 * 1'250);
  EXPECT_EQ(rows[0].costs.output, 30 * 2'000);
  EXPECT_EQ(rows[0].costs.reasoning, 20 * 2'000);
  EXPECT_EQ(rows[0].costs.tools, 20'000);
  EXPECT_EQ(rows[0].costs.other, 0);
  EXPECT_EQ(rows[0].costs.total(), rows[0].cost);
  EXPECT_EQ(rows[0].cost, charge->cost);
  EXPECT_EQ(rows[0].cache_write_tokens, 10);
  EXPECT_EQ(rows[0].reasoning_tokens, 20);
  EXPECT_EQ(rows[0].tool_calls, 2);
  EXPECT_EQ(rows[0].estimated, 1);
}

}  // namespace
}  // namespace steward::ledger
