#include "ledger/ledger.h"

#include <future>
#include <mutex>

#include "base/crash_point.h"
#include "ledger/admission.h"
#include "ledger/commands.h"
#include "ledger/price_cache.h"
#include "ledger/state.h"
#include "ledger/view.h"

namespace steward::ledger {
namespace {

constexpr size_t kSweepLimit = 500;   // reservations charged in one append
constexpr size_t kMostOwed = 10'000;  // settlements that wait for the journal

class JournaledLedger final : public Ledger {
 public:
  JournaledLedger(journal::Journal& journal, identity::Identity& identity, std::map<std::string, Price> defaults,
                  Clock& clock, Random& random, Log log)
      : journal_(journal), identity_(identity), clock_(clock), ids_(clock, random), log_(std::move(log)) {
    set_default_prices(std::move(defaults));
  }

  journal::Fold& fold() override { return state_; }
  std::vector<journal::View*> views() override { return {&view_}; }

  Task<Result<Reservation>> reserve(CallBound bound) override;
  Task<Result<Charge>> settle(Settlement settlement) override;
  Result<size_t> recover(TimeUs started_at) override;
  Task<Result<size_t>> expire() override;
  Task<Result<identity::NewKey>> create_key(identity::Caller actor, identity::KeySpec spec,
                                            std::vector<BudgetSpec> budgets) override;
  Task<Result<Budget>> set_budget(identity::Caller actor, BudgetSpec spec) override;
  Task<Status> remove_budget(identity::Caller actor, Id budget) override;
  Task<Result<std::vector<Budget>>> budgets(Id tenant) override;
  Task<Status> set_price(identity::Caller actor, std::string provider, std::string model, Price price) override;
  void set_default_prices(std::map<std::string, Price> defaults) override;
  std::optional<Price> price(const Id& tenant, std::string_view provider, std::string_view model) const override;
  std::map<std::string, Price> prices(const Id& tenant) const override;
  void set_provider_kinds(std::map<std::string, std::string> kinds) override;
  std::optional<ModelFacts> find_model_facts(std::string_view provider, std::string_view model) const override;

 private:
  Result<std::vector<journal::Draft>> sweep(const Id& tenant, TimeUs reserved_before, TimeUs expired_at);
  void owe(Settlement settlement);
  Task<void> settle_what_is_owed();
  Result<size_t> recover_tenant(const Id& tenant, TimeUs started_at);

  journal::Journal& journal_;
  identity::Identity& identity_;
  Clock& clock_;
  IdMaker ids_;
  Log log_;
  State state_;
  LedgerView view_;
  std::mutex owed_mutex_;
  std::vector<Settlement> owed_;  // that the journal did not take; their calls are still reserved
  std::shared_ptr<const ShippedModel> find_in_table(std::string_view provider, std::string_view model) const;
  Price with_tools(Price set, std::string_view provider, std::string_view model) const;

  std::atomic<std::shared_ptr<const PriceBook>> defaults_;
  mutable ShippedCache shipped_;
  std::atomic<std::shared_ptr<const std::map<std::string, std::string>>> kinds_{
      std::make_shared<const std::map<std::string, std::string>>()};
};

journal::Draft call_draft(const Id& call, std::string kind, std::string body, TimeUs now) {
  journal::Draft draft;
  draft.stream = "call/" + call;
  draft.kind = std::move(kind);
  draft.body = std::move(body);
  draft.time = now;
  return draft;
}

journal::Draft settled_draft(const CallReserved& call, const CallSettled& settled, TimeUs now) {
  journal::Draft draft = call_draft(call.call, "call.settled", encode(settled), now);
  draft.actor = call.key.empty() ? call.owner : call.key;
  if (!call.key.empty()) draft.on_behalf_of = call.owner;
  draft.expected_version = 1;  // after its reservation, and only once
  return draft;
}

struct ReserveCommand {
  CallBound bound;
  Reservation reservation;
};

Task<Result<Reservation>> JournaledLedger::reserve(CallBound bound) {
  const Id tenant = bound.caller.tenant;
  auto command = std::make_shared<ReserveCommand>(ReserveCommand{std::move(bound), {}});
  journal::Decision decide = [this, command]() -> Result<std::vector<journal::Draft>> {
    const CallBound& asked = command->bound;
    const TimeUs now = clock_.now_us();
    auto admission = admit(state_.accounts(asked.caller.tenant), *identity_.snapshot(), asked, now);
    if (!admission) return fail(std::move(admission.error()));
    const CallReserved& call = admission->call;
    journal::Draft draft = call_draft(call.call, "call.reserved", encode(call), now);
    draft.actor = call.key.empty() ? call.owner : call.key;
    if (!call.key.empty()) draft.on_behalf_of = call.owner;
    draft.expected_version = 0;
    command->reservation = std::move(admission->reservation);
    return std::vector{std::move(draft)};
  };
  auto appended = co_await journal_.decide(tenant, std::move(decide));
  if (!appended) co_return fail(std::move(appended.error()));
  crash_point("after_reserve");
  command->reservation.seq = appended->last_seq();
  co_return std::move(command->reservation);
}

struct SettleCommand {
  Settlement settlement;
  Charge charge;
};

Task<Result<Charge>> JournaledLedger::settle(Settlement settlement) {
  crash_point("before_settle");
  const Id tenant = settlement.tenant;
  auto command = std::make_shared<SettleCommand>(SettleCommand{std::move(settlement), {}});
  journal::Decision decide = [this, command]() -> Result<std::vector<journal::Draft>> {
    const Settlement& asked = command->settlement;
    const TimeUs now = clock_.now_us();
    Accounts& accounts = state_.accounts(asked.tenant);
    auto settling = settle_call(accounts, asked, now);
    if (!settling) return fail(std::move(settling.error()));
    command->charge = std::move(settling->charge);
    return std::vector{settled_draft(accounts.open.at(asked.call), settling->settled, now)};
  };
  auto appended = co_await journal_.decide(tenant, std::move(decide));
  if (!appended) {
    if (appended.error().code == ErrorCode::kStoreUnavailable) owe(std::move(command->settlement));
    co_return fail(std::move(appended.error()));
  }
  crash_point("after_settle");
  if (command->charge.overrun > 0) {
    log_.warn("a provider reported more than was reserved",
              {{"tenant", tenant}, {"call", command->settlement.call}, {"overrun_nanousd", command->charge.overrun}});
  }
  co_return std::move(command->charge);
}

// Tried again by expire(), so that a call is charged what it used once the journal takes records again. What goes with
// the process, or is too much, is charged at its bound.
void JournaledLedger::owe(Settlement settlement) {
  const std::lock_guard lock(owed_mutex_);
  if (owed_.size() < kMostOwed) owed_.push_back(std::move(settlement));
}

Task<void> JournaledLedger::settle_what_is_owed() {
  std::vector<Settlement> owed;
  {
    const std::lock_guard lock(owed_mutex_);
    owed.swap(owed_);
  }
  for (auto& settlement : owed) {
    if (auto charge = co_await settle(std::move(settlement)); !charge)
      log_.warn("a call could not be settled yet", {{"code", info(charge.error().code).name}});
  }
}

// Charges at their bound what was reserved before a time, and what has expired by a time (0: not asked).
Result<std::vector<journal::Draft>> JournaledLedger::sweep(const Id& tenant, TimeUs reserved_before,
                                                           TimeUs expired_at) {
  const TimeUs now = clock_.now_us();
  std::vector<journal::Draft> drafts;
  Accounts& accounts = state_.accounts(tenant);
  TimeUs next_expiry = 0;
  for (const auto& [id, call] : accounts.open) {
    const bool left_over = call.at < reserved_before && !call.posted;
    const bool expired = expired_at != 0 && call.expires_at != 0 && call.expires_at <= expired_at;
    if ((left_over || expired) && drafts.size() < kSweepLimit)
      drafts.push_back(settled_draft(call, settle_in_doubt(call), now));
    else if (call.expires_at != 0 && (next_expiry == 0 || call.expires_at < next_expiry))
      next_expiry = call.expires_at;
  }
  accounts.next_expiry = next_expiry;
  return drafts;
}

Result<size_t> JournaledLedger::recover_tenant(const Id& tenant, TimeUs started_at) {
  size_t charged = 0;
  while (true) {
    auto done = std::make_shared<std::promise<Result<journal::Appended>>>();
    auto answer = done->get_future();
    journal_.submit(
        tenant, [this, tenant, started_at] { return sweep(tenant, started_at, 0); },
        [done](Result<journal::Appended> appended) { done->set_value(std::move(appended)); });
    auto appended = answer.get();
    if (!appended) return fail(appended.error());
    charged += appended->records.size();
    if (appended->records.size() < kSweepLimit) return charged;
  }
}

Result<size_t> JournaledLedger::recover(TimeUs started_at) {
  size_t charged = 0;
  for (const Id& tenant : journal_.tenants()) {
    auto of_tenant = recover_tenant(tenant, started_at);
    if (!of_tenant) return of_tenant;
    charged += *of_tenant;
  }
  if (charged > 0)
    log_.warn("calls that an earlier process left unsettled were charged at their bound", {{"calls", charged}});
  return charged;
}

Task<Result<size_t>> JournaledLedger::expire() {
  co_await settle_what_is_owed();
  size_t charged = 0;
  const std::vector<Id> tenants = journal_.tenants();
  for (const Id& tenant : tenants) {
    journal::Decision decide = [this, tenant]() -> Result<std::vector<journal::Draft>> {
      const TimeUs now = clock_.now_us(), next = state_.accounts(tenant).next_expiry;
      if (next == 0 || next > now) return std::vector<journal::Draft>{};
      return sweep(tenant, 0, now);
    };
    auto appended = co_await journal_.decide(tenant, std::move(decide));
    if (!appended) co_return fail(appended.error());
    charged += appended->records.size();
  }
  if (charged > 0) log_.warn("reservations expired and were charged at their bound", {{"calls", charged}});
  co_return charged;
}

Task<Result<identity::NewKey>> JournaledLedger::create_key(identity::Caller actor, identity::KeySpec spec,
                                                           std::vector<BudgetSpec> budgets) {
  identity::AlsoAppend also =
      [this, actor, budgets = std::move(budgets)](const identity::Key& key) -> Result<std::vector<journal::Draft>> {
    const auto snapshot = identity_.snapshot();
    std::vector<journal::Draft> drafts;
    for (BudgetSpec budget : budgets) {
      budget.scope = key.id;
      BudgetCommand command{actor, std::move(budget), ids_.make("bud"), key.spec.owner};
      auto more = decide_set_budget(state_.accounts(actor.tenant), *snapshot, command, clock_.now_us());
      if (!more) return fail(more.error());
      std::ranges::move(*more, std::back_inserter(drafts));
    }
    return drafts;
  };
  co_return co_await identity_.create_key(actor, std::move(spec), std::move(also));
}

Task<Result<Budget>> JournaledLedger::set_budget(identity::Caller actor, BudgetSpec spec) {
  auto command = std::make_shared<BudgetCommand>(BudgetCommand{actor, std::move(spec), ids_.make("bud"), {}});
  auto budget = std::make_shared<Budget>();
  journal::Decision decide = [this, command, budget]() -> Result<std::vector<journal::Draft>> {
    Accounts& accounts = state_.accounts(command->actor.tenant);
    const TimeUs now = clock_.now_us();
    auto drafts = decide_set_budget(accounts, *identity_.snapshot(), *command, now);
    if (drafts) *budget = budget_after(accounts, *command, now);
    return drafts;
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return *budget;
}

Task<Status> JournaledLedger::remove_budget(identity::Caller actor, Id budget) {
  journal::Decision decide = [this, actor, budget] {
    return decide_remove_budget(state_.accounts(actor.tenant), actor, budget, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

Task<Result<std::vector<Budget>>> JournaledLedger::budgets(Id tenant) {
  auto all = std::make_shared<std::vector<Budget>>();
  journal::Decision decide = [this, tenant, all]() -> Result<std::vector<journal::Draft>> {
    const TimeUs now = clock_.now_us();
    for (const auto& [id, budget] : state_.accounts(tenant).budgets) all->push_back(show(budget, tenant, now));
    return std::vector<journal::Draft>{};
  };
  auto read = co_await journal_.decide(tenant, std::move(decide));
  if (!read) co_return fail(read.error());
  std::ranges::sort(*all, {}, &Budget::id);
  co_return std::move(*all);
}

Task<Status> JournaledLedger::set_price(identity::Caller actor, std::string provider, std::string model, Price price) {
  journal::Decision decide = [this, actor, provider = std::move(provider), model = std::move(model), price] {
    return decide_set_price(actor, provider, model, price, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

void JournaledLedger::set_default_prices(std::map<std::string, Price> defaults) {
  PriceBook book;
  for (auto& [model, price] : defaults) {
    if (price.source.empty()) price.source = "config";
    book.set(model, price);
  }
  defaults_.store(std::make_shared<const PriceBook>(std::move(book)));
}

std::optional<Price> JournaledLedger::price(const Id& tenant, std::string_view provider, std::string_view model) const {
  const TimeUs now = clock_.now_us();
  const auto own = state_.prices(tenant);  // held: another price may be set meanwhile, and takes this book's place
  if (const Price* set = own->find(provider, model, now)) return with_tools(*set, provider, model);
  const auto defaults = defaults_.load();
  if (const Price* configured = defaults->find(provider, model, now)) return with_tools(*configured, provider, model);
  if (provider == "local") return Price{.source = "local"};
  if (const auto shipped = find_in_table(provider, model)) return shipped->price;
  return std::nullopt;
}

// What a provider takes for its tools it takes with any price of its tokens: where a price that was set doesn't say,
// the shipped table does.
Price JournaledLedger::with_tools(Price set, std::string_view provider, std::string_view model) const {
  if (const auto shipped = find_in_table(provider, model))
    set.tools.insert(shipped->price.tools.begin(), shipped->price.tools.end());
  return set;
}

std::map<std::string, Price> JournaledLedger::prices(const Id& tenant) const {
  const TimeUs now = clock_.now_us();
  std::map<std::string, Price> all;
  const auto defaults = defaults_.load();
  const auto own = state_.prices(tenant);
  for (const PriceBook* book : {defaults.get(), own.get()}) {
    for (const auto& [model, dated] : book->all()) {
      if (const Price* price = book->exact(model, now)) all[model] = *price;
    }
  }
  return all;
}

void JournaledLedger::set_provider_kinds(std::map<std::string, std::string> kinds) {
  kinds_.store(std::make_shared<const std::map<std::string, std::string>>(std::move(kinds)));
}

std::shared_ptr<const ShippedModel> JournaledLedger::find_in_table(std::string_view provider,
                                                                   std::string_view model) const {
  if (provider == "local") return nullptr;
  const auto kinds = kinds_.load();
  const auto kind = kinds->find(std::string(provider));
  return shipped_.find(kind == kinds->end() ? provider : kind->second, model, clock_.now_us());
}

std::optional<ModelFacts> JournaledLedger::find_model_facts(std::string_view provider, std::string_view model) const {
  const auto found = find_in_table(provider, model);
  if (!found) return std::nullopt;
  return found->facts;
}

}  // namespace

std::unique_ptr<Ledger> make_ledger(journal::Journal& journal, identity::Identity& identity,
                                    std::map<std::string, Price> defaults, Clock& clock, Random& random, Log log) {
  return std::make_unique<JournaledLedger>(journal, identity, std::move(defaults), clock, random, std::move(log));
}

}  // namespace steward::ledger
