// Plans: who is asked, in what order, and why the others are not.
#include "gateway/routing/router.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/json.h"

namespace steward::gateway::routing {
namespace {

using testing::ElementsAre;
constexpr CallTokens kOne = {.input = 1};
using testing::HasSubstr;

Route route(std::vector<std::string> lines, Order order = Order::kListed) {
  Route out{.name = "r", .origin = "file", .order = order};
  for (const auto& line : lines) out.deployments.push_back(*Deployment::parse(line));
  return out;
}

class RouterTest : public testing::Test {
 protected:
  Router& with(Route one) {
    RouterOptions options{.defaults = false};
    options.routes.push_back(std::move(one));
    router = std::make_unique<Router>(std::move(options), clock);
    return *router;
  }
  Plan plan(RouteFacts facts = {}, uint64_t seed = 1) {
    facts.model = "r";
    facts.now_us = clock.now_us();
    return router->plan(facts, [this](const std::string& name, const RouteFacts&) { return about[name]; }, seed);
  }
  static std::vector<std::string> order(const Plan& plan) {
    std::vector<std::string> out;
    for (const auto& one : plan.candidates) out.push_back(one.deployment);
    return out;
  }
  static std::string reason(const Plan& plan, std::string_view deployment) {
    for (const auto& one : plan.candidates)
      if (one.deployment == deployment) return one.reason;
    for (const auto& one : plan.skipped)
      if (one.deployment == deployment) return one.reason;
    return "";
  }
  void fail_times(const std::string& deployment, int times) {
    for (int i = 0; i < times; ++i) router->failed(deployment, Error(ErrorCode::kUpstreamUnreachable));
  }

  ManualClock clock;
  std::unique_ptr<Router> router;
  std::map<std::string, DeploymentFacts> about;
};

TEST_F(RouterTest, AsListed) {
  with(route({"a/1", "b/2", "c/3"}));
  const auto made = plan();
  EXPECT_THAT(order(made), ElementsAre("a/1", "b/2", "c/3"));
  EXPECT_EQ(reason(made, "a/1"), "chosen: number 1 in the list");
  EXPECT_EQ(reason(made, "b/2"), "then: number 2 in the list");
}

TEST_F(RouterTest, APlainModelIsARouteOfOne) {
  with(route({"a/1"}));
  const auto made = router->plan(
      {.model = "gpt-x"}, [](const auto&, const auto&) { return DeploymentFacts{.unusable = "no such model"}; }, 1);
  EXPECT_THAT(order(made), ElementsAre("gpt-x"));  // the gateway itself says what is wrong with it
  EXPECT_FALSE(made.route->offered);
}

TEST_F(RouterTest, WhatCanNotTakeTheCallIsSkippedWithItsReason) {
  with(route({"a/1 input<=100", "b/2", "c/3", "d/4", "e/5", "f/6"}));
  about["b/2"].images = false;
  about["c/3"].unusable = "there is no such model";
  about["d/4"].context_tokens = 150;
  about["e/5"].kind = "embedding";
  const auto made = plan({.input_tokens = 200, .images = true});
  EXPECT_THAT(order(made), ElementsAre("f/6"));
  EXPECT_EQ(reason(made, "a/1"), "input<=100: about 200 tokens");
  EXPECT_EQ(reason(made, "b/2"), "takes no images");
  EXPECT_EQ(reason(made, "c/3"), "there is no such model");
  EXPECT_EQ(reason(made, "d/4"), "its context is 150 tokens, the input about 200");
  EXPECT_EQ(reason(made, "e/5"), "it is a model for embedding");
  EXPECT_EQ(reason(made, "f/6"), "chosen: the only one that can take it");
}

TEST_F(RouterTest, WeightsAreSharesAndASeedDecidesTheSameEachTime) {
  with(route({"a/1 weight=3", "b/2", "c/3 weight=0"}, Order::kWeighted));
  std::map<std::string, int> first;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    const auto made = plan({}, seed);
    ++first[made.candidates.at(0).deployment];
    EXPECT_EQ(made.candidates.at(2).deployment, "c/3");
    EXPECT_EQ(order(made), order(plan({}, seed)));
  }
  EXPECT_NEAR(first["a/1"], 3000, 120);
  EXPECT_NEAR(first["b/2"], 1000, 120);
  EXPECT_THAT(reason(plan(), "a/1"), HasSubstr("weight 3 of 4"));
}

TEST_F(RouterTest, WhoseKeyWasRefusedComesLastAndIsToldSo) {
  with(route({"a/1", "b/2", "c/3"}));
  about["a/1"].key_refused = true;
  const auto made = plan();
  EXPECT_THAT(order(made), ElementsAre("b/2", "c/3", "a/1"));
  EXPECT_EQ(reason(made, "b/2"), "chosen: number 2 in the list");
  EXPECT_EQ(reason(made, "c/3"), "then: number 3 in the list");
  EXPECT_EQ(reason(made, "a/1"), "last: its provider refused the key the last time it was asked");
  EXPECT_EQ(made.to_json()["candidates"][2]["refused"], "its provider refused the key the last time it was asked");
  about["a/1"].key_refused = false;
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2", "c/3"));
  for (const char* all : {"a/1", "b/2", "c/3"}) about[all].key_refused = true;
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2", "c/3"));  // nobody is given up
  EXPECT_THAT(reason(plan(), "a/1"), HasSubstr("chosen: nobody else is left"));
}

TEST_F(RouterTest, ARefusedKeyWinsOverWeightAndPromptCache) {
  with(route({"a/1 weight=1000", "b/2 weight=1"}, Order::kWeighted));
  const RouteFacts facts{.affinity = "conversation"};
  router->answered(plan(facts), "a/1", 1);
  EXPECT_EQ(order(plan(facts)).front(), "a/1");
  about["a/1"].key_refused = true;
  for (uint64_t seed = 0; seed < 50; ++seed) EXPECT_THAT(order(plan(facts, seed)), ElementsAre("b/2", "a/1"));
}

TEST_F(RouterTest, AForbiddenCallPutsItsDeploymentLastUntilItAnswersOrIsConfiguredAnewOrMinutesPass) {
  const Error forbidden(ErrorCode::kUpstreamError, "no", {{"upstream_status", 403}});
  with(route({"a/1", "b/2"}));
  const auto forbid = [&] {
    router->failed("a/1", forbidden);
    EXPECT_THAT(order(plan()), ElementsAre("b/2", "a/1"));
    EXPECT_THAT(reason(plan(), "a/1"), HasSubstr("forbade the call (403)"));
  };
  forbid();
  router->answered(plan(), "a/1", 1);
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2"));
  forbid();
  clock.advance_us(600 * kSecondUs);
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2"));
  forbid();
  RouterOptions anew{.defaults = false};
  anew.routes.push_back(route({"a/1", "b/2"}));
  router->reload(std::move(anew));
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2"));
}

TEST_F(RouterTest, AnOpenCircuitIsSkippedUntilItRested) {
  with(route({"a/1", "b/2"}));
  fail_times("a/1", 5);
  auto made = plan();
  EXPECT_THAT(order(made), ElementsAre("b/2"));
  EXPECT_EQ(reason(made, "a/1"),
            "circuit open until " + to_rfc3339(clock.now_us() + 5 * kSecondUs) + " (after upstream_unreachable)");
  clock.advance_us(5 * kSecondUs);
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2"));
  EXPECT_TRUE(router->enter({.deployment = "a/1"}, kOne).may);
  EXPECT_THAT(order(plan()), ElementsAre("b/2"));  // another call is the probe
}

TEST_F(RouterTest, WhereAllRestTheSoonestIsTriedOnceASecond) {
  with(route({"a/1", "b/2 tools=yes"}));
  fail_times("a/1", 5);
  const auto made = plan();
  ASSERT_THAT(order(made), ElementsAre("a/1"));
  EXPECT_THAT(reason(made, "a/1"), HasSubstr("chosen: nobody else is left (circuit open until"));
  EXPECT_TRUE(router->enter(made.candidates[0], kOne).may);
  router->failed("a/1", Error(ErrorCode::kUpstreamUnreachable));
  const auto second = router->enter(made.candidates[0], kOne);
  EXPECT_FALSE(second.may);
  EXPECT_EQ(second.again_us, kSecondUs);
  clock.advance_us(kSecondUs);
  EXPECT_TRUE(router->enter(made.candidates[0], kOne).may);
  router->answered(made, "a/1", 1);
  EXPECT_EQ(reason(plan(), "a/1"), "chosen: the only one that can take it");
}

TEST_F(RouterTest, WhereNobodyIsLeftTheErrorSaysWhy) {
  with(route({"a/1 tools=no", "b/2 tools=no"}));
  const Error never = plan({.tools = true}).refusal();
  EXPECT_EQ(never.code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(
      never.message,
      "No deployment of 'r' takes this call: a/1: tools=no: the call has tools; b/2: tools=no: the call has tools.");
  EXPECT_EQ(with(route({})).plan({.model = "r"}, {}, 1).refusal().code, ErrorCode::kModelUnavailable);
}

TEST_F(RouterTest, WhatAProviderSaidOfItsLimitsHoldsForAll) {
  with(route({"a/1", "b/2"}));
  router->told_limits("a/1",
                      {.buckets = {{.name = "requests", .limit = 10, .remaining = 0, .reset_us = 20 * kSecondUs}}});
  const auto made = plan();
  EXPECT_THAT(order(made), ElementsAre("b/2", "a/1"));
  EXPECT_EQ(reason(made, "a/1"), "waits 2 s: requests: 0 of 10 left");
  clock.advance_us(2 * kSecondUs);
  EXPECT_THAT(order(plan()), ElementsAre("a/1", "b/2"));
}

TEST_F(RouterTest, TheCostCeilingIsTheLowerOfRouteAndCaller) {
  auto dear = route({"a/1", "b/2", "c/3", "local"});
  dear.max_cost = 1'000'000;
  with(std::move(dear));
  about["a/1"].cost_bound = 2'000'000;
  about["b/2"].cost_bound = 900'000;
  about["local"].local = true;
  EXPECT_THAT(order(plan()), ElementsAre("b/2", "local"));
  EXPECT_THAT(reason(plan(), "a/1"), HasSubstr("$0.002 there, at most $0.001"));
  EXPECT_THAT(reason(plan(), "c/3"), HasSubstr("no price"));
  EXPECT_THAT(order(plan({.max_cost = 1})), ElementsAre("local"));
}

TEST_F(RouterTest, AConversationStaysWhereItsCacheIs) {
  with(route({"a/1", "b/2"}));
  const RouteFacts facts{.affinity = "conversation"};
  router->answered(plan(facts), "b/2", 1000);
  const auto made = plan(facts);
  EXPECT_THAT(order(made), ElementsAre("b/2", "a/1"));
  EXPECT_EQ(reason(made, "b/2"), "chosen: holds this conversation's prompt cache");
  EXPECT_THAT(order(plan({.affinity = "another"})), ElementsAre("a/1", "b/2"));
  fail_times("b/2", 5);
  EXPECT_THAT(order(plan(facts)), ElementsAre("a/1"));
}

TEST_F(RouterTest, DeadlinesAndHedgesTakeTheCallersWord) {
  auto one = route({"a/1"});
  one.total_us = 10 * kSecondUs;
  one.hedge_after_us = kSecondUs;
  one.first_byte_us = 3 * kSecondUs;
  with(std::move(one));
  about["a/1"].first_byte_us = 5 * kSecondUs;
  EXPECT_EQ(plan().total_us, 10 * kSecondUs);
  EXPECT_EQ(plan({.deadline_us = 2 * kSecondUs}).total_us, 2 * kSecondUs);
  EXPECT_EQ(plan().hedge_after_us, kSecondUs);
  EXPECT_EQ(plan({.hedge_after_us = 5}).hedge_after_us, 5);
  EXPECT_EQ(plan().candidates[0].first_byte_us, 3 * kSecondUs);
}

TEST_F(RouterTest, AReloadKeepsWhatIsKnown) {
  with(route({"a/1", "b/2"}));
  fail_times("a/1", 5);
  RouterOptions options{.defaults = false};
  options.routes.push_back(route({"a/1", "c/3"}));
  router->reload(std::move(options));
  EXPECT_THAT(order(plan()), ElementsAre("c/3"));
}

// All callers share it, from all threads: for the thread sanitizer, and that one probe alone goes through.
TEST(RouterThreads, ShareWhatIsKnown) {
  SystemClock clock;
  RouterOptions options{.defaults = false, .health = {.rest_us = 1}};
  options.routes.push_back(route({"a/1", "b/2"}));
  Router router(options, clock);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto made = router.plan(
            {.model = "r", .affinity = std::to_string(i % 7)},
            [](const auto&, const auto&) { return DeploymentFacts{}; }, static_cast<uint64_t>(i));
        ASSERT_FALSE(made.candidates.empty());
        const auto& first = made.candidates.front();
        if (!router.enter(first, made.tokens).may) continue;
        if ((i + t) % 3 == 0)
          router.failed(first.deployment, Error(ErrorCode::kUpstreamError));
        else
          router.answered(made, first.deployment, 10);
        router.told_limits(first.deployment,
                           {.buckets = {{.name = "requests", .limit = 100, .remaining = 90, .reset_us = 1000}}});
        if (i % 50 == 0) router.reload(options);
        (void)router.health_json();
      }
    });
  }
}

TEST(DefaultRoutes, FastAndDeepAreMadeOfWhatIsHere) {
  const std::vector<OfferedModel> offered = {{"smol", "local"},
                                             {"embedder", "local", "embedding"},
                                             {"gpt-5", "openai"},
                                             {"gpt-5-mini", "openai"},
                                             {"gpt-4o", "openai"},
                                             {"gpt-4o-audio-preview", "openai"},
                                             {"claude-haiku-4-5", "anthropic"},
                                             {"claude-opus-4-1", "anthropic"},
                                             {"claude-opus-4-5", "anthropic"},
                                             {"in-house", "lab"}};
  const auto models = [&](const std::string& default_model, const std::vector<OfferedModel>& from) {
    std::map<std::string, std::vector<std::string>> out;
    for (const auto& made : default_routes(from, default_model, {}))
      for (const auto& one : made.deployments) out[made.name].push_back(one.model);
    return out;
  };
  EXPECT_THAT(models("", offered)["fast"],
              ElementsAre("anthropic/claude-haiku-4-5", "openai/gpt-5-mini", "lab/in-house", "smol"));
  EXPECT_THAT(models("smol", offered)["fast"].front(), "smol");
  EXPECT_THAT(models("", offered)["deep"], ElementsAre("anthropic/claude-opus-4-5", "openai/gpt-5", "lab/in-house"));
  EXPECT_THAT(models("", {{"smol", "local"}})["fast"], ElementsAre("smol"));
  EXPECT_THAT(models("", {{"smol", "local"}})["deep"], ElementsAre("smol"));
  EXPECT_TRUE(models("", {}).empty());
}

TEST(DefaultRoutes, TheOwnersOwnReplacesOne) {
  ManualClock clock;
  RouterOptions options;
  options.routes.push_back({.name = "fast", .origin = "file", .deployments = {{.model = "mine"}}});
  Router router(options, clock);
  router.offer({{"smol", "local"}});
  EXPECT_EQ(router.find("fast")->origin, "file");
  EXPECT_EQ(router.find("deep")->origin, "default");
  router.offer({});
  EXPECT_EQ(router.find("deep"), nullptr);
  router.offer({{"smol", "local"}});
  options.defaults = false;
  router.reload(options);
  EXPECT_EQ(router.routes().size(), 1U);
}

}  // namespace
}  // namespace steward::gateway::routing
