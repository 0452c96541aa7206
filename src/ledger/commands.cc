#include "ledger/commands.h"

#include "base/text.h"

namespace steward::ledger {
namespace {

using Drafts = Result<std::vector<journal::Draft>>;

Status require_admin(const identity::Caller& actor) {
  if (actor.admin && !actor.tenant.empty()) return {};
  return fail(ErrorCode::kForbidden,
              "This needs a key with the scope 'admin': 'steward keys new NAME --admin' makes one.",
              {{"needed", "admin"}});
}

std::unexpected<Error> invalid(std::string_view param, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", param}});
}

journal::Draft draft_of(const identity::Caller& actor, std::string stream, std::string kind, std::string body,
                        TimeUs now) {
  journal::Draft draft;
  draft.stream = std::move(stream);
  draft.kind = std::move(kind);
  draft.body = std::move(body);
  draft.time = now;
  draft.actor = actor.key ? actor.key->id : actor.principal;
  if (actor.key) draft.on_behalf_of = actor.principal;
  return draft;
}

std::string zone_of(const identity::Snapshot& identity, const Id& principal) {
  const auto it = identity.principals.find(principal);
  return it == identity.principals.end() ? std::string() : it->second.time_zone;
}

// Whose calls the budget bounds, and in whose time zone unless one is named: the person's, else the organisation's
// owner's, else UTC.
Result<std::string> zone_for_scope(const identity::Snapshot& identity, const BudgetCommand& command) {
  const Id& tenant = command.actor.tenant;
  const Id& scope = command.spec.scope;
  const auto unknown = [&] {
    return fail(ErrorCode::kNotFound, fmt::format("There is no '{}' here whose calls a budget could bound.", scope),
                {{"param", "scope"}});
  };
  std::string zone;
  if (!command.new_key_owner.empty()) {
    zone = zone_of(identity, command.new_key_owner);
  } else if (scope.starts_with("key_")) {
    const auto key = identity.keys.find(scope);
    if (key == identity.keys.end() || key->second->tenant != tenant) return unknown();
    zone = zone_of(identity, key->second->spec.owner);
  } else if (scope != tenant) {
    const auto principal = identity.principals.find(scope);
    if (principal == identity.principals.end() || principal->second.tenant != tenant) return unknown();
    zone = principal->second.time_zone;
  }
  if (const auto owner = identity.tenant_owner.find(tenant); zone.empty() && owner != identity.tenant_owner.end())
    zone = zone_of(identity, owner->second);
  return zone.empty() ? "UTC" : zone;
}

Status check(const BudgetSpec& spec) {
  if (spec.name.empty()) return invalid("name", "A budget needs a name by which people recognise it.");
  if (spec.name.size() > kBudgetNameLimit)
    return invalid("name", fmt::format("A budget's name has at most {} bytes.", kBudgetNameLimit));
  if (!is_valid_utf8(spec.name)) return fail(ErrorCode::kInvalidUtf8);
  if (spec.limit < 0 || spec.limit > kBudgetLimit)
    return invalid("limit", fmt::format("A budget's limit lies from $0 to {}.", to_usd_string(kBudgetLimit)));
  if (!find_zone(spec.time_zone))
    return invalid("time_zone", fmt::format("'{}' is no time zone; it is written like Europe/Berlin.", spec.time_zone));
  return {};
}

const BudgetState* find_by_name(const Accounts& accounts, const Id& scope, std::string_view name) {
  const auto ids = accounts.budgets_of.find(scope);
  if (ids == accounts.budgets_of.end()) return nullptr;
  for (const Id& id : ids->second) {
    const BudgetState& budget = accounts.budgets.at(id);
    if (budget.spec.name == name) return &budget;
  }
  return nullptr;
}

}  // namespace

Drafts decide_set_budget(const Accounts& accounts, const identity::Snapshot& identity, BudgetCommand& command,
                         TimeUs now) {
  if (auto ok = require_admin(command.actor); !ok) return fail(ok.error());
  BudgetSpec& spec = command.spec;
  const auto zone = zone_for_scope(identity, command);
  if (!zone) return fail(zone.error());
  if (spec.time_zone.empty()) spec.time_zone = *zone;
  if (auto ok = check(spec); !ok) return fail(ok.error());
  if (const BudgetState* known = find_by_name(accounts, spec.scope, spec.name)) {
    command.id = known->id;
  } else if (const auto of = accounts.budgets_of.find(spec.scope);
             of != accounts.budgets_of.end() && of->second.size() >= kBudgetsPerScope) {
    return invalid("scope",
                   fmt::format("There are {} budgets over this already; change or remove one.", kBudgetsPerScope));
  }
  const BudgetSet set{command.id, spec, period_at(spec.period, find_zone(spec.time_zone), now).start};
  return std::vector{draft_of(command.actor, "budget/" + command.id, "budget.set", encode(set), now)};
}

Drafts decide_remove_budget(const Accounts& accounts, const identity::Caller& actor, const Id& budget, TimeUs now) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  if (!accounts.budgets.contains(budget))
    return fail(ErrorCode::kNotFound, fmt::format("There is no budget '{}'.", budget), {{"id", budget}});
  return std::vector{draft_of(actor, "budget/" + budget, "budget.removed", "{}", now)};
}

Drafts decide_set_price(const identity::Caller& actor, std::string_view provider, std::string_view model, Price price,
                        TimeUs now) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  if (provider.empty() || provider.find('/') != std::string_view::npos)
    return invalid("provider", "A provider's name is needed, without a slash; 'local' is the embedded engine.");
  if (model.empty() || model.size() > kBudgetNameLimit)
    return invalid("model", "A model's name is needed, or the beginning of names and a star.");
  if (!is_valid_utf8(provider) || !is_valid_utf8(model)) return fail(ErrorCode::kInvalidUtf8);
  if (auto ok = check_price(price); !ok) return fail(ok.error());
  price.shipped = false;
  if (price.from < 0) return invalid("from", "The time from which the price holds is not valid.");
  if (price.from == 0) price.from = now;
  if (price.source.empty()) price.source = "owner";
  const PriceSet set{fmt::format("{}/{}", provider, model), price};
  return std::vector{draft_of(actor, "price/" + actor.tenant, "price.set", encode(set), now)};
}

Budget show(const BudgetState& budget, const Id& tenant, TimeUs now) {
  const Standing standing = budget.at(now);
  return {budget.id,    tenant,         budget.spec,       standing.start,
          standing.end, standing.spent, standing.reserved, standing.overrun};
}

Budget budget_after(const Accounts& accounts, const BudgetCommand& command, TimeUs now) {
  BudgetState budget;
  if (const auto it = accounts.budgets.find(command.id); it != accounts.budgets.end())
    budget = it->second;
  else
    budget.period_start = period_at(command.spec.period, find_zone(command.spec.time_zone), now).start;
  budget.id = command.id;
  budget.spec = command.spec;
  budget.zone = find_zone(command.spec.time_zone);
  budget.present = {};
  return show(budget, command.actor.tenant, now);
}

}  // namespace steward::ledger
