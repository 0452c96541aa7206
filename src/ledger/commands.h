// Changes of budgets and prices: what they need to be allowed, and the drafts they become. Pure functions, called on
// the writer thread.
#pragma once
#include "ledger/state.h"

namespace steward::ledger {

inline constexpr size_t kBudgetNameLimit = 200;  // bytes
inline constexpr size_t kBudgetsPerScope = 16;   // each is looked at by every call under it
inline constexpr NanoUsd kBudgetLimit = 1'000'000'000LL * kNanoPerUsd;

struct BudgetCommand {
  identity::Caller actor;
  BudgetSpec spec;
  Id id;             // of the budget if it is new; becomes that of the one which has this scope and name already
  Id new_key_owner;  // set: the scope is a key made in the same append, of this owner
};

Result<std::vector<journal::Draft>> decide_set_budget(const Accounts& accounts, const identity::Snapshot& identity,
                                                      BudgetCommand& command, TimeUs now);
Result<std::vector<journal::Draft>> decide_remove_budget(const Accounts& accounts, const identity::Caller& actor,
                                                         const Id& budget, TimeUs now);
Result<std::vector<journal::Draft>> decide_set_price(const identity::Caller& actor, std::string_view provider,
                                                     std::string_view model, Price price, TimeUs now);

Budget show(const BudgetState& budget, const Id& tenant, TimeUs now);
Budget budget_after(const Accounts& accounts, const BudgetCommand& command,
                    TimeUs now);  // as it will stand once the command is written

}  // namespace steward::ledger
