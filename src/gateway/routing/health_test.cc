// Circuits, and the providers' own limits.
#include "gateway/routing/health.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "gateway/routing/affinity.h"

namespace steward::gateway::routing {
namespace {

using State = Health::State;
constexpr CallTokens kOne = {.input = 1};

ProviderLimits limits_of(const std::map<std::string, std::string, std::less<>>& headers,
                         TimeUs now = 1'764'000'000'000'000) {
  return read_provider_limits(
      [&](std::string_view name) -> std::string_view {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string_view() : std::string_view(found->second);
      },
      now);
}

class HealthTest : public testing::Test {
 protected:
  void fail_times(int times, ErrorCode code = ErrorCode::kUpstreamUnreachable) {
    for (int i = 0; i < times; ++i) {
      (void)health.enter("a", kOne);
      health.failed("a", Error(code));
    }
  }
  ManualClock clock;
  Health health{HealthOptions{}, clock};
};

TEST_F(HealthTest, OpensAfterFailuresInARowAndProbesOnce) {
  fail_times(4);
  EXPECT_TRUE(health.look("a", kOne).may);
  fail_times(1);
  const auto open = health.look("a", kOne);
  EXPECT_EQ(open.state, State::kOpen);
  EXPECT_FALSE(open.may);
  EXPECT_EQ(open.until_us, clock.now_us() + 5 * kSecondUs);
  EXPECT_EQ(open.last_error, "upstream_unreachable");
  clock.advance_us(5 * kSecondUs);
  EXPECT_EQ(health.look("a", kOne).state, State::kHalfOpen);
  EXPECT_TRUE(health.enter("a", kOne).may);   // this one probes
  EXPECT_FALSE(health.enter("a", kOne).may);  // nobody else meanwhile
  health.answered("a", 1000);
  EXPECT_EQ(health.look("a", kOne).state, State::kClosed);
  EXPECT_TRUE(health.enter("a", kOne).may);
}

TEST_F(HealthTest, AKeyThatIsNoGoodSaysNothingOfTheRequest) {
  // Google tells an invalid key with the status 400.
  const Error google(ErrorCode::kUpstreamError, "no", {{"upstream_status", 400}, {"key_refused", true}});
  const Error others(ErrorCode::kUpstreamError, "no", {{"upstream_status", 401}});
  for (const Error& error : {google, others}) {
    EXPECT_TRUE(key_was_refused(error));
    EXPECT_EQ(failure_of(error), Failure::kNotHere);
  }
  EXPECT_FALSE(key_was_refused(Error(ErrorCode::kUpstreamError, "no", {{"upstream_status", 400}})));
  EXPECT_FALSE(key_was_refused(Error(ErrorCode::kInvalidRequest, "no", {{"upstream_status", 401}})));
}

TEST_F(HealthTest, AFailedProbeRestsTwiceAsLongUpToALimit) {
  fail_times(5);
  DurationUs rest = 5 * kSecondUs;
  for (int i = 0; i < 8; ++i) {
    clock.advance_us(rest - 1);
    EXPECT_EQ(health.look("a", kOne).state, State::kOpen) << i;
    clock.advance_us(1);
    ASSERT_TRUE(health.enter("a", kOne).may) << i;
    health.failed("a", Error(ErrorCode::kUpstreamTimeout));
    rest = std::min<DurationUs>(2 * rest, 120 * kSecondUs);
    EXPECT_EQ(health.look("a", kOne).until_us, clock.now_us() + rest);
  }
}

TEST_F(HealthTest, OpensUponTheRateToo) {
  for (int i = 0; i < 10; ++i) {
    health.answered("a", 1000);
    fail_times(1);
  }
  EXPECT_EQ(health.look("a", kOne).state, State::kOpen);
}

TEST_F(HealthTest, LateFailuresOfAnOpenCircuitChangeNothing) {
  fail_times(5);
  const TimeUs until = health.look("a", kOne).until_us;
  clock.advance_us(kSecondUs);
  health.failed("a", Error(ErrorCode::kUpstreamUnreachable));
  EXPECT_EQ(health.look("a", kOne).until_us, until);
}

TEST_F(HealthTest, TheCallersFaultsSayNothingOfTheDeployment) {
  fail_times(50, ErrorCode::kInvalidRequest);
  fail_times(50, ErrorCode::kCancelled);
  fail_times(50, ErrorCode::kContextTooLong);
  EXPECT_EQ(health.look("a", kOne).state, State::kClosed);
}

TEST_F(HealthTest, AnAbandonedProbeGivesItsTurnBack) {
  fail_times(5);
  clock.advance_us(5 * kSecondUs);
  ASSERT_TRUE(health.enter("a", kOne).may);
  health.failed("a", Error(ErrorCode::kCancelled));
  EXPECT_TRUE(health.enter("a", kOne).may);
  clock.advance_us(131 * kSecondUs);  // nothing was heard of that one
  EXPECT_TRUE(health.enter("a", kOne).may);
}

TEST_F(HealthTest, WhatIsRememberedIsBounded) {
  Health small(HealthOptions{.most = 3}, clock);
  for (int i = 0; i < 10; ++i) {
    clock.advance_us(1);
    small.failed("d" + std::to_string(i), Error(ErrorCode::kUpstreamError));
  }
  EXPECT_EQ(small.to_json().size(), 3U);
}

TEST_F(HealthTest, ARefusalForTheRateHoldsEveryCaller) {
  health.failed(
      "a", Error(ErrorCode::kRateLimited, "slow down", {{"upstream_status", 429}, {"retry_after_us", 3 * kSecondUs}}));
  EXPECT_EQ(health.look("a", kOne).limited_us, 3 * kSecondUs);
  EXPECT_TRUE(health.look("a", kOne).may);
  clock.advance_us(3 * kSecondUs);
  EXPECT_EQ(health.look("a", kOne).limited_us, 0);
  health.failed("a", Error(ErrorCode::kRateLimited, "the key's own"));  // Steward's own limit on the caller
  EXPECT_EQ(health.look("a", kOne).limited_us, 0);
}

TEST(FailureOf, DecidesWhoIsAskedNext) {
  const auto upstream = [](int status) {
    return failure_of(Error(ErrorCode::kUpstreamError, "x", {{"upstream_status", status}}));
  };
  EXPECT_EQ(upstream(500), Failure::kMomentary);
  EXPECT_EQ(upstream(529), Failure::kMomentary);
  EXPECT_EQ(upstream(408), Failure::kMomentary);
  EXPECT_EQ(upstream(429), Failure::kRateLimited);
  EXPECT_EQ(upstream(401), Failure::kNotHere);
  EXPECT_EQ(upstream(404), Failure::kNotHere);
  EXPECT_EQ(upstream(400), Failure::kRequest);
  EXPECT_EQ(upstream(422), Failure::kRequest);
  EXPECT_EQ(failure_of(Error(ErrorCode::kUpstreamUnreachable)), Failure::kMomentary);
  EXPECT_EQ(failure_of(Error(ErrorCode::kInvalidRequest)), Failure::kRequest);
  EXPECT_EQ(failure_of(Error(ErrorCode::kContextTooLong)), Failure::kNotHere);
  EXPECT_EQ(failure_of(Error(ErrorCode::kBudgetExceeded)), Failure::kNotHere);
  EXPECT_EQ(failure_of(Error(ErrorCode::kRateLimited)), Failure::kOurs);
  EXPECT_EQ(failure_of(Error(ErrorCode::kCancelled)), Failure::kOurs);
  EXPECT_EQ(failure_of(Error(ErrorCode::kStoreUnavailable)), Failure::kOurs);
}

TEST(ProviderLimits, AreReadAsEachWritesThem) {
  const auto openai = limits_of({{"x-ratelimit-limit-requests", "500"},
                                 {"x-ratelimit-remaining-requests", "499"},
                                 {"x-ratelimit-reset-requests", "120ms"},
                                 {"x-ratelimit-limit-tokens", "30000"},
                                 {"x-ratelimit-remaining-tokens", "0"},
                                 {"x-ratelimit-reset-tokens", "6m0s"}});
  ASSERT_EQ(openai.buckets.size(), 2U);
  EXPECT_EQ(openai.buckets[0].remaining, 499);
  EXPECT_EQ(openai.buckets[0].reset_us, 120'000);
  EXPECT_EQ(openai.buckets[1].reset_us, 360 * kSecondUs);

  const TimeUs now = *parse_rfc3339("2026-11-25T09:00:00Z");
  const auto anthropic = limits_of({{"anthropic-ratelimit-input-tokens-limit", "50000"},
                                    {"anthropic-ratelimit-input-tokens-remaining", "1000"},
                                    {"anthropic-ratelimit-input-tokens-reset", "2026-11-25T09:00:30Z"},
                                    {"retry-after", "7"}},
                                   now);
  ASSERT_EQ(anthropic.buckets.size(), 1U);
  EXPECT_EQ(anthropic.buckets[0].reset_us, 30 * kSecondUs);
  EXPECT_EQ(anthropic.retry_after_us, 7 * kSecondUs);

  EXPECT_EQ(limits_of({{"retry-after", "Wed, 25 Nov 2026 09:00:05 GMT"}}, now).retry_after_us, 5 * kSecondUs);
  EXPECT_EQ(limits_of({{"retry-after", "Wed, 25 Nov 2026 08:00:00 GMT"}}, now).retry_after_us, 0);
  EXPECT_EQ(limits_of({{"retry-after-ms", "1500"}, {"retry-after", "2"}}).retry_after_us, 1'500'000);
  EXPECT_EQ(limits_of({{"x-ratelimit-remaining", "0"},
                       {"x-ratelimit-limit", "10"},
                       {"x-ratelimit-reset", std::to_string(now / kSecondUs + 9)}},
                      now)
                .buckets.at(0)
                .reset_us,
            9 * kSecondUs);
  // Its microseconds would not fit in 64 bits.
  const auto far = limits_of({{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "9223372036854775807"}}, now);
  EXPECT_EQ(far.buckets.at(0).reset_us, 24LL * 3600 * kSecondUs);
  for (const auto* wrong : {"soon", "-5", "", "1e99", "99999999999999999999"}) {
    const auto read = limits_of({{"retry-after", wrong}, {"x-ratelimit-remaining-requests", wrong}});
    EXPECT_TRUE(read.buckets.empty()) << wrong;
    EXPECT_LE(read.retry_after_us.value_or(0), 24LL * 3600 * kSecondUs) << wrong;
  }
}

TEST(LimitState, KnowsWhenACallFitsAgain) {
  LimitState state;
  state.take(limits_of({{"x-ratelimit-limit-requests", "10"},
                        {"x-ratelimit-remaining-requests", "2"},
                        {"x-ratelimit-reset-requests", "8s"},
                        {"x-ratelimit-limit-tokens", "1000"},
                        {"x-ratelimit-remaining-tokens", "500"},
                        {"x-ratelimit-reset-tokens", "10s"}}),
             0);
  std::string why;
  EXPECT_EQ(state.holds_us(0, {.input = 400}, &why), 0);
  // 600 tokens: 100 are missing of the 500 that fill in 10 seconds.
  EXPECT_EQ(state.holds_us(0, {.input = 600}, &why), 2 * kSecondUs);
  EXPECT_EQ(why, "tokens: 500 of 1000 left");
  EXPECT_EQ(state.holds_us(kSecondUs, {.input = 600}, nullptr), kSecondUs);
  EXPECT_EQ(state.holds_us(2 * kSecondUs, {.input = 600}, nullptr), 0);
  EXPECT_EQ(state.holds_us(0, {.input = 1'000'000}, nullptr), 10 * kSecondUs);  // as if it needed all
  state.sent(kOne);
  EXPECT_EQ(state.holds_us(0, {.input = 1}, nullptr), 0);
  state.sent(kOne);
  EXPECT_EQ(state.holds_us(0, {.input = 1}, &why),
            kSecondUs * 8 / 10);  // no request is left: one of ten comes in 0.8 s
  EXPECT_EQ(why, "requests: 0 of 10 left");
  EXPECT_EQ(state.holds_us(8 * kSecondUs, {.input = 1}, nullptr), 0);
}

TEST(LimitState, CountsWhatTheProviderCounts) {
  LimitState state;
  const auto told = [](const char* kind) {
    return ProviderLimits{.buckets = {{.name = kind, .limit = 1000, .remaining = 100, .reset_us = 9 * kSecondUs}}};
  };
  state.take(told("input-tokens"), 0);
  EXPECT_EQ(state.holds_us(0, {.input = 100, .output = 800}, nullptr), 0);
  EXPECT_EQ(state.holds_us(0, {.input = 200}, nullptr), kSecondUs);
  LimitState both;
  both.take(told("tokens"), 0);
  EXPECT_EQ(both.holds_us(0, {.input = 100, .output = 100}, nullptr), kSecondUs);
  LimitState output;
  output.take(told("output-tokens"), 0);
  output.sent({.input = 1, .output = 5000});
  EXPECT_EQ(output.holds_us(0, {.output = 5000}, nullptr), 0);
}

TEST(AffinityKey, TellsConversationsAndOwnersApart) {
  const auto key = affinity_key("ten_1", "key_1", {"", "thread-7"}, {"system", "hello"});
  EXPECT_EQ(key, affinity_key("ten_1", "key_1", {"", "thread-7", "user"}, {"other texts"}));
  EXPECT_NE(key, affinity_key("ten_1", "key_2", {"", "thread-7"}, {}));
  EXPECT_NE(key, affinity_key("ten_2", "key_1", {"", "thread-7"}, {}));
  const auto begins = affinity_key("ten_1", "key_1", {""}, {"system", "hello"});
  EXPECT_NE(begins, affinity_key("ten_1", "key_1", {""}, {"syste", "mhello"}));
  EXPECT_NE(begins, affinity_key("ten_1", "key_1", {"system"}, {}));
  EXPECT_EQ(affinity_key("ten_1", "key_1", {""}, {"", ""}), "");
}

TEST(Affinity, IsBoundedAndForgets) {
  ManualClock clock;
  Affinity affinity(AffinityOptions{.most = 2, .time_to_live_us = 10}, clock);
  affinity.remember("r", "1", "a");
  affinity.remember("r", "2", "b");
  affinity.remember("r", "1", "c");
  affinity.remember("r", "3", "d");
  EXPECT_EQ(affinity.find("r", "2"), std::nullopt);  // the oldest
  EXPECT_EQ(affinity.find("r", "1"), "c");
  EXPECT_EQ(affinity.find("other", "1"), std::nullopt);
  EXPECT_EQ(affinity.size(), 2U);
  clock.advance_us(11);
  EXPECT_EQ(affinity.find("r", "1"), std::nullopt);
  affinity.remember("r", "", "a");
  EXPECT_EQ(affinity.size(), 0U);
}

}  // namespace
}  // namespace steward::gateway::routing
