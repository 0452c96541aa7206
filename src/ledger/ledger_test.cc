// The ledger over a real journal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/json.h"
#include "ledger/testing.h"

namespace steward::ledger {
namespace {

using identity::PrincipalKind;

struct LedgerTest : LedgerHome, ::testing::Test {
  void SetUp() override { start(); }
};

// 20 tokens at the test price: 10 × $0.000001 + 10 × $0.000002.
constexpr NanoUsd kCall = 30'000;

TEST_F(LedgerTest, ReservesThenCharges) {
  const auto key = new_key({});
  const Id id = set_budget(key.key.id, 100'000).id;
  const Reservation reserved = reserve(bound(key.secret)).value();
  EXPECT_EQ(reserved.reserved, kCall);
  EXPECT_EQ(reserved.output_tokens, 10);
  EXPECT_FALSE(reserved.output_was_cut);
  EXPECT_GT(reserved.seq, 0u);
  ASSERT_EQ(reserved.budgets.size(), 1u);
  EXPECT_EQ(reserved.budgets[0].left, 70'000);
  EXPECT_EQ(budget(id).reserved, kCall);
  const Charge charge = settle(reserved.call, 10, 3).value();
  EXPECT_EQ(charge.cost, 16'000);
  EXPECT_EQ(charge.overrun, 0);
  EXPECT_EQ(charge.budgets[0].left, 84'000);
  EXPECT_EQ(budget(id).spent, 16'000);
  EXPECT_EQ(budget(id).reserved, 0);
  EXPECT_EQ(settle(reserved.call, 10, 3).error().code, ErrorCode::kConflict);
  EXPECT_EQ(budget(id).spent, 16'000);
  EXPECT_EQ(settle("call_unknown", 1, 1).error().code, ErrorCode::kConflict);
}

TEST_F(LedgerTest, ABudgetForOneCallAndTwentyAtOnce) {
  const auto key = new_key({});
  set_budget(key.key.id, kCall);
  asio::io_context io;
  int admitted = 0, refused = 0;
  for (int i = 0; i < 20; ++i) {
    asio::co_spawn(io, ledger->reserve(bound(key.secret)), [&](std::exception_ptr, Result<Reservation> result) {
      ++(result ? admitted : refused);
      if (!result) EXPECT_EQ(result.error().code, ErrorCode::kBudgetExceeded);
    });
  }
  io.run();
  EXPECT_EQ(admitted, 1);
  EXPECT_EQ(refused, 19);
}

TEST_F(LedgerTest, ANewKeysFirstBurstMeetsItsBudget) {
  const auto made =
      run(ledger->create_key(admin, {.name = "new"}, {{.name = "default", .limit = 2 * kCall, .period = Period::kDay}}))
          .value();
  int admitted = 0;
  for (int i = 0; i < 10; ++i) admitted += reserve(bound(made.secret)).has_value();
  EXPECT_EQ(admitted, 2);
  // Both records are one append: neither can be without the other.
  const auto records = home.journal().read(tenant, 0, 100).value();
  const auto created = std::ranges::find(records, "key.created", &journal::Record::kind);
  ASSERT_NE(created, records.end());
  EXPECT_EQ(std::next(created)->kind, "budget.set");
  const auto all = run(ledger->budgets(tenant)).value();
  EXPECT_EQ(all.at(0).spec.time_zone, "Europe/Berlin") << "the owner's";
  // A budget that can't be set keeps the key from being made.
  EXPECT_FALSE(run(ledger->create_key(admin, {.name = "bad"}, {{.name = "x", .limit = -1}})).has_value());
  EXPECT_EQ(identity->snapshot()->keys.size(), 1u);
}

TEST_F(LedgerTest, FourNestedBudgetsEachBind) {
  const Id team = new_principal(PrincipalKind::kTeam, "T"), user = new_principal(PrincipalKind::kUser, "U");
  const auto key = new_key({.owner = user, .team = team});
  const Id scopes[] = {tenant, team, user, key.key.id};
  for (const Id& binding : scopes) {
    std::vector<Id> ids;
    Id expected;
    for (const Id& scope : scopes) {
      const Id id = set_budget(scope, scope == binding ? kCall : 10 * kCall).id;
      if (scope == binding) expected = id;
      ids.push_back(id);
    }
    const auto first = reserve(bound(key.secret));
    ASSERT_TRUE(first.has_value()) << first.error().message;
    EXPECT_EQ(first->budgets.size(), 4u);
    const auto second = reserve(bound(key.secret));
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().details.at("budget"), expected);
    EXPECT_EQ(second.error().details.at("left_nanousd"), 0);
    EXPECT_EQ(second.error().details.at("needed_nanousd"), kCall);
    ASSERT_TRUE(settle(first->call, 0, 0, Outcome::kUpstreamFailed).has_value());
    for (const Id& id : ids) ASSERT_TRUE(run(ledger->remove_budget(admin, id)).has_value());
  }
}

TEST_F(LedgerTest, ATeamsBudgetHoldsForTheTeamsWithinIt) {
  const Id department = new_principal(PrincipalKind::kTeam, "D"), team = new_principal(PrincipalKind::kTeam, "T");
  ASSERT_TRUE(run(identity->set_member(admin, department, team, true)).has_value());
  const auto key = new_key({.team = team});
  const Id id = set_budget(department, kCall).id;
  EXPECT_TRUE(reserve(bound(key.secret)).has_value());
  EXPECT_EQ(reserve(bound(key.secret)).error().details.at("budget"), id);
}

TEST_F(LedgerTest, AnOverrunIsShownAndStopsTheBudget) {
  const auto key = new_key({});
  const Id id = set_budget(key.key.id, 1'000'000).id;
  const Reservation call = reserve(bound(key.secret)).value();
  const Charge charge = settle(call.call, 10, 50).value();
  EXPECT_EQ(charge.cost, 110'000);
  EXPECT_EQ(charge.overrun, 80'000);
  EXPECT_EQ(budget(id).overrun, 80'000);
  EXPECT_EQ(budget(id).spent, 110'000);
  const auto refused = reserve(bound(key.secret));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kBudgetExceeded);
  EXPECT_EQ(refused.error().details.at("blocked"), true);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("$0.00008"));
  reopen_all();
  EXPECT_FALSE(reserve(bound(key.secret)).has_value()) << "it stays stopped in another process";
  set_budget(key.key.id, 1'000'000);
  EXPECT_TRUE(reserve(bound(key.secret)).has_value());
}

TEST_F(LedgerTest, LocalModelsNeverOverrun) {
  const auto key = new_key({});
  const Id id = set_budget(key.key.id, 1'000'000).id;
  CallBound call = bound(key.secret);
  call.local = true;
  const Charge charge = settle(reserve(call).value().call, 10, 50).value();
  EXPECT_EQ(charge.cost, kCall);
  EXPECT_EQ(charge.overrun, 0);
  EXPECT_EQ(budget(id).overrun, 0);
}

TEST_F(LedgerTest, WithoutAnOutputLimitWhatFitsIsAskedFor) {
  const auto key = new_key({});
  CallBound call = bound(key.secret, 10, std::nullopt);
  EXPECT_EQ(reserve(call).value().output_tokens, 1'000) << "no budget: the route's cap";
  set_budget(key.key.id, 50'000);
  call = bound(key.secret, 10, std::nullopt);
  const Reservation cut = reserve(call).value();
  EXPECT_EQ(cut.output_tokens, 20) << "($0.00005 - 10 × $0.000001) / $0.000002";
  EXPECT_TRUE(cut.output_was_cut);
  EXPECT_EQ(cut.reserved, 50'000);
  ASSERT_TRUE(settle(cut.call, 10, 0, Outcome::kClientGone).has_value());
  call = bound(key.secret, 10, std::nullopt);
  call.n = 3;
  EXPECT_EQ(reserve(call).value().output_tokens, 5) << "of 40,000 left, 30,000 for output, three choices of 5";
  call = bound(key.secret, 100, std::nullopt);
  const auto refused = reserve(call);
  EXPECT_EQ(refused.error().details.at("needed_nanousd"), 102'000)
      << "the least that would have been needed: one token of output";
}

TEST_F(LedgerTest, AnUnknownPriceIsNoZero) {
  const auto key = new_key({});
  CallBound call = bound(key.secret);
  call.price.reset();
  const Reservation unpriced = reserve(call).value();
  EXPECT_EQ(unpriced.reserved, 0);
  EXPECT_EQ(settle(unpriced.call, 10, 10).value().cost, 0);
  const Reservation priced = reserve(bound(key.secret)).value();
  ASSERT_TRUE(settle(priced.call, 10, 10).has_value());
  const auto sums = [&](TimeUs from) { return usage({.from = from}).at(0); };
  EXPECT_EQ(sums(0).calls, 2);
  EXPECT_EQ(sums(0).unpriced, 1) << "by days and quarters of an hour";
  EXPECT_EQ(sums(home.clock().now_us() - kSecondUs).unpriced, 1) << "by the calls themselves";
  set_budget(tenant, 1'000'000);
  call = bound(key.secret);
  call.price.reset();
  EXPECT_EQ(reserve(call).error().code, ErrorCode::kPriceUnknown);
  EXPECT_EQ(ledger->price(tenant, "p", "m"), std::nullopt);
}

TEST_F(LedgerTest, FreeCallsPassAnEmptyBudget) {
  const auto key = new_key({});
  set_budget(key.key.id, 0);
  CallBound call = bound(key.secret);
  EXPECT_EQ(reserve(call).error().code, ErrorCode::kBudgetExceeded);
  call.price = Price{.source = "local"};
  EXPECT_TRUE(reserve(call).has_value());
}

TEST_F(LedgerTest, TokensAMinuteOneHundredAndFiveAtOnce) {
  const auto key = new_key({.limits = {.tokens_per_minute = 100}});
  std::vector<Reservation> admitted;
  std::optional<Error> refusal;
  for (int i = 0; i < 5; ++i) {
    auto result = reserve(bound(key.secret, 10, 20));
    if (result)
      admitted.push_back(*result);
    else
      refusal = result.error();
  }
  ASSERT_EQ(admitted.size(), 3u) << "30 tokens each";
  EXPECT_EQ(admitted[2].rate.remaining_tokens, 10);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code, ErrorCode::kRateLimited);
  EXPECT_EQ(refusal->details.at("remaining_tokens"), 10);
  EXPECT_EQ(refusal->details.at("needed_tokens"), 30);
  const DurationUs wait = refusal->details.at("retry_after_us");
  EXPECT_GT(wait, 60 * kSecondUs - kSecondUs);
  EXPECT_LE(wait, 60 * kSecondUs + 100'000);
  ASSERT_TRUE(settle(admitted[0].call, 10, 2).has_value());  // 18 come back
  EXPECT_FALSE(reserve(bound(key.secret, 10, 19)).has_value());
  EXPECT_TRUE(reserve(bound(key.secret, 10, 18)).has_value());
  clock().advance_us(wait);
  EXPECT_TRUE(reserve(bound(key.secret, 10, 20)).has_value()) << "when the refusal said";
  EXPECT_EQ(reserve(bound(key.secret, 90, 20)).error().details.contains("retry_after_us"), false) << "110 never fit";
}

TEST_F(LedgerTest, RequestsAMinuteAndConcurrency) {
  const auto key = new_key({.limits = {.requests_per_minute = 2}});
  EXPECT_EQ(reserve(bound(key.secret)).value().rate.remaining_requests, 1);
  clock().advance_us(10 * kSecondUs);
  EXPECT_EQ(reserve(bound(key.secret)).value().rate.remaining_requests, 0);
  const Error refusal = reserve(bound(key.secret)).error();
  EXPECT_EQ(refusal.code, ErrorCode::kRateLimited);
  EXPECT_EQ(refusal.details.at("limit_requests"), 2);
  const DurationUs wait = refusal.details.at("retry_after_us");
  EXPECT_NEAR(static_cast<double>(wait), 50e6, 0.2e6);
  clock().advance_us(wait - 1);
  EXPECT_FALSE(reserve(bound(key.secret)).has_value());
  clock().advance_us(1);
  EXPECT_TRUE(reserve(bound(key.secret)).has_value());

  const auto narrow = new_key({.limits = {.concurrency = 1}});
  const Id open = reserve(bound(narrow.secret)).value().call;
  EXPECT_EQ(reserve(bound(narrow.secret)).error().code, ErrorCode::kConcurrencyLimited);
  ASSERT_TRUE(settle(open, 1, 1).has_value());
  EXPECT_TRUE(reserve(bound(narrow.secret)).has_value());
}

TEST_F(LedgerTest, ChangedLimitsAndRevocationsHoldAtOnce) {
  const auto key = new_key({});
  CallBound call = bound(key.secret), later = bound(key.secret);
  auto spec = key.key.spec;
  spec.limits.concurrency = 1;
  ASSERT_TRUE(run(identity->update_key(admin, key.key.id, spec)).has_value());
  ASSERT_TRUE(reserve(call).has_value());
  EXPECT_EQ(reserve(later).error().code, ErrorCode::kConcurrencyLimited);
  ASSERT_TRUE(run(identity->revoke_key(admin, key.key.id)).has_value());
  EXPECT_EQ(reserve(later).error().code, ErrorCode::kKeyRevoked);
  EXPECT_TRUE(settle(call.call, 1, 1).has_value()) << "what was under way is still charged";
}

TEST_F(LedgerTest, ADisabledOwnersCallsStopThoughTheyWereLetIn) {
  const Id user = new_principal(PrincipalKind::kUser, "U");
  const auto key = new_key({.owner = user});
  const CallBound call = bound(key.secret);
  ASSERT_TRUE(run(identity->set_disabled(admin, user, true)).has_value());
  EXPECT_EQ(reserve(call).error().code, ErrorCode::kKeyRevoked);
}

TEST_F(LedgerTest, AStoreThatTakesNothingAdmitsNothing) {
  const auto key = new_key({});
  const CallBound call = bound(key.secret);
  home.journal().stop();
  const auto refused = reserve(call);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(info(refused.error().code).http_status, 503);
}

TEST_F(LedgerTest, AChangedPeriodKeepsOrBeginsTheCount) {
  const auto key = new_key({});
  const Id id = set_budget(key.key.id, 1'000'000, Period::kDay).id;
  ASSERT_TRUE(settle(reserve(bound(key.secret)).value().call, 10, 10).has_value());
  set_budget(key.key.id, 1'000'000, Period::kForever);
  EXPECT_EQ(budget(id).spent, kCall) << "a longer period goes on with the count";
  set_budget(key.key.id, 2'000'000, Period::kForever);
  EXPECT_EQ(budget(id).spent, kCall) << "another limit keeps it";
  clock().advance_us(2 * kDayUs);
  set_budget(key.key.id, 1'000'000, Period::kDay);
  EXPECT_EQ(budget(id).spent, 0) << "a shorter one begins anew";
}

TEST_F(LedgerTest, ADayEndsAtTheOwnersMidnight) {
  const auto key = new_key({});
  const Id id = set_budget(key.key.id, kCall, Period::kDay).id;  // Europe/Berlin
  const Id open = reserve(bound(key.secret)).value().call;
  const Budget today = budget(id);
  const auto refused = reserve(bound(key.secret));
  EXPECT_EQ(refused.error().details.at("renews_at"), to_rfc3339(today.period_end));
  EXPECT_EQ(refused.error().details.at("retry_after_us"), today.period_end - clock().now_us());
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("00:00 (Europe/Berlin)"));
  clock().advance_us(today.period_end - clock().now_us() - 1);
  EXPECT_FALSE(reserve(bound(key.secret)).has_value());
  clock().advance_us(1);
  EXPECT_EQ(budget(id).left(), kCall);
  EXPECT_TRUE(reserve(bound(key.secret)).has_value());
  // Yesterday's call is charged to yesterday.
  ASSERT_TRUE(settle(open, 10, 10).has_value());
  EXPECT_EQ(budget(id).spent, 0);
  EXPECT_EQ(budget(id).reserved, kCall);
}

TEST_F(LedgerTest, ACrashChargesOpenCallsAtTheirBoundOnce) {
  const auto key = new_key({.limits = {.concurrency = 5}});
  const Id id = set_budget(key.key.id, 1'000'000).id;
  const Id settled = reserve(bound(key.secret)).value().call;
  ASSERT_TRUE(settle(settled, 1, 1).has_value());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(reserve(bound(key.secret)).has_value());
  reopen_all();
  clock().advance_us(kSecondUs);
  const TimeUs started = clock().now_us();
  const Id fresh = reserve(bound(key.secret)).value().call;
  EXPECT_EQ(budget(id).reserved, 4 * kCall);
  EXPECT_EQ(ledger->recover(started).value(), 3u);
  EXPECT_EQ(ledger->recover(started).value(), 0u);
  EXPECT_EQ(budget(id).spent, 3'000 + 3 * kCall);
  EXPECT_EQ(budget(id).reserved, kCall) << "what this process reserved is its own";
  EXPECT_TRUE(settle(fresh, 0, 0).has_value());
  const auto rows = usage({.group_by = {"key"}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].calls, 5);
  EXPECT_EQ(rows[0].failed, 3);
  EXPECT_EQ(rows[0].cost, 3'000 + 3 * kCall);
}

TEST_F(LedgerTest, ACallInAProvidersBatchOutlivesTheProcessAndIsNoneUnderWay) {
  const auto key = new_key({.limits = {.concurrency = 1}});
  const Id id = set_budget(key.key.id, 1'000'000).id;
  const auto posted = [&] {
    CallBound call = bound(key.secret);
    call.posted = true;
    call.expires_at = clock().now_us() + kDayUs;
    return call;
  };
  const Id first = reserve(posted()).value().call, second = reserve(posted()).value().call;
  const Id live = reserve(bound(key.secret)).value().call;
  EXPECT_EQ(reserve(bound(key.secret)).error().code, ErrorCode::kConcurrencyLimited);
  EXPECT_TRUE(settle(live, 0, 0).has_value());
  reopen_all();
  EXPECT_EQ(ledger->recover(clock().now_us() + 1).value(), 0u);
  EXPECT_EQ(budget(id).reserved, 2 * kCall);
  EXPECT_TRUE(settle(first, 1, 1).has_value());
  EXPECT_EQ(settle(first, 1, 1).error().code, ErrorCode::kConflict);
  EXPECT_EQ(budget(id).spent, 3'000);
  clock().advance_us(kDayUs);
  EXPECT_EQ(run(ledger->expire()).value(), 1u);
  EXPECT_EQ(budget(id).spent, 3'000 + kCall) << "nobody came for the other one";
  EXPECT_EQ(settle(second, 0, 0).error().code, ErrorCode::kConflict);
}

TEST_F(LedgerTest, ReservationsExpire) {
  const auto key = new_key({.limits = {.concurrency = 1}});
  const Id id = set_budget(key.key.id, 1'000'000).id;
  CallBound call = bound(key.secret);
  call.expires_at = clock().now_us() + kHourUs;
  ASSERT_TRUE(reserve(call).has_value());
  EXPECT_EQ(run(ledger->expire()).value(), 0u);
  clock().advance_us(kHourUs);
  EXPECT_EQ(run(ledger->expire()).value(), 1u);
  EXPECT_EQ(budget(id).spent, kCall);
  EXPECT_EQ(settle(call.call, 1, 1).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(reserve(bound(key.secret)).has_value()) << "its place is free again";
}

TEST_F(LedgerTest, PricesHoldFromADate) {
  ASSERT_TRUE(run(ledger->set_price(admin, "p", "m", {.input = 5, .output = 6})).has_value());
  ASSERT_TRUE(run(ledger->set_price(admin, "p", "m", {.input = 7, .output = 8, .from = clock().now_us() + kDayUs}))
                  .has_value());
  EXPECT_EQ(ledger->price(tenant, "p", "m")->input, 5);
  clock().advance_us(kDayUs);
  EXPECT_EQ(ledger->price(tenant, "p", "m")->input, 7);
  ledger->set_default_prices({{"p/m", {.input = 1}}, {"p/n*", {.input = 2}}, {"p/nn*", {.input = 3}}});
  EXPECT_EQ(ledger->price(tenant, "p", "m")->input, 7) << "the owner's stands above the configuration's";
  EXPECT_EQ(ledger->price(tenant, "p", "nx")->input, 2);
  EXPECT_EQ(ledger->price(tenant, "p", "nnx")->input, 3);
  EXPECT_EQ(ledger->price(tenant, "p", "nnx")->source, "config");
  EXPECT_EQ(ledger->price(tenant, "q", "m"), std::nullopt);
  EXPECT_EQ(ledger->price(tenant, "local", "any")->input, 0);
  ASSERT_TRUE(run(ledger->set_price(admin, "local", "any", {.input = 9, .output = 9})).has_value());
  reopen_all();
  EXPECT_EQ(ledger->price(tenant, "local", "any")->input, 9);
  EXPECT_EQ(ledger->price(tenant, "p", "m")->output, 8);
  EXPECT_EQ(ledger->prices(tenant).at("p/m").source, "owner");
  EXPECT_EQ(run(ledger->set_price(admin, "p", "m", {.input = -1})).error().code, ErrorCode::kInvalidRequest);
}

TEST_F(LedgerTest, APriceIsReadWholeWhileOthersAreSet) {
  ASSERT_TRUE(run(ledger->set_price(admin, "p", "m", {.input = 1'300'000, .output = 5'100'000})).has_value());
  std::atomic<bool> over = false;
  std::atomic<int64_t> wrong = 0, read = 0;
  std::thread reader([&] {
    while (!over) {
      const auto price = ledger->price(tenant, "p", "m");
      wrong += !price || price->input != 1'300'000 || price->output != 5'100'000 || price->request != 0;
      ++read;
    }
  });
  for (int i = 0; i < 500; ++i) {
    const std::string name = fmt::format("other-{}", i % 50);
    EXPECT_TRUE(run(ledger->set_price(admin, "p", name, {.input = i + 1, .output = 1})).has_value());
  }
  over = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(read, 500);
}

TEST_F(LedgerTest, AHundredAndFiftyKeysOneRequestEach) {
  NanoUsd expected = 0;
  for (int i = 0; i < 150; ++i) {
    const auto key = new_key({});
    const auto call = reserve(bound(key.secret, 10, 10)).value();
    expected += settle(call.call, 10, i % 10).value().cost;
    clock().advance_us(kHourUs / 2);
  }
  NanoUsd from_log = 0;
  for (const auto& record : home.journal().read(tenant, 0, 10'000).value()) {
    if (record.kind == "call.settled") from_log += parse_own(record.body).at("cost_nano").get<NanoUsd>();
  }
  EXPECT_EQ(from_log, expected);
  for (const std::vector<std::string>& group : std::vector<std::vector<std::string>>{
           {}, {"key"}, {"model"}, {"day"}, {"key", "day"}, {"owner", "team", "endpoint"}}) {
    NanoUsd sum = 0;
    int64_t calls = 0;
    for (const auto& row : usage({.group_by = group, .time_zone = "Asia/Kathmandu"})) {
      sum += row.cost;
      calls += row.calls;
    }
    EXPECT_EQ(sum, expected);
    EXPECT_EQ(calls, 150);
  }
  EXPECT_EQ(usage({.group_by = {"key"}}).size(), 150u);
}

TEST_F(LedgerTest, UsageOfARaggedSpanIsExact) {
  const auto key = new_key({});
  const TimeUs first = clock().now_us();
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(settle(reserve(bound(key.secret)).value().call, 1, 1).has_value());
    clock().advance_us(101 * kSecondUs);
  }
  for (int from = 0; from < 40; from += 7) {
    for (int to = from; to <= 40; to += 3) {
      const auto rows = usage({.from = first + from * 101 * kSecondUs, .to = first + to * 101 * kSecondUs});
      EXPECT_EQ(rows.empty() ? 0 : rows[0].calls, to - from) << from << " " << to;
    }
  }
}

// Whole days are summed apart from quarters of an hour and from calls: whatever the span, the parts meet.
TEST_F(LedgerTest, UsageOfASpanOfDaysIsExactInAnyZone) {
  constexpr TimeUs kEvery = 7 * kHourUs + 13 * 60 * kSecondUs;
  constexpr int kCalls = 24;  // a week
  const auto key = new_key({});
  const TimeUs first = clock().now_us();
  for (int i = 0; i < kCalls; ++i) {
    ASSERT_TRUE(settle(reserve(bound(key.secret)).value().call, 1, 1).has_value());
    clock().advance_us(kEvery);
  }
  for (int from = 0; from < kCalls; from += 5) {
    for (int to = from; to <= kCalls; ++to) {
      for (const char* zone : {"UTC", "Asia/Kathmandu"}) {
        for (const std::vector<std::string>& group : std::vector<std::vector<std::string>>{{"key"}, {"key", "day"}}) {
          const auto rows =
              usage({.from = first + from * kEvery, .to = first + to * kEvery, .group_by = group, .time_zone = zone});
          int64_t calls = 0;
          for (const auto& row : rows) calls += row.calls;
          EXPECT_EQ(calls, to - from) << from << " " << to << " " << zone << " " << group.size();
          if (group.size() == 2 && to - from >= 8) EXPECT_GE(rows.size(), 2U);
        }
      }
    }
  }
}

TEST_F(LedgerTest, BudgetsAreCheckedAndNamed) {
  const auto code = [&](BudgetSpec spec) {
    return run(ledger->set_budget(admin, std::move(spec))).error().details.at("param").get<std::string>();
  };
  EXPECT_EQ(code({.name = "", .scope = tenant}), "name");
  EXPECT_EQ(code({.name = "x", .scope = "usr_none"}), "scope");
  EXPECT_EQ(code({.name = "x", .scope = tenant, .limit = -1}), "limit");
  EXPECT_EQ(code({.name = "x", .scope = tenant, .time_zone = "Nowhere"}), "time_zone");
  const Id first = set_budget(tenant, 5, Period::kMonth, "x").id;
  EXPECT_EQ(set_budget(tenant, 6, Period::kMonth, "x").id, first) << "by scope and name";
  EXPECT_EQ(budget(first).spec.limit, 6);
  const identity::Caller plain = identity->authenticate(new_key({}).secret).value();
  EXPECT_EQ(run(ledger->set_budget(plain, {.name = "y", .scope = tenant})).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(run(ledger->remove_budget(plain, first)).error().code, ErrorCode::kForbidden);
  EXPECT_EQ(run(ledger->remove_budget(admin, "bud_none")).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace steward::ledger
