// The ledger's laws on random histories, against a model that keeps every call in a list and adds it all up anew for
// each question:
//   conservation   spent = sum of charges, reserved = sum of open bounds, in each budget's present period
//   the wall       without an overrun never spent + reserved > limit
//   no false refusal   refused only if the worst case truly did not fit
//   replay = live  the fold from the tables plus the tail equals the live one and one from nothing, byte for byte
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "journal/testing.h"
#include "ledger/admission.h"
#include "ledger/commands.h"
#include "ledger/view.h"

namespace steward::ledger {
namespace {

constexpr TimeUs kStart = 1'764'000'000'000'000;
constexpr DurationUs kMinuteUs = 60 * kSecondUs, kHourUs = 60 * kMinuteUs;
const Id kTenant = "ten_a", kTeam = "team_a", kUser = "usr_a";

// Over its whole range from the first history on (rapidcheck would begin with small numbers).
template <class T>
rc::Gen<T> in_range(T from, T to) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(from, to));
}

struct Call {
  Id id;
  Id key;
  TimeUs at = 0;
  NanoUsd bound = 0, cost = 0, overrun = 0;
  int64_t tokens = 0;
  bool open = true;
  std::vector<std::pair<Id, TimeUs>> budgets;
  size_t settled_seq = 0;
};

// The naive side.
struct Model {
  std::map<Id, BudgetSpec> budgets;
  std::map<Id, size_t> set_seq;  // of the record that last set the budget: an overrun before stops nothing
  std::vector<Call> calls;

  TimeUs start_of(const Id& budget, TimeUs now) const {
    return period_at(budgets.at(budget).period, find_zone("UTC"), now).start;
  }
  bool blocked(const Id& budget, TimeUs start) const {
    return std::ranges::any_of(calls, [&](const Call& call) {
      return call.overrun > 0 && call.settled_seq > set_seq.at(budget) &&
             std::ranges::find(call.budgets, std::pair(budget, start)) != call.budgets.end();
    });
  }
  template <class Value>
  NanoUsd sum(const Id& budget, TimeUs start, Value value) const {
    NanoUsd total = 0;
    for (const Call& call : calls) {
      for (const auto& [id, period] : call.budgets) total += id == budget && period == start ? value(call) : 0;
    }
    return total;
  }
  NanoUsd spent(const Id& b, TimeUs s) const {
    return sum(b, s, [](const Call& c) { return c.cost; });
  }
  NanoUsd reserved(const Id& b, TimeUs s) const {
    return sum(b, s, [](const Call& c) { return c.open ? c.bound : 0; });
  }
  NanoUsd overrun(const Id& b, TimeUs s) const {
    return sum(b, s, [](const Call& c) { return c.overrun; });
  }
};

// One history: decisions on the real fold, records kept, the model beside.
class World {
 public:
  World() {
    for (const char* id : {"key_a", "key_b"}) {
      auto key = std::make_shared<identity::Key>();
      key->id = id;
      key->tenant = kTenant;
      key->spec.owner = kUser;
      if (key->id == "key_a")
        key->spec.team = kTeam;
      else
        key->spec.limits = {.requests_per_minute = 5, .tokens_per_minute = 300, .concurrency = 3};
      identity.keys[key->id] = key;
    }
    identity.principals[kUser] = {.id = kUser, .tenant = kTenant};
    identity.principals[kTeam] = {.id = kTeam, .kind = identity::PrincipalKind::kTeam, .tenant = kTenant};
    identity.tenant_owner[kTenant] = kUser;
    admin = {.tenant = kTenant, .principal = kUser, .key = nullptr, .admin = true};
  }

  void append(const journal::Draft& draft) {
    journal::Record record;
    record.tenant = kTenant;
    record.seq = records.size() + 1;
    record.stream = draft.stream;
    record.kind = draft.kind;
    record.body = draft.body;
    record.time = now;
    records.push_back(record);
    drafts.push_back(draft);
    drafts.back().time = now;
    state.apply(record);
  }
  void append(std::string stream, std::string kind, std::string body) {
    append({.stream = std::move(stream), .kind = std::move(kind), .body = std::move(body)});
  }

  void set_budget();
  void remove_budget();
  void reserve();
  void settle();
  void recover();
  void check();
  bool fits(const CallBound& bound, NanoUsd needed, int64_t tokens);

  identity::Snapshot identity;
  identity::Caller admin;
  TimeUs now = kStart;
  State state;
  Model model;
  std::vector<journal::Record> records;
  std::vector<journal::Draft> drafts;
  int next = 0;
};

void World::set_budget() {
  BudgetCommand command;
  command.actor = admin;
  command.id = fmt::format("bud_{}", next++);
  command.spec.name = *rc::gen::elementOf(std::vector<std::string>{"x", "y"});
  command.spec.scope = *rc::gen::elementOf(std::vector<Id>{kTenant, kTeam, kUser, "key_a", "key_b"});
  command.spec.limit = 1'000 * *in_range<NanoUsd>(0, 400);  // round, so that some calls fit exactly
  command.spec.time_zone = "UTC";
  // Changing the kind of period has its own test; here a name keeps its kind.
  command.spec.period = command.spec.name == "x" ? Period::kDay : Period::kForever;
  const auto made = decide_set_budget(state.accounts(kTenant), identity, command, now);
  RC_ASSERT(made.has_value());
  append(made->front());
  model.budgets[command.id] = command.spec;
  model.set_seq[command.id] = records.size();
}

void World::remove_budget() {
  if (model.budgets.empty()) return;
  const auto it = std::next(model.budgets.begin(), *in_range<size_t>(0, model.budgets.size()));
  append(decide_remove_budget(state.accounts(kTenant), admin, it->first, now)->front());
  model.budgets.erase(it);
}

// Whether the call fits, from the list of all calls alone.
bool World::fits(const CallBound& bound, NanoUsd needed, int64_t tokens) {
  const identity::Key& key = *bound.caller.key;
  for (const auto& [id, spec] : model.budgets) {
    const bool over =
        spec.scope == kTenant || spec.scope == key.spec.owner || spec.scope == key.id || spec.scope == key.spec.team;
    if (!over || needed == 0) continue;
    const TimeUs start = model.start_of(id, now);
    if (model.spent(id, start) + model.reserved(id, start) + needed > spec.limit) return false;
    if (model.blocked(id, start)) return false;
  }
  const auto& limits = key.spec.limits;
  int64_t requests = 0, used = 0, under_way = 0;
  for (const Call& call : model.calls) {
    if (call.key != key.id) continue;
    under_way += call.open;
    if (rate_slice(now) - rate_slice(call.at) > kRateSlices) continue;
    ++requests;
    used += call.tokens;
  }
  if (limits.concurrency > 0 && under_way >= limits.concurrency) return false;
  if (limits.requests_per_minute > 0 && requests >= limits.requests_per_minute) return false;
  return limits.tokens_per_minute == 0 || used + tokens <= limits.tokens_per_minute;
}

void World::reserve() {
  CallBound bound;
  bound.call = fmt::format("call_{}", next++);
  bound.caller = {.tenant = kTenant,
                  .principal = kUser,
                  .key = identity.keys.at(*rc::gen::elementOf(std::vector<Id>{"key_a", "key_b"}))};
  bound.model = "m\"\\é";
  bound.provider = "p";
  bound.endpoint = "chat";
  bound.price = Price{.input = 1'000'000, .output = *rc::gen::element<PicoUsd>(2'000'000, 1'234'567)};
  bound.input_tokens_bound = *in_range<int64_t>(0, 40);
  bound.n = *in_range<int64_t>(1, 3);
  bound.output_cap = 60;
  if (*rc::gen::arbitrary<bool>()) bound.requested_output_tokens = *in_range<int64_t>(0, 60);
  bound.local = *in_range<int>(0, 3) == 0;
  bound.expires_at = now + kHourUs;
  const auto admission = admit(state.accounts(kTenant), identity, bound, now);
  // Without a limit of the caller's it is refused only if not even one token fits.
  const int64_t least = bound.requested_output_tokens.value_or(1);
  const auto worth = [&](int64_t output) {
    return fits(bound, worst_cost(*bound.price, bound.input_tokens_bound, bound.n, output),
                bound.input_tokens_bound + bound.n * output);
  };
  RC_ASSERT(admission.has_value() == worth(least));
  if (!admission) return;
  const int64_t output = admission->call.output;
  RC_ASSERT(worth(output));
  if (!bound.requested_output_tokens) RC_ASSERT(output == bound.output_cap || !worth(output + 1));
  append("call/" + bound.call, "call.reserved", encode(admission->call));
  model.calls.push_back({bound.call, bound.caller.key->id, now, admission->call.reserved, 0, 0,
                         admission->call.tokens_bound(), true, admission->call.budgets});
}

void World::settle() {
  std::vector<Call*> open;
  for (Call& call : model.calls) {
    if (call.open) open.push_back(&call);
  }
  if (open.empty()) return;
  Call& call = *open[*in_range<size_t>(0, open.size())];
  const CallReserved reserved = state.accounts(kTenant).open.at(call.id);
  Settlement settlement{.call = call.id, .tenant = kTenant};
  settlement.usage.prompt_tokens = *in_range<int64_t>(0, reserved.input_bound + 1);
  const bool beyond = *in_range<int>(0, 6) == 0;
  settlement.usage.completion_tokens = beyond ? reserved.n * reserved.output + *in_range<int64_t>(1, 50)
                                              : *in_range<int64_t>(0, reserved.n * reserved.output + 1);
  settlement.outcome = *rc::gen::element(Outcome::kFinished, Outcome::kClientGone, Outcome::kUpstreamFailed);
  const auto settling = settle_call(state.accounts(kTenant), settlement, now);
  RC_ASSERT(settling.has_value());
  const NanoUsd worth = cost_of(*reserved.price, settlement.usage);
  RC_ASSERT(settling->charge.cost == (reserved.local ? std::min(worth, call.bound) : worth));
  RC_ASSERT(!reserved.local || settling->charge.overrun == 0);
  append("call/" + call.id, "call.settled", encode(settling->settled));
  call.open = false;
  call.settled_seq = records.size();
  call.cost = settling->charge.cost;
  call.overrun = std::max<NanoUsd>(call.cost - call.bound, 0);
  call.tokens = settlement.usage.prompt_tokens + settlement.usage.completion_tokens;
  RC_ASSERT(!settle_call(state.accounts(kTenant), settlement, now).has_value());
}

// What a start after a crash does with what is open.
void World::recover() {
  std::vector<CallReserved> open;
  for (const auto& [id, call] : state.accounts(kTenant).open) open.push_back(call);
  for (const auto& reserved : open) {
    append("call/" + reserved.call, "call.settled", encode(settle_in_doubt(reserved)));
    Call& call = *std::ranges::find(model.calls, reserved.call, &Call::id);
    RC_ASSERT(call.open);
    call.open = false;
    call.cost = call.bound;
  }
  RC_ASSERT(state.accounts(kTenant).open.empty());
}

void World::check() {
  for (const auto& [id, spec] : model.budgets) {
    const Standing standing = state.accounts(kTenant).budgets.at(id).at(now);
    const TimeUs start = model.start_of(id, now);
    RC_ASSERT(standing.start == start);
    RC_ASSERT(standing.spent == model.spent(id, start));
    RC_ASSERT(standing.reserved == model.reserved(id, start));
    RC_ASSERT(standing.overrun == model.overrun(id, start));
  }
}

void live_a_while(World& world, size_t steps) {
  for (size_t i = 0; i < steps; ++i) {
    world.now += *rc::gen::weightedOneOf<DurationUs>({{6, in_range<DurationUs>(0, 5 * kSecondUs)},
                                                      {2, in_range<DurationUs>(0, kMinuteUs)},
                                                      {1, in_range<DurationUs>(0, 20 * kHourUs)}});
    switch (*rc::gen::weightedElement<int>({{2, 0}, {1, 1}, {12, 2}, {9, 3}, {1, 4}})) {
      case 0: world.set_budget(); break;
      case 1:
        if (*in_range<int>(0, 4) == 0) world.remove_budget();
        break;
      case 2: world.reserve(); break;
      case 3: world.settle(); break;
      default:
        if (*in_range<int>(0, 4) == 0) world.recover();
        break;
    }
    world.check();
  }
}

RC_GTEST_PROP(LedgerLaw, MoneyIsConservedAndTheWallHolds, ()) {
  World world;
  live_a_while(world, *in_range<size_t>(1, 80));
  world.recover();
  world.check();
  // Over the whole history: every call is charged once, and within its bound but for what was told as overrun.
  NanoUsd charged = 0;
  std::map<Id, int> settlements;
  CallReader reader;
  for (const auto& record : world.records) {
    if (record.kind != "call.settled") continue;
    const CallSettled settled = reader.settled(record);
    charged += settled.cost;
    RC_ASSERT(++settlements[settled.call] == 1);
    RC_ASSERT(settled.cost <= settled.reserved + settled.overrun);
  }
  NanoUsd expected = 0;
  for (const Call& call : world.model.calls) expected += call.cost;
  RC_ASSERT(charged == expected);
  RC_ASSERT(settlements.size() == world.model.calls.size());
}

RC_GTEST_PROP(LedgerLaw, AFoldFromNothingIsTheLiveOne, ()) {
  World world;
  live_a_while(world, *in_range<size_t>(1, 80));
  State again;
  for (const auto& record : world.records) again.apply(record);
  RC_ASSERT(again.dump() == world.state.dump());
}

// Through a real journal and real tables, of which there is one for every history: so fewer of them.
TEST(LedgerLawOnDisk, AFoldFromTablesAndTailIsTheLiveOne) {
  const bool held = rc::check([] {
    World world;
    live_a_while(world, *in_range<size_t>(1, 60));
    journal::TestHome home;
    LedgerView view;
    State live;
    home.journal().add_fold(live);
    home.views().add(view);
    home.start();
    const size_t cut = *in_range<size_t>(0, world.drafts.size() + 1);
    for (size_t i = 0; i < cut; ++i) RC_ASSERT(home.append(kTenant, {world.drafts[i]}).has_value());
    home.wait_applied();
    home.reopen();  // the tables stand at `cut`
    State loaded;
    LedgerView view_again;
    home.journal().add_fold(loaded);
    RC_ASSERT(home.journal().start().has_value());  // without the views: what follows is their tail
    for (size_t i = cut; i < world.drafts.size(); ++i) RC_ASSERT(home.append(kTenant, {world.drafts[i]}).has_value());
    RC_ASSERT(loaded.dump() == world.state.dump());
    home.reopen();
    State with_tail;
    home.journal().add_fold(with_tail);
    RC_ASSERT(home.journal().start().has_value());
    RC_ASSERT(with_tail.dump() == world.state.dump());
    home.stop();
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace steward::ledger
