// The ledger's tables:
//   ledger_calls    one row per call, from its reservation on; open ones are what a start loads, settled ones what
//   usage lists ledger_budgets  settings and the present period; ledger_periods  the amounts of each period, past ones
//   too ledger_prices   as they were set ledger_usage    sums per quarter of an hour, key, owner, team, model, provider
//   and endpoint. Every zone's day begins on a quarter, so
//                   that sums by local day in any zone come from these alone, however many calls there are
//   ledger_usage_days  the same by day of UTC: a long span is summed by whole days, a hundredth of the rows
// `cost` is the whole, cost_… what of it was spent on which type; what no type has (charged at the bound, told as one
// sum, or written before costs were split) is the rest. A call's time is that of its reservation, in usage as in
// budgets.
#pragma once
#include <string_view>
#include <vector>

#include "journal/db.h"
#include "ledger/state.h"

namespace steward::ledger {

inline constexpr DurationUs kUsageSliceUs = 15LL * 60 * kSecondUs;
inline constexpr int64_t kUsageSlicesADay = 96;

class LedgerView final : public journal::View {
 public:
  static constexpr std::string_view kName = "ledger";
  static constexpr int kVersion = 4;
  std::string_view name() const override { return kName; }
  int version() const override { return kVersion; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;

 private:
  CallReader reader_;
};

void load_accounts(journal::Db& views, const Id& tenant, Accounts& accounts);
std::vector<PriceSet> load_prices(journal::Db& views, const Id& tenant);

}  // namespace steward::ledger
