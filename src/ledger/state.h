// The fold of the ledger: balances, reservations under way, rate windows and prices, as the records so far make them.
// Writer thread only (but for the prices, which are published). Loads from the ledger's tables, so that a start does
// not read the whole journal.
//
// Laws (tested on random histories): a budget's `reserved` is the sum of the open reservations in its present period,
// its `spent` the sum of the charges in it; both change only by records.
#pragma once
#include <atomic>
#include <unordered_map>

#include "ledger/period.h"
#include "ledger/pricing.h"
#include "ledger/rate_window.h"
#include "ledger/records.h"

namespace steward::ledger {

// A budget as it stands at some moment.
struct Standing {
  TimeUs start = 0, end = 0;  // of the period; end 0: never
  NanoUsd limit = 0, spent = 0, reserved = 0, overrun = 0;
  bool blocked = false;
  NanoUsd left() const { return limit - spent - reserved; }
};

struct BudgetState {
  Id id;
  BudgetSpec spec;
  const date::time_zone* zone = nullptr;
  TimeUs period_start = 0;  // of the period that the amounts are of
  NanoUsd spent = 0, reserved = 0, overrun = 0;
  bool blocked = false;  // by an overrun: until the period ends or the budget is set again
  mutable Span present;  // cache: the period of the last question

  // As it stands at `now`, when a new period may have begun. Periods never go back with the clock.
  Standing at(TimeUs now) const;

 private:
  const Span& span(TimeUs now) const;
};

struct KeyState {
  RateWindow window;
  int64_t under_way = 0;
};

// The accounts of one tenant.
struct Accounts {
  std::unordered_map<Id, BudgetState> budgets;
  std::unordered_map<Id, std::vector<Id>> budgets_of;  // by scope, in the order they were made
  std::unordered_map<Id, CallReserved> open;
  std::unordered_map<Id, KeyState> keys;
  TimeUs last_reserved_at = 0;
  TimeUs next_expiry = 0;  // no open reservation expires before; 0: none known

  void put(BudgetState budget);
  void remove_budget(const Id& id);
  void reserve(CallReserved call);
  void settle(const CallSettled& call);
};

class State final : public journal::Fold {
 public:
  void reset() override;
  journal::Seq load(journal::Db& views, const Id& tenant) override;
  void apply(const journal::Record& record) override;

  Accounts& accounts(const Id& tenant) { return tenants_[tenant]; }
  std::vector<Id> tenants() const;
  std::shared_ptr<const PriceBook> prices(const Id& tenant) const;  // any thread
  std::string dump() const;                                         // canonical, for comparing two folds

 private:
  using PriceBooks = std::map<Id, std::shared_ptr<const PriceBook>>;
  void set_price(const Id& tenant, const PriceSet& set);
  std::unordered_map<Id, Accounts> tenants_;
  CallReader reader_;
  std::atomic<std::shared_ptr<const PriceBooks>> prices_{std::make_shared<const PriceBooks>()};
};

}  // namespace steward::ledger
