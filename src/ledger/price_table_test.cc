// The shipped table, and finding a model's row under another of its names.
#include "ledger/price_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/price_names.h"
#include "ledger/pricing.h"

namespace steward::ledger {
namespace {

constexpr TimeUs kNow = 1'764'000'000'000'000;

constexpr ShippedRow kRows[] = {
    {"anthropic/claude-sonnet-4-20250514", R"({"i":3,"o":15})"},
    {"anthropic/claude-sonnet-4-5", R"({"i":3,"o":15})"},
    {"anthropic/claude-sonnet-4-5-20250929", R"({"i":3,"o":15})"},
    {"bedrock/anthropic.claude-x-v1:0", R"({"i":30,"o":150})"},
    {"bedrock/global.anthropic.claude-x-v1:0", R"({"i":30,"o":150})"},
    {"bedrock/us.anthropic.claude-x-v1:0", R"({"i":33,"o":165})"},
    {"gemini/gemini-2.5-pro", R"({"i":1,"o":10})"},
    {"mistral/big-2402", R"({"i":8,"o":24})"},
    {"mistral/big-2407", R"({"i":2,"o":6})"},
    {"mistral/big-latest", R"({"i":1,"o":1})"},
    {"openai/gpt-4", R"({"i":30,"o":60})"},
    {"openai/gpt-5", R"({"i":1,"o":10})"},
    {"openai/gpt-5-mini", R"({"i":1,"o":2})"},
    {"openrouter/openai/gpt-4", R"({"i":31,"o":61})"},
};

std::string found(std::string_view provider, std::string_view model) {
  const ShippedRow* row = find_row(kRows, provider, model);
  return row ? std::string(row->name) : "";
}

TEST(PriceNames, ExactNameFirst) {
  EXPECT_EQ(found("openai", "gpt-5"), "openai/gpt-5");
  EXPECT_EQ(found("anthropic", "claude-sonnet-4-5-20250929"), "anthropic/claude-sonnet-4-5-20250929");
  EXPECT_EQ(found("openai", "gpt-9"), "");
  EXPECT_EQ(found("groq", "gpt-5"), "");
  EXPECT_EQ(found("openai", "gpt-5-nano"), "") << "another model, whatever it begins with";
  EXPECT_EQ(found("openai", ""), "");
  EXPECT_EQ(found("", "gpt-5"), "");
}

TEST(PriceNames, DatesAndLatest) {
  EXPECT_EQ(found("openai", "gpt-5-2025-08-07"), "openai/gpt-5");
  EXPECT_EQ(found("openai", "gpt-5-mini-2025-08-07"), "openai/gpt-5-mini");
  EXPECT_EQ(found("openai", "gpt-4-0613"), "openai/gpt-4");
  EXPECT_EQ(found("anthropic", "claude-sonnet-4-0"), "anthropic/claude-sonnet-4-20250514");
  EXPECT_EQ(found("anthropic", "claude-sonnet-4-latest"), "anthropic/claude-sonnet-4-20250514");
  EXPECT_EQ(found("gemini", "models/gemini-2.5-pro"), "gemini/gemini-2.5-pro");
}

TEST(PriceNames, OfSeveralTheDearest) {
  EXPECT_EQ(found("mistral", "big-2512"), "mistral/big-2402") << "not the cheaper one of today";
  EXPECT_EQ(found("mistral", "big"), "mistral/big-2402");
  EXPECT_EQ(found("mistral", "big-2407"), "mistral/big-2407");
}

TEST(PriceNames, BedrocksRegions) {
  EXPECT_EQ(found("bedrock", "us.anthropic.claude-x-v1:0"), "bedrock/us.anthropic.claude-x-v1:0");
  EXPECT_EQ(found("bedrock", "eu.anthropic.claude-x-v1:0"), "bedrock/us.anthropic.claude-x-v1:0")
      << "as dear as another region";
  EXPECT_EQ(found("bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-x-v1:0"),
            "bedrock/global.anthropic.claude-x-v1:0");
}

TEST(PriceNames, Gateways) {
  EXPECT_EQ(found("openrouter", "openai/gpt-4"), "openrouter/openai/gpt-4");
  EXPECT_EQ(found("openrouter", "openai/gpt-5"), "openai/gpt-5");
  EXPECT_EQ(found("openrouter", "anthropic/claude-sonnet-4.5:thinking"), "anthropic/claude-sonnet-4-5");
  EXPECT_EQ(found("openrouter", "google/gemini-2.5-pro"), "gemini/gemini-2.5-pro");
  EXPECT_EQ(found("openrouter", "openai/gpt-5:free"), "") << "another tariff";
  EXPECT_EQ(found("azure", "gpt-5"), "openai/gpt-5");
}

TEST(PriceNames, WithoutDate) {
  EXPECT_EQ(without_date("a-2025-08-07"), "a");
  EXPECT_EQ(without_date("a@20250929"), "a");
  EXPECT_EQ(without_date("a-12-2024"), "a");
  EXPECT_EQ(without_date("a-05-06"), "a");
  EXPECT_EQ(without_date("claude-opus-4-1"), "claude-opus-4-1");
  EXPECT_EQ(without_date("-2025"), "-2025");
  EXPECT_EQ(without_date(""), "");
}

TEST(PriceTable, EveryRowIsValidAndSaysWhereItsFiguresComeFrom) {
  const auto all = shipped_prices("", kNow);
  EXPECT_GT(all.size(), 2'000u);
  for (const auto& [name, price] : all) {
    EXPECT_TRUE(check_price(price).has_value()) << name;
    EXPECT_TRUE(price.input > 0 || price.output > 0 || price.request > 0 || name.ends_with(":free")) << name;
    EXPECT_THAT(price.source, testing::HasSubstr("litellm ")) << name;
    EXPECT_GT(price.from, 0) << name;
    EXPECT_TRUE(price.shipped);
    const size_t slash = name.find('/');
    const auto found = find_shipped(name.substr(0, slash), name.substr(slash + 1), kNow);
    ASSERT_TRUE(found.has_value()) << name << ": the rows aren't sorted";
    EXPECT_EQ(found->facts.model, name);
  }
}

TEST(PriceTable, KnowsWhatProvidersPublish) {
  // platform.claude.com/docs/en/about-claude/pricing: Opus 4.6 at $5, $25, $0.50, $6.25, $10 a million; half in
  // batches.
  const auto opus = find_shipped("anthropic", "claude-opus-4-6", kNow);
  ASSERT_TRUE(opus.has_value());
  EXPECT_EQ(opus->price.input, 5'000'000);
  EXPECT_EQ(opus->price.output, 25'000'000);
  EXPECT_EQ(opus->price.cached_input, 500'000);
  EXPECT_EQ(opus->price.cache_write_5m, 6'250'000);
  EXPECT_EQ(opus->price.cache_write_1h, 10'000'000);
  EXPECT_EQ(opus->price.tools.at("web_search"), 10'000'000'000);
  EXPECT_EQ(cost_of(opus->price, {.prompt_tokens = 10, .service = ServiceLevel::kBatch}), 25'000);
  EXPECT_EQ(opus->facts.vision, Told::kYes);
  EXPECT_EQ(opus->facts.output_tokens, 128'000);
  // ai.google.dev/gemini-api/docs/pricing: Gemini 2.5 Pro at $1.25 to 200k, $2.50 above.
  const auto pro = find_shipped("gemini", "models/gemini-2.5-pro", kNow);
  ASSERT_TRUE(pro.has_value());
  EXPECT_EQ(cost_of(pro->price, {.prompt_tokens = 200'000}), 200'000LL * 1'250);
  EXPECT_EQ(cost_of(pro->price, {.prompt_tokens = 200'001}), 200'001LL * 2'500);
}

TEST(PriceTable, ARowHasTheDayOfItsRelease) {
  // pypi.org/project/litellm: 1.110.2 of 2026-11-20; 1.60.0, the last of these that knew Claude 2, of 2025-02-01.
  const auto from = [](std::string_view provider, std::string_view model) {
    return to_rfc3339(find_shipped(provider, model, kNow).value().price.from).substr(0, 10);
  };
  EXPECT_EQ(from("anthropic", "claude-opus-4-6"), "2026-11-20");
  EXPECT_EQ(from("anthropic", "claude-2"), "2025-02-01");
  EXPECT_THAT(find_shipped("anthropic", "claude-2", kNow)->price.source, testing::HasSubstr("litellm 1.60.0"));
}

TEST(PriceTable, PicturesInAnAnswerHaveTheirRate) {
  // ai.google.dev/gemini-api/docs/pricing: Gemini 2.5 Flash Image at $0.30, text at $2.50, pictures at $30.
  const auto found = find_shipped("gemini", "gemini-2.5-flash-image", kNow);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->facts.mode, "chat");
  EXPECT_EQ(cost_of(found->price, {.prompt_tokens = 10, .completion_tokens = 1'300, .image_output_tokens = 1'290}),
            10 * 300 + 10 * 2'500 + 1'290 * 30'000);
}

TEST(PriceTable, NightsCanBeCheaper) {
  // api-docs.deepseek.com/quick_start/pricing: half price on weekdays 00-01, 04-06, 10-24 UTC, and at weekends.
  const auto at = [](const char* time) {
    return find_shipped("deepseek", "deepseek-v4-flash", parse_rfc3339(time).value())->price.input;
  };
  EXPECT_EQ(at("2026-11-25T02:00:00Z"), 300'000) << "a Wednesday";
  EXPECT_EQ(at("2026-11-25T00:59:59Z"), 150'000);
  EXPECT_EQ(at("2026-11-25T01:00:00Z"), 300'000);
  EXPECT_EQ(at("2026-11-25T10:00:00Z"), 150'000);
  EXPECT_EQ(at("2026-11-28T02:00:00Z"), 150'000) << "a Saturday";
}

}  // namespace
}  // namespace steward::ledger
