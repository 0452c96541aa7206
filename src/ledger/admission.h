// The wall: whether a call may start, and what it is charged in the end. Pure functions of the accounts, called on the
// writer thread.
//
// Order of a refusal: the key itself, concurrency, unknown price, budgets, requests a minute, tokens a minute. Of
// several budgets that do not fit, the one with the least left is named, and among equals the one nearest to the
// caller. Without an output limit of the caller's, the output is cut to the smaller of the route's cap and what fits
// every budget and the tokens a minute; with one, the call fits whole or is refused. A call whose worst case costs
// nothing is stopped by no budget.
#pragma once
#include "ledger/state.h"

namespace steward::ledger {

struct Admission {
  CallReserved call;
  Reservation reservation;  // seq is filled in once it is written
};

Result<Admission> admit(const Accounts& accounts, const identity::Snapshot& identity, const CallBound& bound,
                        TimeUs now);

struct Settling {
  CallSettled settled;
  Charge charge;  // budgets as they stand after it
};
Result<Settling> settle_call(const Accounts& accounts, const Settlement& settlement, TimeUs now);
// A reservation that nobody will settle any more: charged at its bound.
CallSettled settle_in_doubt(const CallReserved& call);

// Whose budgets a call counts in: the tenant, the key's team and the teams above it, the person, the key; outermost
// first.
std::vector<Id> scopes_of(const identity::Snapshot& identity, const Id& tenant, const Id& team, const Id& owner,
                          const Id& key);

}  // namespace steward::ledger
