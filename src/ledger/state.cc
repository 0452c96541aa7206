#include "ledger/state.h"

#include "base/json.h"
#include "ledger/view.h"

namespace steward::ledger {

const Span& BudgetState::span(TimeUs now) const {
  const bool known = present.start != 0 || present.end != 0;
  if (!known || !present.holds(now)) present = period_at(spec.period, zone ? zone : find_zone("UTC"), now);
  return present;
}

Standing BudgetState::at(TimeUs now) const {
  const Span& today = span(now);
  if (today.start > period_start) return {.start = today.start, .end = today.end, .limit = spec.limit};
  return {period_start, today.end, spec.limit, spent, reserved, overrun, blocked};
}

void Accounts::put(BudgetState budget) {
  budget.zone = find_zone(budget.spec.time_zone);
  if (!budgets.contains(budget.id)) budgets_of[budget.spec.scope].push_back(budget.id);
  budgets[budget.id] = std::move(budget);
}

void Accounts::remove_budget(const Id& id) {
  const auto it = budgets.find(id);
  if (it == budgets.end()) return;
  std::erase(budgets_of[it->second.spec.scope], id);
  budgets.erase(it);
}

void Accounts::reserve(CallReserved call) {
  for (const auto& [id, start] : call.budgets) {
    const auto it = budgets.find(id);
    if (it == budgets.end()) continue;
    BudgetState& budget = it->second;
    if (start > budget.period_start) {  // the first call of a new period
      budget.period_start = start;
      budget.spent = budget.reserved = budget.overrun = 0;
      budget.blocked = false;
    }
    if (start == budget.period_start) budget.reserved += call.reserved;
  }
  if (!call.key.empty()) {
    KeyState& key = keys[call.key];
    key.under_way += call.posted ? 0 : 1;
    if (call.limited) {
      key.window.add(call.at, 1, call.tokens_bound());
      key.window.drop_older(call.at);
    }
  }
  last_reserved_at = std::max(last_reserved_at, call.at);
  if (call.expires_at != 0 && (next_expiry == 0 || call.expires_at < next_expiry)) next_expiry = call.expires_at;
  Id id = call.call;
  open.insert_or_assign(std::move(id), std::move(call));
}

void Accounts::settle(const CallSettled& settled) {
  const auto found = open.find(settled.call);
  if (found == open.end()) return;
  const CallReserved& call = found->second;
  for (const auto& [id, start] : call.budgets) {
    const auto it = budgets.find(id);
    if (it == budgets.end() || it->second.period_start != start) continue;  // charged to a period that is over
    it->second.reserved -= call.reserved;
    it->second.spent += settled.cost;
    it->second.overrun += settled.overrun;
    if (settled.overrun > 0) it->second.blocked = true;
  }
  if (const auto key = keys.find(call.key); key != keys.end()) {
    key->second.under_way -= call.posted ? 0 : 1;
    if (call.limited && settled.outcome != Outcome::kInDoubt) {
      key->second.window.correct(call.at,
                                 settled.usage.prompt_tokens + settled.usage.completion_tokens - call.tokens_bound());
    }
    if (key->second.under_way == 0 && key->second.window.empty()) keys.erase(key);
  }
  open.erase(found);
}

void State::reset() {
  tenants_.clear();
  prices_.store(std::make_shared<const PriceBooks>());
}

journal::Seq State::load(journal::Db& views, const Id& tenant) {
  const journal::Seq seq = journal::stored_seq(views, LedgerView::kName, LedgerView::kVersion, tenant);
  if (seq == 0) return 0;
  load_accounts(views, tenant, accounts(tenant));
  for (const auto& set : load_prices(views, tenant)) set_price(tenant, set);
  return seq;
}

void State::apply(const journal::Record& record) {
  if (record.erased) return;  // the ledger's kinds are kept; one erased all the same counts nothing
  if (record.kind == "call.reserved") {
    accounts(record.tenant).reserve(reader_.reserved(record));
  } else if (record.kind == "call.settled") {
    accounts(record.tenant).settle(reader_.settled(record));
  } else if (record.kind == "budget.set") {
    const BudgetSet set = decode_budget_set(record);
    Accounts& all = accounts(record.tenant);
    const auto it = all.budgets.find(set.budget);
    BudgetState budget =
        it == all.budgets.end() ? BudgetState{.id = set.budget, .period_start = set.period_start} : it->second;
    budget.spec = set.spec;
    budget.blocked = false;
    budget.present = {};
    all.put(std::move(budget));
  } else if (record.kind == "budget.removed") {
    accounts(record.tenant).remove_budget(record.stream.substr(record.stream.find('/') + 1));
  } else if (record.kind == "price.set") {
    set_price(record.tenant, decode_price_set(record));
  }
}

void State::set_price(const Id& tenant, const PriceSet& set) {
  PriceBooks books = *prices_.load();
  PriceBook book = books.contains(tenant) ? *books.at(tenant) : PriceBook();
  book.set(set.model_key, set.price);
  books[tenant] = std::make_shared<const PriceBook>(std::move(book));
  prices_.store(std::make_shared<const PriceBooks>(std::move(books)));
}

std::shared_ptr<const PriceBook> State::prices(const Id& tenant) const {
  const auto books = prices_.load();
  const auto it = books->find(tenant);
  return it == books->end() ? std::make_shared<const PriceBook>() : it->second;
}

std::vector<Id> State::tenants() const {
  std::vector<Id> ids;
  for (const auto& [id, accounts] : tenants_) ids.push_back(id);
  return ids;
}

namespace {
Json dump_window(const RateWindow& window, TimeUs last) {
  Json entries = Json::array();
  for (const auto& entry : window.entries()) {
    if (entry.slice >= rate_slice(last) - kRateSlices) entries.push_back({entry.slice, entry.requests, entry.tokens});
  }
  return entries;
}

// JSON keeps the order in which members come, and a hash table has none.
template <class Value>
std::map<Id, const Value*> sorted(const std::unordered_map<Id, Value>& table) {
  std::map<Id, const Value*> all;
  for (const auto& [id, value] : table) all.emplace(id, &value);
  return all;
}

Json dump_accounts(const Accounts& accounts) {
  Json all = Json::object();
  for (const auto& [id, budget] : sorted(accounts.budgets)) {
    all["budgets"][id] = {encode(BudgetSet{id, budget->spec, budget->period_start}), budget->spent, budget->reserved,
                          budget->overrun, budget->blocked};
  }
  for (const auto& [scope, ids] : sorted(accounts.budgets_of)) {
    if (!ids->empty()) all["scopes"][scope] = *ids;
  }
  for (const auto& [id, call] : sorted(accounts.open)) all["open"][id] = {call->at, encode(*call)};
  for (const auto& [id, key] : sorted(accounts.keys)) {
    const Json window = dump_window(key->window, accounts.last_reserved_at);
    if (key->under_way != 0 || !window.empty()) all["keys"][id] = {key->under_way, window};
  }
  return all;
}
}  // namespace

std::string State::dump() const {
  Json all = Json::object();
  for (const auto& [id, accounts] : sorted(tenants_)) {
    if (Json dumped = dump_accounts(*accounts); !dumped.empty()) all[id] = std::move(dumped);
  }
  for (const auto& [tenant, book] : *prices_.load()) {
    for (const auto& [model, dated] : book->all()) {
      for (const auto& price : dated) all["prices"][tenant].push_back(encode(PriceSet{model, price}));
    }
  }
  return all.dump();
}

}  // namespace steward::ledger
