#include "gateway/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/routing/default_routes.h"
#include "ledger/testing.h"

namespace steward::gateway {
namespace {

using testing::ElementsAre;

class DirectoryTest : public ledger::LedgerHome, public testing::Test {
 protected:
  void SetUp() override {
    start();
    engine_ = engine::make_engine({}, threads_, clients_, random_, Log());
  }
  ~DirectoryTest() override { threads_.stop(); }

  Directory make(std::vector<ProviderOptions> providers) {
    return Directory(std::move(providers), *engine_, *ledger, clients_, clock_);
  }
  static std::vector<std::string> embeddings(const Directory& directory) {
    std::vector<std::string> out;
    for (const auto& entry : directory.entries()) {
      if (entry.provider == "local") continue;
      EXPECT_EQ(directory.known(entry.provider + "/" + entry.name)->embedding, entry.kind == "embedding") << entry.name;
      if (entry.kind == "embedding") out.push_back(entry.name);
    }
    return out;
  }

  SystemClock clock_;
  SystemRandom random_;
  net::IoThreads threads_{1};
  net::HttpClients clients_{threads_, Log()};
  std::unique_ptr<engine::Engine> engine_;
};

TEST_F(DirectoryTest, TheTableSaysWhatAModelMakesBeforeListAndName) {
  auto directory = make({{.name = "openai"}, {.name = "voyage", .models = {"voyage-3.5", "voyage-99", "rerank-2"}}});
  // The table knows the first to answer in words, whatever a list says, and the second to make vectors.
  directory.told_models(
      "openai",
      {{"gpt-4o", true}, {"text-embedding-3-small"}, {"of-the-list", true}, {"new-embed-9"}, {"gpt-of-next-year"}});
  EXPECT_THAT(embeddings(directory),
              ElementsAre("text-embedding-3-small", "of-the-list", "new-embed-9", "voyage-3.5", "voyage-99"));
}

TEST_F(DirectoryTest, ARenamedModelIsLookedUpByItsNameAtTheProvider) {
  const auto directory =
      make({{.name = "openai", .models = {"vectors", "talk"}, .rename = {{"vectors", "text-embedding-3-large"}}}});
  EXPECT_THAT(embeddings(directory), ElementsAre("vectors"));
}

TEST_F(DirectoryTest, WhatAListSaidStaysAcrossAReload) {
  auto directory = make({{.name = "lab"}});
  directory.told_models("lab", {{"a", true}, {"b"}});
  directory.reload({{.name = "lab"}, {.name = "other", .models = {"c-embed"}}});
  EXPECT_THAT(embeddings(directory), ElementsAre("a", "c-embed"));
}

TEST_F(DirectoryTest, RoutesAreNotMadeOfEmbeddingModels) {
  const auto directory = make({{.name = "voyage", .models = {"voyage-3.5"}}, {.name = "lab", .models = {"talk"}}});
  std::vector<routing::OfferedModel> offered;
  for (const auto& entry : directory.entries()) offered.push_back({entry.name, entry.provider, entry.kind});
  for (const auto& route : routing::default_routes(offered, "", {})) {
    ASSERT_EQ(route.deployments.size(), 1u) << route.name;
    EXPECT_EQ(route.deployments[0].model, "lab/talk") << route.name;
  }
}

}  // namespace
}  // namespace steward::gateway
