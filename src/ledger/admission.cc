#include "ledger/admission.h"

#include "ledger/refusal.h"

namespace steward::ledger {
namespace {

struct Over {
  const BudgetState* budget;
  Standing standing;
};

std::vector<Over> budgets_over(const Accounts& accounts, const std::vector<Id>& scopes, TimeUs now) {
  std::vector<Over> over;
  for (const Id& scope : scopes) {
    const auto ids = accounts.budgets_of.find(scope);
    if (ids == accounts.budgets_of.end()) continue;
    for (const Id& id : ids->second) {
      const BudgetState& budget = accounts.budgets.at(id);
      over.push_back({&budget, budget.at(now)});
    }
  }
  return over;
}

// The key as it is now, not as it was when the request came: a revocation or a lowered limit holds at once.
Result<std::shared_ptr<const identity::Key>> present_key(const identity::Snapshot& identity, const CallBound& bound,
                                                         TimeUs now) {
  if (!bound.caller.key) {
    const auto self = identity.principals.find(bound.caller.principal);
    if (self != identity.principals.end() && self->second.disabled)
      return fail(ErrorCode::kSessionEnded, "This person is disabled: an owner of the organisation can enable them.");
    return nullptr;
  }
  const auto it = identity.keys.find(bound.caller.key->id);
  if (it == identity.keys.end() || it->second->revoked) {
    return fail(ErrorCode::kKeyRevoked, fmt::format("The API key {}… was revoked.", bound.caller.key->visible),
                {{"key", bound.caller.key->id}});
  }
  const auto owner = identity.principals.find(it->second->spec.owner);
  if (owner != identity.principals.end() && owner->second.disabled) {
    return fail(ErrorCode::kKeyRevoked, "The owner of this API key is disabled.", {{"key", it->first}});
  }
  const TimeUs expires_at = it->second->spec.expires_at;
  if (expires_at != 0 && expires_at <= now) {
    return fail(ErrorCode::kKeyExpired,
                fmt::format("The API key {}… expired on {}.", it->second->visible, to_rfc3339(expires_at)),
                {{"key", it->first}});
  }
  return it->second;
}

// The output tokens of each choice: the caller's, at most the route's cap; or the smaller of the cap and what fits
// everything.
struct Output {
  int64_t tokens = 0;
  bool was_cut = false;
};

Output choose_output(const CallBound& bound, const Price& price, const std::vector<Over>& over, int64_t tokens_left) {
  const int64_t cap = std::max<int64_t>(bound.output_cap, 0);
  if (bound.requested_output_tokens) {
    const int64_t asked = std::max<int64_t>(*bound.requested_output_tokens, 0);
    const int64_t tokens = bound.output_cap > 0 ? std::min(asked, cap) : asked;
    return {tokens, tokens < asked};
  }
  int64_t fits = cap;
  for (const Over& each : over)
    fits = std::min(
        fits, output_that_fits(price, bound.input_tokens_bound, bound.n, each.standing.left(), cap, bound.may_use));
  if (tokens_left >= 0) fits = std::min(fits, (tokens_left - bound.input_tokens_bound) / std::max<int64_t>(bound.n, 1));
  // Not even one token fits: what is refused then is one token, so that the refusal tells the least that would have
  // been needed.
  const int64_t tokens = std::max<int64_t>(fits, std::min<int64_t>(cap, 1));
  return {tokens, tokens < cap};
}

std::optional<Error> check_budgets(const std::vector<Over>& over, NanoUsd needed, TimeUs now) {
  if (needed == 0) return std::nullopt;
  const Over* tightest = nullptr;
  for (const Over& each : over) {
    if (each.standing.blocked) return blocked_refusal(*each.budget, each.standing, needed, now);
    if (needed <= each.standing.left()) continue;
    if (!tightest || each.standing.left() <= tightest->standing.left()) tightest = &each;
  }
  if (!tightest) return std::nullopt;
  return budget_refusal(*tightest->budget, tightest->standing, needed, now);
}

void fill_call(CallReserved& call, const CallBound& bound, const identity::Key* key, const Output& output, TimeUs now) {
  call.call = bound.call;
  call.at = now;
  call.owner = key ? key->spec.owner : bound.caller.principal;
  if (key) {
    call.key = key->id;
    call.team = key->spec.team;
    call.limited = key->spec.limits.requests_per_minute > 0 || key->spec.limits.tokens_per_minute > 0;
  }
  call.model = bound.model;
  call.provider = bound.provider;
  call.endpoint = bound.endpoint;
  call.local = bound.local;
  call.posted = bound.posted;
  call.price = bound.price;
  call.input_bound = std::clamp<int64_t>(bound.input_tokens_bound, 0, kTokensLimit);
  call.n = std::clamp<int64_t>(bound.n, 1, kChoicesLimit);
  call.output = std::min(output.tokens, kTokensLimit);
  call.expires_at = bound.expires_at;
}

Reservation reservation_of(const CallReserved& call, const Id& tenant, bool was_cut, const std::vector<Over>& over) {
  Reservation reservation{.call = call.call,
                          .tenant = tenant,
                          .reserved = call.reserved,
                          .output_tokens = call.output,
                          .output_was_cut = was_cut};
  for (const Over& each : over) {
    reservation.budgets.push_back(
        {each.budget->id, each.budget->spec.name, each.standing.left() - call.reserved, each.standing.end});
  }
  return reservation;
}

}  // namespace

std::vector<Id> scopes_of(const identity::Snapshot& identity, const Id& tenant, const Id& team, const Id& owner,
                          const Id& key) {
  constexpr size_t kTeamLimit = 100;  // teams above a team
  std::vector<Id> teams;
  if (!team.empty()) teams.push_back(team);
  // Somebody who calls without a key draws on what all their teams have; a key names the one that it counts to.
  const auto self = identity.principals.find(owner);
  if (key.empty() && self != identity.principals.end())
    teams.insert(teams.end(), self->second.groups.begin(), self->second.groups.end());
  for (size_t i = 0; i < teams.size() && teams.size() < kTeamLimit; ++i) {
    const auto it = identity.principals.find(teams[i]);
    if (it == identity.principals.end()) continue;
    for (const Id& up : it->second.groups) {
      if (std::ranges::find(teams, up) == teams.end()) teams.push_back(up);
    }
  }
  std::vector<Id> scopes{tenant};
  scopes.insert(scopes.end(), teams.rbegin(), teams.rend());
  if (!owner.empty()) scopes.push_back(owner);
  if (!key.empty()) scopes.push_back(key);
  return scopes;
}

Result<Admission> admit(const Accounts& accounts, const identity::Snapshot& identity, const CallBound& bound,
                        TimeUs now) {
  if (accounts.open.contains(bound.call))
    return fail(ErrorCode::kConflict, "The call has been reserved already.", {{"call", bound.call}});
  const auto found = present_key(identity, bound, now);
  if (!found) return fail(found.error());
  const identity::Key* key = found->get();
  const Id key_id = key ? key->id : Id();
  const identity::RateLimits limits = key ? key->spec.limits : identity::RateLimits();
  const auto usage = accounts.keys.find(key_id);
  const KeyState none;
  const KeyState& used = key && usage != accounts.keys.end() ? usage->second : none;
  if (!bound.posted && limits.concurrency > 0 && used.under_way >= limits.concurrency)
    return fail(concurrency_refusal(limits.concurrency, used.under_way));

  const auto scopes = scopes_of(identity, bound.caller.tenant, key ? key->spec.team : Id(),
                                key ? key->spec.owner : bound.caller.principal, key_id);
  const std::vector<Over> over = budgets_over(accounts, scopes, now);
  if (!bound.price && !over.empty()) return fail(price_refusal(bound, *over.front().budget));
  const Price price = bound.price.value_or(Price());
  const std::string_view unknown = unpriced_tool(price, bound.may_use.tool_calls);
  if (!unknown.empty() && !over.empty()) return fail(tool_price_refusal(bound, unknown, *over.front().budget));
  const bool counts_tokens = limits.tokens_per_minute > 0;
  const int64_t tokens_left =
      counts_tokens ? std::max<int64_t>(limits.tokens_per_minute - used.window.tokens(now), 0) : -1;

  const Output output = choose_output(bound, price, over, tokens_left);
  Admission admission;
  CallReserved& call = admission.call;
  fill_call(call, bound, key, output, now);
  call.reserved = bound.price ? worst_cost(price, call.input_bound, call.n, call.output, bound.may_use) : 0;
  if (auto refused = check_budgets(over, call.reserved, now)) return fail(std::move(*refused));
  if (limits.requests_per_minute > 0 && used.window.requests(now) >= limits.requests_per_minute) {
    return fail(requests_refusal(used.window, limits, now));
  }
  if (counts_tokens && call.tokens_bound() > tokens_left)
    return fail(tokens_refusal(used.window, limits, call.tokens_bound(), now));
  for (const Over& each : over) call.budgets.emplace_back(each.budget->id, each.standing.start);

  admission.reservation = reservation_of(call, bound.caller.tenant, output.was_cut, over);
  if (call.limited) {
    RateWindow after = used.window;
    after.add(now, 1, call.tokens_bound());
    admission.reservation.rate = rate_state(after, limits, now);
  }
  return admission;
}

Result<Settling> settle_call(const Accounts& accounts, const Settlement& settlement, TimeUs now) {
  const auto it = accounts.open.find(settlement.call);
  if (it == accounts.open.end()) {
    return fail(ErrorCode::kConflict,
                "The call is not under way: it was settled before, or its reservation expired and was charged.",
                {{"call", settlement.call}});
  }
  const CallReserved& call = it->second;
  if (settlement.outcome == Outcome::kInDoubt) return Settling{settle_in_doubt(call), {.cost = call.reserved}};
  Settling settling;
  CallSettled& settled = settling.settled;
  settled = {.call = call.call,
             .at = now,
             .outcome = settlement.outcome,
             .error = settlement.error,
             .usage = settlement.usage};
  settled.attempts = settlement.attempts;
  settled.reserved = call.reserved;
  settled.duration_us = settlement.duration_us;
  settled.first_token_us = settlement.first_token_us;
  // A call that never reached the provider, or that it refused, used nothing, not even the price of a request.
  const Usage& usage = settlement.usage;
  const bool nothing_used =
      usage.prompt_tokens <= 0 && usage.completion_tokens <= 0 && settlement.outcome != Outcome::kFinished;
  if (call.price && !nothing_used)
    settled.costs = costs_of(*call.price, usage);
  else if (usage.told_cost)
    settled.costs.other = std::max<NanoUsd>(*usage.told_cost, 0);
  settled.cost = settled.costs.total();
  const bool told = call.price && call.price->shipped && usage.told_cost;  // with its tools
  settled.unpriced = call.price && !nothing_used && !told && !unpriced_tool(*call.price, usage.tool_calls).empty();
  if (call.local && settled.cost > call.reserved) {
    settled.cost = call.reserved;
    settled.costs = {.other = settled.cost};
  }
  settled.overrun = call.price ? std::max<NanoUsd>(settled.cost - call.reserved, 0) : 0;
  settling.charge.cost = settled.cost;
  settling.charge.costs = settled.costs;
  settling.charge.overrun = settled.overrun;
  settling.charge.unpriced = settled.unpriced;
  for (const auto& [id, start] : call.budgets) {
    const auto budget = accounts.budgets.find(id);
    if (budget == accounts.budgets.end()) continue;
    const Standing standing = budget->second.at(now);
    const NanoUsd change = standing.start == start ? call.reserved - settled.cost : 0;
    settling.charge.budgets.push_back({id, budget->second.spec.name, standing.left() + change, standing.end});
  }
  return settling;
}

CallSettled settle_in_doubt(const CallReserved& call) {
  CallSettled settled;
  settled.call = call.call;
  settled.outcome = Outcome::kInDoubt;
  settled.usage.estimated = true;
  settled.cost = settled.reserved = call.reserved;
  settled.costs.other = settled.cost;
  return settled;
}

}  // namespace steward::ledger
