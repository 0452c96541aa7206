#include "server/price_options.h"

#include <gtest/gtest.h>

namespace steward::server {
namespace {

Result<std::map<std::string, ledger::Price>> prices_of(const std::string& toml) {
  ConfigSources sources;
  sources.toml = toml;
  return default_prices(Config::load(sources).value());
}

TEST(PriceOptions, DollarsAMillionTokensArePicoDollarsAToken) {
  const auto prices = prices_of("[prices.\"openai/gpt-4.1-mini\"]\ninput = 0.40\noutput = \"1.60\"\nrequest = 0.01\n");
  ASSERT_TRUE(prices.has_value());
  const auto& price = prices->at("openai/gpt-4.1-mini");
  EXPECT_EQ(price.input, 400'000);
  EXPECT_EQ(price.output, 1'600'000);
  EXPECT_EQ(price.cached_input, 400'000) << "nobody said that it is cheaper";
  EXPECT_EQ(price.request, 10'000'000'000);
  EXPECT_EQ(price.from, 0);
}

TEST(PriceOptions, EveryKindOfRate) {
  const auto prices = prices_of(R"([prices."anthropic/claude-x"]
input = 3
output = 15
cached_input = 0.30
cache_write = 3.75
cache_write_1h = 6
reasoning = 20
audio_input = 40
tools = { web_search = "0.01" }
regions = { us = "1.1" }
tiers = ["batch: input=1.50 output=7.50", "above 200000: input=6"]
from = "2026-12-01"
)");
  ASSERT_TRUE(prices.has_value()) << prices.error().message;
  const auto& price = prices->at("anthropic/claude-x");
  EXPECT_EQ(price.cache_write_5m, 3'750'000);
  EXPECT_EQ(price.cache_write_1h, 6'000'000);
  EXPECT_EQ(price.reasoning, 20'000'000);
  EXPECT_EQ(price.audio_input, 40'000'000);
  EXPECT_EQ(price.tools.at("web_search"), 10'000'000'000);
  EXPECT_EQ(price.regions.at("us"), 1'100);
  ASSERT_EQ(price.tiers.size(), 2u);
  EXPECT_EQ(price.tiers[0].service, ledger::ServiceLevel::kBatch);
  EXPECT_EQ(price.tiers[1].above_tokens, 200'000);
  EXPECT_EQ(price.from, parse_rfc3339("2026-12-01T00:00:00Z").value());
}

TEST(PriceOptions, WhatCantBeReadIsAnErrorThatNamesIt) {
  const auto wrong = [](const char* line) {
    const auto prices = prices_of(std::string("[prices.\"p/m\"]\ninput = 1\noutput = 1\n") + line);
    return prices ? std::string("accepted") : prices.error().message;
  };
  EXPECT_NE(wrong("tiers = [\"batch: inptu=1\"]").find("[prices.\"p/m\"] tiers: 'batch: inptu=1'"), std::string::npos);
  EXPECT_NE(wrong("from = \"soon\"").find("'soon' is no day"), std::string::npos);
  EXPECT_NE(wrong("regions = { us = \"x\" }").find("'x' is no factor"), std::string::npos);
}

TEST(PriceOptions, AProviderIsWhatItIsLikeElseWhoseAddressItHas) {
  ConfigSources sources;
  sources.toml = R"([providers.claude]
like = "anthropic"
[providers.mine]
base_url = "https://api.mistral.ai/v1"
[providers.groq]
[providers.lab]
base_url = "http://10.0.0.7:8000/v1"
)";
  const auto kinds = provider_kinds(Config::load(sources).value());
  EXPECT_EQ(kinds.at("claude"), "anthropic");
  EXPECT_EQ(kinds.at("mine"), "mistral");
  EXPECT_EQ(kinds.at("groq"), "groq");
  EXPECT_EQ(kinds.at("lab"), "lab");
}

}  // namespace
}  // namespace steward::server
