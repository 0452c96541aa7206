// For tests: a home with identity and ledger over a started journal, and short ways to make a call.
#pragma once
#include "identity/testing.h"
#include "ledger/ledger.h"

namespace steward::ledger {

using identity::run;

inline constexpr DurationUs kHourUs = 3600LL * kSecondUs;
inline constexpr DurationUs kDayUs = 24 * kHourUs;

// One microdollar per input token, two per output token.
inline Price test_price() { return {.input = 1'000'000, .output = 2'000'000, .source = "test"}; }

class LedgerHome : public identity::IdentityHome {
 public:
  LedgerHome() { make_ledger_parts(); }
  ~LedgerHome() override { home.stop(); }

  void reopen_all() {
    home.wait_applied();
    ledger.reset();
    prepare_reopen();
    make_ledger_parts();
    start();
  }

  CallBound bound(const std::string& secret, int64_t input = 10, std::optional<int64_t> output = 10) {
    CallBound call;
    call.call = IdMaker(home.clock(), home.random()).make("call");
    call.caller = identity->authenticate(secret).value();
    call.model = "m";
    call.provider = "p";
    call.endpoint = "chat";
    call.price = test_price();
    call.input_tokens_bound = input;
    call.requested_output_tokens = output;
    call.output_cap = 1'000;
    return call;
  }
  Result<Reservation> reserve(CallBound call) { return run(ledger->reserve(std::move(call))); }
  Result<Charge> settle(const Id& call, int64_t input, int64_t output, Outcome outcome = Outcome::kFinished) {
    return run(ledger->settle({.call = call,
                               .tenant = tenant,
                               .usage = {.prompt_tokens = input, .completion_tokens = output},
                               .outcome = outcome}));
  }
  Budget set_budget(const Id& scope, NanoUsd limit, Period period = Period::kForever, std::string name = "b",
                    std::string zone = "") {
    auto made = run(
        ledger->set_budget(admin, {.name = name, .scope = scope, .limit = limit, .period = period, .time_zone = zone}));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.value();
  }
  Budget budget(const Id& id) {
    const auto all = run(ledger->budgets(tenant)).value();
    const auto it = std::ranges::find(all, id, &Budget::id);
    EXPECT_NE(it, all.end());
    return *it;
  }
  std::vector<UsageRow> usage(UsageQuery query) {
    home.wait_applied();
    query.tenant = tenant;
    std::vector<UsageRow> rows;
    home.views().query_blocking([&](journal::Db& db) { rows = query_usage(db, query).value(); });
    return rows;
  }

  std::unique_ptr<Ledger> ledger;

 private:
  void make_ledger_parts() {
    ledger = make_ledger(home.journal(), *identity, {}, home.clock(), home.random(), Log());
    home.journal().add_fold(ledger->fold());
    for (auto* view : ledger->views()) home.views().add(*view);
  }
};

}  // namespace steward::ledger
