// Routes from the configuration, and from the API to settings.
#include "server/route_options.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace steward::server {
namespace {

namespace routing = gateway::routing;
using testing::HasSubstr;

Result<routing::RouterOptions> options_of(std::string toml) {
  ConfigSources sources;
  sources.toml = std::move(toml);
  auto config = Config::load(sources);
  if (!config) return fail(config.error());
  return router_options(*config);
}

std::string problem_of(std::string toml) {
  auto options = options_of(std::move(toml));
  return options ? "" : options.error().message;
}

TEST(RouteOptions, ARouteHasItsOwnWordsAndElseTheCommonOnes) {
  const auto options = options_of(R"(
[server]
time_zone = "Europe/Zurich"
[routing]
retries = 3
keep_alive_ms = 5000
circuit_failures = 2
[routes.plain]
deployments = ["a/1"]
[routes.full]
description = "All of it."
deployments = ["a/1 weight=2 input<=10k", "b/2 hours=08:00-18:00"]
order = "weighted"
retries = 0
keep_alive_ms = 0
first_byte_timeout_ms = 7
between_bytes_timeout_ms = 8
total_timeout_ms = 9
hedge_after_ms = 10
affinity = false
max_cost_usd = 0.05
time_zone = "Asia/Tokyo"
)");
  ASSERT_TRUE(options.has_value()) << options.error().message;
  ASSERT_EQ(options->routes.size(), 2U);
  EXPECT_EQ(options->health.failures_in_a_row, 2);
  const auto& full = options->routes[0];
  EXPECT_EQ(full.name, "full");
  EXPECT_EQ(full.origin, "file");
  EXPECT_EQ(full.order, routing::Order::kWeighted);
  EXPECT_EQ(full.deployments[0].weight, 2);
  EXPECT_EQ(full.retries, 0);
  EXPECT_EQ(full.keep_alive_us, 0);
  EXPECT_EQ(full.first_byte_us, 7'000);
  EXPECT_EQ(full.between_bytes_us, 8'000);
  EXPECT_EQ(full.total_us, 9'000);
  EXPECT_EQ(full.hedge_after_us, 10'000);
  EXPECT_FALSE(full.affinity);
  EXPECT_EQ(full.max_cost, 50'000'000);
  EXPECT_EQ(full.zone, "Asia/Tokyo");
  const auto& plain = options->routes[1];
  EXPECT_EQ(plain.retries, 3);
  EXPECT_EQ(plain.keep_alive_us, 5'000'000);
  EXPECT_EQ(plain.zone, "Europe/Zurich");
  EXPECT_FALSE(plain.max_cost);
  EXPECT_EQ(options->plain.retries, 3);
}

TEST(RouteOptions, EveryProblemIsNamedWithItsPlace) {
  EXPECT_EQ(problem_of("[routes.x]\ndeployments = [\"a/1 tols=no\"]\n"),
            "steward.toml:2: routes.x.deployments: 'a/1 tols=no': there is no condition 'tols'; did you mean 'tools'?");
  EXPECT_THAT(problem_of("[routes.x]\nretries = 1\n"), HasSubstr("needs at least one deployment"));
  EXPECT_THAT(problem_of("[routes.x]\ndeployments = [\"x\"]\n"), HasSubstr("can't lead to itself"));
  EXPECT_THAT(problem_of("[routes.x]\ndeployments = [\"y\"]\n[routes.y]\ndeployments = [\"a/1\"]\n"),
              HasSubstr("'y' is a route itself"));
  EXPECT_THAT(problem_of("[routes.x]\ndeployments = [\"a/1\"]\ntime_zone = \"Mars\"\n"),
              HasSubstr("no time zone 'Mars'"));
  EXPECT_THAT(problem_of("[routes.x]\ndeploymnets = [\"a/1\"]\n"), HasSubstr("did you mean 'deployments'?"));
  EXPECT_THAT(problem_of("[routes.x]\ndeployments = [\"a/1\"]\norder = \"weigthed\"\n"),
              HasSubstr("did you mean 'weighted'?"));
}

TEST(RouteOptions, WhatTheApiSetsIsTheWholeRoute) {
  const auto settings =
      route_settings("mine", {{"deployments", {"a/1", "b/2"}}, {"retries", 2}, {"max_cost_usd", 0.05}});
  ASSERT_TRUE(settings.has_value()) << settings.error().message;
  EXPECT_EQ(settings->at("routes.mine.deployments"), Json({"a/1", "b/2"}));
  EXPECT_EQ(settings->at("routes.mine.retries"), 2);
  EXPECT_EQ(settings->at("routes.mine.max_cost_usd"), "0.05");
  EXPECT_TRUE(settings->at("routes.mine.order").is_null());  // taken back, should it have been set before
  const auto problem = [](const std::string& name, const Json& body) {
    const auto got = route_settings(name, body);
    return got ? std::string() : got.error().message;
  };
  EXPECT_EQ(problem("mine", {{"deployments", {"a/1"}}, {"retires", 2}}),
            "A route has no 'retires'; did you mean 'retries'?");
  EXPECT_THAT(problem("mine", {{"deployments", {"a/1"}}, {"retries", 99}}),
              HasSubstr("'retries' must be from -1 to 10"));
  EXPECT_THAT(problem("mine", Json::object()), HasSubstr("'deployments' is needed"));
  EXPECT_THAT(problem("mine", {{"deployments", Json::array()}}), HasSubstr("'deployments' is needed"));
  EXPECT_THAT(problem("a/b", {{"deployments", {"a/1"}}}), HasSubstr("is no name for a route"));
  EXPECT_THAT(problem("a b", {{"deployments", {"a/1"}}}), HasSubstr("is no name for a route"));
}

}  // namespace
}  // namespace steward::server
