#include "base/config.h"

#include <gtest/gtest.h>

#include "base/config_providers.h"
#include "base/file.h"

namespace steward {
namespace {

ConfigSources toml(std::string text) {
  ConfigSources sources;
  sources.toml = std::move(text);
  return sources;
}

std::string problem_of(const ConfigSources& sources) {
  auto config = Config::load(sources);
  return config ? "" : config.error().message;
}

TEST(Config, EveryDefaultIsAValueOfItsKey) {
  for (const auto& key : config_keys()) {
    EXPECT_TRUE(parse_config_text(key, key.fallback).has_value()) << key.section << "." << key.name;
    EXPECT_FALSE(key.doc.empty()) << key.name;
    EXPECT_TRUE(key.doc.ends_with('.')) << key.name << ": a doc is a sentence";
  }
}

TEST(Config, KeysAreUniqueAndTheirSectionsExist) {
  std::set<std::string> seen;
  for (const auto& key : config_keys()) {
    EXPECT_TRUE(seen.insert(std::string(key.section) + "." + std::string(key.name)).second) << key.name;
    EXPECT_TRUE(std::ranges::any_of(config_sections(), [&](const auto& section) {
      return section.name == key.section;
    })) << key.section;
  }
}

TEST(Config, DefaultsHoldWithoutAnySource) {
  const auto config = Config::load({});
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->integer("server.port"), 7070);
  EXPECT_EQ(config->text("server.host"), "127.0.0.1");
  EXPECT_EQ(config->at("server.port").origin, Origin::kDefault);
  EXPECT_TRUE(config->names("providers").empty());
}

TEST(Config, TheStrongerSourceWins) {
  auto sources = toml("[limits]\nqueue_length = 1\n");
  const auto value = [&] { return Config::load(sources)->integer("limits.queue_length"); };
  EXPECT_EQ(value(), 1);
  sources.settings["limits.queue_length"] = 2;
  EXPECT_EQ(value(), 2);
  sources.environment["STEWARD_LIMITS_QUEUE_LENGTH"] = "3";
  EXPECT_EQ(value(), 3);
  sources.flags["limits.queue_length"] = "4";
  EXPECT_EQ(value(), 4);
  EXPECT_EQ(Config::load(sources)->at("limits.queue_length").origin, Origin::kFlag);
}

TEST(Config, ValuesKnowWhereTheyComeFrom) {
  auto sources = toml("# a remark\n[server]\nport = 8080\n");
  EXPECT_EQ(Config::load(sources)->at("server.port").where, "steward.toml:3");
  sources.environment["STEWARD_PORT"] = "9090";
  EXPECT_EQ(Config::load(sources)->at("server.port").where, "STEWARD_PORT");
  EXPECT_EQ(Config::load(sources)->integer("server.port"), 9090);
}

TEST(Config, AnUnknownKeyNamesTheNearestAndTheLine) {
  EXPECT_EQ(problem_of(toml("[server]\n\nprot = 1\n")),
            "steward.toml:3: there is no key 'server.prot'; did you mean 'port'?");
  EXPECT_EQ(problem_of(toml("[sever]\nport = 1\n")),
            "steward.toml:2: there is no section 'sever'; did you mean 'server'?");
  EXPECT_EQ(problem_of(toml("[providers.openai]\nbase_ulr = \"https://x\"\n")),
            "steward.toml:2: there is no key 'providers.openai.base_ulr'; did you mean 'base_url'?");
  ConfigSources sources;
  sources.environment["STEWARD_LIMITS_QUEUE_LENGHT"] = "5";
  EXPECT_EQ(problem_of(sources),
            "STEWARD_LIMITS_QUEUE_LENGHT: there is no key 'limits.queue_lenght'; did you mean 'queue_length'?");
}

TEST(Config, EveryProblemIsToldAtOnce) {
  const std::string problem = problem_of(toml("[server]\nport = 70000\nhost = 5\n[log]\nlevel = \"inof\"\n"));
  EXPECT_NE(problem.find("steward.toml:2: server.port must be from 0 to 65535, not 70000."), std::string::npos)
      << problem;
  EXPECT_NE(problem.find("steward.toml:3: server.host must be a text in quotes."), std::string::npos) << problem;
  EXPECT_NE(problem.find("log.level must be one of debug, info, warn, error, not 'inof' (did you mean 'info'?)"),
            std::string::npos)
      << problem;
}

TEST(Config, BadTomlTellsTheLine) {
  EXPECT_TRUE(problem_of(toml("[server]\nport = = 5\n")).starts_with("steward.toml:2: not valid TOML"));
  EXPECT_FALSE(problem_of(toml("a = \"\xff\"\n")).empty());
}

TEST(Config, ValuesWhereTablesBelongAndTheOtherWayRound) {
  EXPECT_FALSE(problem_of(toml("server = 5\n")).empty());
  EXPECT_FALSE(problem_of(toml("[server.port]\nx = 1\n")).empty());
  EXPECT_FALSE(problem_of(toml("providers = []\n")).empty());
  EXPECT_FALSE(problem_of(toml("[providers]\nopenai = 3\n")).empty());
  EXPECT_FALSE(problem_of(toml("[providers.openai]\nrename = 3\n")).empty());
  EXPECT_FALSE(problem_of(toml("[providers.openai]\nmodels = [1]\n")).empty());
}

TEST(Config, NamedThingsMayHoldDots) {
  const auto config = Config::load(toml("[prices.\"openai/gpt-4.1\"]\ninput = 0.4\noutput = \"1.60\"\n"));
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->names("prices"), std::vector<std::string>{"openai/gpt-4.1"});
  EXPECT_EQ(config->text("prices.openai/gpt-4.1.input"), "0.4");
  EXPECT_EQ(config->text("prices.openai/gpt-4.1.output"), "1.60");
}

TEST(Config, TablesOfAProvider) {
  const auto config = Config::load(
      toml("[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\n[providers.lab.rename]\n\"fast.1\" = \"m\"\n"
           "[providers.lab.context_tokens]\n\"fast.1\" = 4096\n"));
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->table<std::string>("providers.lab.rename").at("fast.1"), "m");
  EXPECT_EQ(config->table<int64_t>("providers.lab.context_tokens").at("fast.1"), 4096);
}

TEST(Config, AKnownProvidersKeyInTheEnvironmentIsEnough) {
  ConfigSources sources;
  sources.environment["OPENAI_API_KEY"] = "secret";
  const auto config = Config::load(sources);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->names("providers"), std::vector<std::string>{"openai"});
  EXPECT_EQ(config->text("providers.openai.key_env"), "OPENAI_API_KEY");
  for (const auto& [key, value] : config->all()) EXPECT_EQ(value.value.dump().find("secret"), std::string::npos) << key;
}

TEST(Config, AProvidersKeyMayStandInOneOfSeveralVariables) {
  ConfigSources sources;
  sources.environment["GOOGLE_API_KEY"] = "g";
  EXPECT_EQ(Config::load(sources)->text("providers.gemini.key_env"), "GOOGLE_API_KEY");
  sources.environment["GEMINI_API_KEY"] = "g";
  EXPECT_EQ(Config::load(sources)->text("providers.gemini.key_env"), "GEMINI_API_KEY");
}

TEST(Config, AwsNeedsBothPartsOfItsKeyAndARegion) {
  ConfigSources sources;
  const auto there = [&] { return !Config::load(sources)->names("providers").empty(); };
  sources.environment["AWS_SECRET_ACCESS_KEY"] = "s";
  sources.environment["AWS_REGION"] = "eu-central-1";
  EXPECT_FALSE(there());
  sources.environment["AWS_ACCESS_KEY_ID"] = "i";
  EXPECT_TRUE(there());
  sources.environment.erase("AWS_REGION");
  EXPECT_FALSE(there());
  sources.environment["AWS_DEFAULT_REGION"] = "us-east-1";
  EXPECT_TRUE(there());
}

TEST(Config, AKeyNeverGoesByItselfToAnAddressThatSomebodyElseChose) {
  auto sources =
      toml("[providers.eu]\nlike = \"mistral\"\n[providers.mine]\nlike = \"mistral\"\nbase_url = \"http://x/v1\"\n");
  const auto config = Config::load(sources);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->text("providers.eu.base_url"), "https://api.mistral.ai/v1");
  EXPECT_EQ(config->text("providers.eu.key_env"), "MISTRAL_API_KEY");
  EXPECT_EQ(config->text("providers.mine.key_env"), "");
  EXPECT_NE(problem_of(toml("[providers.eu]\nlike = \"mistrul\"\n")).find("did you mean 'mistral'?"),
            std::string::npos);
}

TEST(Config, AnUnknownProviderNeedsAnAddress) {
  EXPECT_NE(problem_of(toml("[providers.opanai]\nkey_env = \"X\"\n")).find("did you mean 'openai'?"),
            std::string::npos);
  EXPECT_FALSE(problem_of(toml("[providers.x]\nbase_url = \"ftp://x\"\n")).empty());
}

TEST(Config, TheEnvironmentReachesNamedThings) {
  auto sources = toml("[providers.my_lab]\nbase_url = \"http://127.0.0.1:1\"\n");
  sources.environment["STEWARD_PROVIDERS_MY_LAB_BASE_URL"] = "http://127.0.0.1:2";
  sources.environment["STEWARD_PROVIDERS_OTHER_ONE_BASE_URL"] = "http://127.0.0.1:3";
  const auto config = Config::load(sources);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->text("providers.my_lab.base_url"), "http://127.0.0.1:2");
  EXPECT_EQ(config->text("providers.other-one.base_url"), "http://127.0.0.1:3");
}

TEST(Config, ChangesNameWhatDiffersAndWhatItTakes) {
  const auto before = Config::load(toml("[server]\nport = 1\n[log]\nlevel = \"info\"\n"));
  const auto after =
      Config::load(toml("[server]\nport = 2\n[log]\nlevel = \"debug\"\n[providers.x]\nbase_url = \"http://x\"\n"));
  std::map<std::string, Reload> found;
  for (const auto& change : changes(*before, *after)) found[change.key] = change.reload;
  EXPECT_EQ(found.at("server.port"), Reload::kRestart);
  EXPECT_EQ(found.at("log.level"), Reload::kAtOnce);
  EXPECT_TRUE(found.contains("providers.x.base_url"));
  EXPECT_TRUE(changes(*before, *before).empty());
}

TEST(Config, AFlagThatNamesNoKeyIsAnError) {
  ConfigSources sources;
  sources.flags["server.prot"] = "1";
  EXPECT_NE(problem_of(sources).find("did you mean 'server.port'?"), std::string::npos);
}

// The committed page is the one that `steward config docs` prints.
TEST(Config, TheCommittedDocsAreTheTable) {
  std::filesystem::path folder = executable_dir();
  while (folder.has_relative_path() && !std::filesystem::exists(folder / "docs" / "configuration.md"))
    folder = folder.parent_path();
  const auto committed = read_file(folder / "docs" / "configuration.md");
  ASSERT_TRUE(committed.has_value()) << "docs/configuration.md was not found above " << executable_dir();
  EXPECT_EQ(*committed, config_docs()) << "run: steward config docs > docs/configuration.md";
}

}  // namespace
}  // namespace steward
