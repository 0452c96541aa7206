#include "gateway/providers/table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/config_providers.h"

namespace steward::gateway {
namespace {

TEST(Providers, EachRowIsWhole) {
  std::set<std::string_view> names;
  for (const auto& row : provider_profiles()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.base_url.ends_with('/')) << row.name;
    EXPECT_TRUE(row.base_url.empty() || row.base_url.starts_with("http")) << row.name;
    for (const auto& rule : row.quirks.fields) {
      if (rule.field.empty()) continue;
      if (rule.action == FieldAction::kRename) EXPECT_FALSE(rule.to.empty()) << row.name << rule.field;
      if (rule.action == FieldAction::kRefuse) EXPECT_FALSE(rule.advice.empty()) << row.name << rule.field;
    }
    EXPECT_EQ(provider_dialect_from_text(to_text(row.dialect)) != nullptr, true);
  }
  EXPECT_EQ(known_providers().size(), provider_profiles().size());
}

TEST(Providers, WhoIsNotListedHasThePlainWaysOfItsDialect) {
  const auto anthropic = profile_for("my-proxy", provider_dialect_from_text("anthropic"));
  EXPECT_EQ(anthropic.dialect, ProviderDialect::kAnthropic);
  EXPECT_EQ(anthropic.auth, Auth::kXApiKey);
  EXPECT_EQ(anthropic.quirks.headers[0].name, "anthropic-version");
  EXPECT_TRUE(anthropic.base_url.empty());
  EXPECT_TRUE(anthropic.name.empty());
  EXPECT_EQ(profile_for("lab", nullptr).dialect, ProviderDialect::kOpenAi);
  EXPECT_EQ(profile_for("mistral", nullptr).quirks.fields[0].to, "random_seed");
}

TEST(Providers, AKnownOneCanBeAskedForAnotherDialect) {
  const auto responses = profile_for("openai", provider_dialect_from_text("responses"));
  EXPECT_EQ(responses.dialect, ProviderDialect::kResponses);
  EXPECT_EQ(responses.name, "openai");
  EXPECT_EQ(responses.quirks.batches, Batches::kOpenAi);
  EXPECT_EQ(profile_for("gemini", provider_dialect_from_text("openai")).dialect, ProviderDialect::kOpenAi);
  EXPECT_EQ(provider_dialect_from_text("auto"), nullptr);
}

TEST(Providers, WhoHasBatchesOfItsOwn) {
  std::map<std::string_view, Batches> having;
  for (const auto& row : provider_profiles()) {
    if (row.quirks.batches != Batches::kNone) having[row.name] = row.quirks.batches;
  }
  EXPECT_EQ(having, (std::map<std::string_view, Batches>{{"openai", Batches::kOpenAi},
                                                         {"groq", Batches::kOpenAi},
                                                         {"anthropic", Batches::kAnthropic},
                                                         {"gemini", Batches::kGemini}}));
  EXPECT_EQ(profile_for("my-proxy", provider_dialect_from_text("anthropic")).quirks.batches, Batches::kAnthropic);
  EXPECT_EQ(profile_for("my-proxy", nullptr).quirks.batches, Batches::kNone);
  EXPECT_EQ(profile_for("gemini", provider_dialect_from_text("openai")).quirks.batches, Batches::kNone);
}

TEST(Providers, ModelPatterns) {
  EXPECT_TRUE(fits_models("", "x"));
  EXPECT_TRUE(fits_models("o3*|gpt-5*", "gpt-5-mini"));
  EXPECT_TRUE(fits_models("grok-4", "grok-4"));
  EXPECT_FALSE(fits_models("grok-4", "grok-4-fast"));
  EXPECT_FALSE(fits_models("o3*|gpt-5*", "gpt-4.1"));
}

}  // namespace
}  // namespace steward::gateway
