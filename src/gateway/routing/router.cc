#include "gateway/routing/router.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "gateway/routing/durations.h"

namespace steward::gateway::routing {
namespace {

// SplitMix64: a few numbers from one seed, the same ones each time.
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t bound) {
    state_ += 0x9E3779B97F4A7C15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<uint64_t>((static_cast<unsigned __int128>(z ^ (z >> 31)) * bound) >> 64);
  }

 private:
  uint64_t state_;
};

using Why = Skipped::Why;

std::optional<std::string> missing_capability(const RouteFacts& facts, const DeploymentFacts& deployment) {
  if (facts.images && deployment.images == false) return "takes no images";
  if (facts.documents && deployment.documents == false) return "takes no documents";
  if (facts.tools && deployment.tools == false) return "takes no tools";
  if (deployment.context_tokens > 0 && facts.input_tokens > deployment.context_tokens)
    return fmt::format("its context is {} tokens, the input about {}", deployment.context_tokens, facts.input_tokens);
  return std::nullopt;
}

std::optional<std::string> too_dear(const Route& route, const RouteFacts& facts, const DeploymentFacts& deployment) {
  if (!route.max_cost && !facts.max_cost) return std::nullopt;
  constexpr NanoUsd kNone = std::numeric_limits<NanoUsd>::max();
  const NanoUsd most = std::min(route.max_cost.value_or(kNone), facts.max_cost.value_or(kNone));
  if (!deployment.cost_bound) {
    if (deployment.local) return std::nullopt;
    return fmt::format("it has no price, and this call may cost at most {}", to_usd_string(most));
  }
  if (*deployment.cost_bound <= most) return std::nullopt;
  return fmt::format("this call may cost {} there, at most {} is allowed", to_usd_string(*deployment.cost_bound),
                     to_usd_string(most));
}

// What the request and the deployment themselves say against it.
std::optional<Skipped> against(const Route& route, const Deployment& deployment, const RouteFacts& facts,
                               const DeploymentFacts& about) {
  const auto skip = [&](std::string reason, Why why) { return Skipped{deployment.model, std::move(reason), why}; };
  if (!route.offered) return std::nullopt;  // a plain model's own refusals say more
  if (!about.unusable.empty()) return skip(about.unusable, Why::kUnusable);
  if (about.kind != facts.kind) return skip(fmt::format("it is a model for {}", about.kind), Why::kCapability);
  const std::string& zone = deployment.zone.empty() ? route.zone : deployment.zone;
  for (const auto& condition : deployment.conditions) {
    if (auto reason = unmet(condition, facts, about, zone)) return skip(std::move(*reason), Why::kCondition);
  }
  if (auto reason = missing_capability(facts, about)) return skip(std::move(*reason), Why::kCapability);
  return std::nullopt;
}

std::string circuit_text(const Health::Verdict& verdict) {
  const std::string after = verdict.last_error.empty() ? "" : fmt::format(" (after {})", verdict.last_error);
  if (verdict.state == Health::State::kOpen)
    return fmt::format("circuit open until {}{}", to_rfc3339(verdict.until_us), after);
  return fmt::format("circuit half-open: another call is trying it{}", after);
}

// Weighted without putting back: the first by share, then among the rest. Weight 0 comes last, as listed.
std::vector<size_t> order_of(const Route& route, const std::vector<size_t>& usable, uint64_t seed) {
  if (route.order == Order::kListed) return usable;
  std::vector<size_t> out, left, spare;
  for (const size_t at : usable) (route.deployments[at].weight > 0 ? left : spare).push_back(at);
  Draws draws(seed);
  while (!left.empty()) {
    uint64_t sum = 0;
    for (const size_t at : left) sum += static_cast<uint64_t>(route.deployments[at].weight);
    uint64_t drawn = draws.below(sum);
    auto it = left.begin();
    for (; drawn >= static_cast<uint64_t>(route.deployments[*it].weight); ++it)
      drawn -= static_cast<uint64_t>(route.deployments[*it].weight);
    out.push_back(*it);
    left.erase(it);
  }
  out.insert(out.end(), spare.begin(), spare.end());
  return out;
}

std::string reason_of(const Route& route, size_t at, size_t place, const std::vector<size_t>& usable) {
  const std::string_view word = place == 0 ? "chosen" : "then";
  if (usable.size() == 1)
    return fmt::format("{}: {}", word, route.offered ? "the only one that can take it" : "the model asked for");
  if (route.order == Order::kListed) return fmt::format("{}: number {} in the list", word, at + 1);
  int64_t sum = 0;
  for (const size_t one : usable) sum += route.deployments[one].weight;
  return fmt::format("{}: weight {} of {}", word, route.deployments[at].weight, sum);
}

// Why its provider would most likely refuse the call before it reads it.
std::string refused_text(const DeploymentFacts& about, const Health::Verdict& verdict) {
  if (about.key_refused) return "its provider refused the key the last time it was asked";
  return verdict.forbidden ? "its provider forbade the call (403) the last time it was asked" : "";
}

// As the route says; then those that wait for their provider's limit, then those that it would refuse.
std::vector<Candidate> in_order(const Route& route, const std::vector<size_t>& usable, std::map<size_t, Candidate> able,
                                uint64_t seed) {
  std::multimap<std::pair<bool, DurationUs>, Candidate> ranked;  // keeps the order among equals
  size_t place = 0;
  for (const size_t at : order_of(route, usable, seed)) {
    Candidate& candidate = able[at];
    const bool refused = !candidate.refused.empty();
    if (candidate.reason.empty() && !refused) candidate.reason = reason_of(route, at, place++, usable);
    const std::pair rank(refused, candidate.wait_us);
    ranked.emplace(rank, std::move(candidate));
  }
  std::vector<Candidate> out;
  for (auto& [rank, candidate] : ranked) {
    if (rank.first && out.empty())
      candidate.reason = fmt::format("chosen: nobody else is left ({})", candidate.refused);
    if (rank.first && !out.empty()) candidate.reason = "last: " + candidate.refused;
    out.push_back(std::move(candidate));
  }
  return out;
}

void prefer(std::vector<Candidate>& candidates, const std::string& deployment) {
  const auto found = std::ranges::find(candidates, deployment, &Candidate::deployment);
  if (found == candidates.end() || found->wait_us > 0 || !found->refused.empty()) return;
  if (found != candidates.begin()) {
    auto& first = candidates.front().reason;
    if (first.starts_with("chosen: ")) first = "then: " + first.substr(8);
  }
  found->reason = "chosen: holds this conversation's prompt cache";
  std::rotate(candidates.begin(), found, found + 1);
}

// Nobody else is left: the one that will soonest have rested is tried, as often as Health allows.
void take_last_resort(Plan& plan, Candidate candidate) {
  const auto own = [&](const Skipped& one) { return one.deployment == candidate.deployment; };
  const auto found = std::ranges::find_if(plan.skipped, own);
  candidate.reason = fmt::format("chosen: nobody else is left ({})", found->reason);
  candidate.resort = Health::Resort::kLast;
  plan.skipped.erase(found);
  plan.candidates.push_back(std::move(candidate));
}

std::string_view to_text(Why why) {
  static constexpr std::string_view kNames[] = {"condition", "capability", "cost", "unusable", "circuit", "rate_limit"};
  return kNames[static_cast<size_t>(why)];
}

DurationUs sooner(DurationUs a, DurationUs b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

}  // namespace

struct Router::Routes {
  std::map<std::string, std::shared_ptr<const Route>, std::less<>> by_name;
  Route plain;
  bool defaults = true;
  std::string default_model;
};

Router::Router(RouterOptions options, Clock& clock)
    : health_(options.health, clock), affinity_(options.affinity, clock) {
  reload(std::move(options));
}

void Router::reload(RouterOptions options) {
  auto fresh = std::make_shared<Routes>();
  for (auto& route : options.routes) {
    const std::string name = route.name;
    fresh->by_name[name] = std::make_shared<const Route>(std::move(route));
  }
  fresh->plain = std::move(options.plain);
  fresh->defaults = options.defaults;
  fresh->default_model = std::move(options.default_model);
  const auto offered = [this] {
    const std::lock_guard lock(mutex_);
    return offered_;
  }();
  add_defaults(*fresh, offered);
  health_.reload(options.health);
  affinity_.reload(options.affinity);
  const std::lock_guard lock(mutex_);
  routes_ = std::move(fresh);
}

void Router::add_defaults(Routes& routes, const std::vector<OfferedModel>& offered) {
  if (!routes.defaults) return;
  for (auto& route : default_routes(offered, routes.default_model, routes.plain)) {
    const std::string name = route.name;
    routes.by_name.try_emplace(name, std::make_shared<const Route>(std::move(route)));
  }
}

void Router::offer(std::vector<OfferedModel> offered) {
  const std::lock_guard lock(mutex_);
  if (offered == offered_) return;
  offered_ = std::move(offered);
  auto fresh = std::make_shared<Routes>(*routes_);
  std::erase_if(fresh->by_name, [](const auto& entry) { return entry.second->origin == "default"; });
  add_defaults(*fresh, offered_);
  routes_ = std::move(fresh);
}

std::shared_ptr<const Router::Routes> Router::current() const {
  const std::lock_guard lock(mutex_);
  return routes_;
}

std::shared_ptr<const Route> Router::find(std::string_view name) const {
  const auto routes = current();
  const auto found = routes->by_name.find(name);
  return found == routes->by_name.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Route>> Router::routes() const {
  std::vector<std::shared_ptr<const Route>> out;
  const auto now = current();
  for (const auto& [name, route] : now->by_name) out.push_back(route);
  return out;
}

Plan Router::plan(const RouteFacts& facts, const Describe& describe, uint64_t seed) const {
  const auto routes = current();
  Plan out;
  const auto found = routes->by_name.find(facts.model);
  out.route = found != routes->by_name.end() ? found->second : route_of_model(facts.model, routes->plain);
  const Route& route = *out.route;
  out.tokens = {.input = facts.input_tokens, .output = facts.output_tokens};
  out.total_us = sooner(route.total_us, facts.deadline_us);
  out.hedge_after_us = facts.hedge_after_us > 0 ? facts.hedge_after_us : route.hedge_after_us;
  out.affinity = route.affinity ? facts.affinity : "";
  out.max_cost = route.max_cost && facts.max_cost ? std::min(route.max_cost, facts.max_cost)
                 : route.max_cost                 ? route.max_cost
                                                  : facts.max_cost;

  std::vector<size_t> usable;
  std::map<size_t, Candidate> able;
  std::multimap<DurationUs, Candidate> resting;  // by when they will have rested
  for (size_t at = 0; at < route.deployments.size(); ++at) {
    const std::string& model = route.deployments[at].model;
    const DeploymentFacts about = describe(model, facts);
    if (auto skip = against(route, route.deployments[at], facts, about)) {
      out.skipped.push_back(std::move(*skip));
      continue;
    }
    if (auto reason = too_dear(route, facts, about)) {
      out.skipped.push_back({model, std::move(*reason), Why::kCost});
      continue;
    }
    Candidate candidate{.deployment = model, .first_byte_us = sooner(route.first_byte_us, about.first_byte_us)};
    const Health::Verdict verdict = health_.look(model, out.tokens);
    if (!verdict.may) {
      resting.emplace(verdict.again_us, std::move(candidate));
      out.skipped.push_back({model, circuit_text(verdict), Why::kCircuit, verdict.again_us});
      continue;
    }
    candidate.wait_us = verdict.limited_us;
    candidate.refused = refused_text(about, verdict);
    if (verdict.limited_us > 0)
      candidate.reason = fmt::format("waits {}: {}", duration_text(verdict.limited_us), verdict.limit);
    able[at] = std::move(candidate);
    usable.push_back(at);
  }
  out.candidates = in_order(route, usable, std::move(able), seed);
  if (out.candidates.empty() && !resting.empty()) take_last_resort(out, std::move(resting.begin()->second));
  if (!out.affinity.empty()) {
    if (const auto held = affinity_.find(route.name, out.affinity)) prefer(out.candidates, *held);
  }
  return out;
}

Health::Verdict Router::enter(const Candidate& candidate, CallTokens tokens) {
  return health_.enter(candidate.deployment, tokens, candidate.resort);
}
Health::Verdict Router::look(const Candidate& candidate, CallTokens tokens) const {
  return health_.look(candidate.deployment, tokens, candidate.resort);
}

void Router::answered(const Plan& plan, const std::string& deployment, DurationUs first_byte_us) {
  health_.answered(deployment, first_byte_us);
  affinity_.remember(plan.route->name, plan.affinity, deployment);
}

void Router::failed(const std::string& deployment, const Error& error) { health_.failed(deployment, error); }

void Router::told_limits(const std::string& deployment, const ProviderLimits& limits) {
  health_.told_limits(deployment, limits);
}

Json Router::health_json() const { return health_.to_json(); }

Error Plan::refusal() const {
  Json details = {{"route", route->name}, {"skipped", to_json()["skipped"]}};
  std::string reasons;
  DurationUs again = 0;
  bool passes = false, cost = false;
  for (const auto& one : skipped) {
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", one.deployment, one.reason);
    passes = passes || one.why == Why::kCircuit || one.why == Why::kRateLimit || one.why == Why::kUnusable;
    cost = cost || one.why == Why::kCost;
    again = sooner(again, one.again_us);
  }
  if (skipped.empty()) reasons = "it has no deployments";
  if (again > 0) details["retry_after_us"] = again;
  const std::string_view what = route->offered ? "The route" : "The model";
  if (passes || skipped.empty())
    return {ErrorCode::kModelUnavailable, fmt::format("{} '{}' has nobody to ask now: {}.", what, route->name, reasons),
            std::move(details)};
  if (cost) details["param"] = "x-steward-max-cost-usd";
  return {ErrorCode::kInvalidRequest, fmt::format("No deployment of '{}' takes this call: {}.", route->name, reasons),
          std::move(details)};
}

Json Plan::to_json() const {
  Json chosen = Json::array(), left_out = Json::array();
  for (const auto& one : candidates) {
    Json row = {{"deployment", one.deployment}, {"reason", one.reason}};
    if (one.wait_us > 0) row["wait_us"] = one.wait_us;
    if (!one.refused.empty()) row["refused"] = one.refused;
    if (one.first_byte_us > 0) row["first_byte_timeout_us"] = one.first_byte_us;
    chosen.push_back(std::move(row));
  }
  for (const auto& one : skipped) {
    Json row = {{"deployment", one.deployment}, {"reason", one.reason}, {"why", to_text(one.why)}};
    if (one.again_us > 0) row["again_us"] = one.again_us;
    left_out.push_back(std::move(row));
  }
  Json out = {{"route", route->name},
              {"origin", route->origin},
              {"candidates", std::move(chosen)},
              {"skipped", std::move(left_out)},
              {"retries", route->retries}};
  if (total_us > 0) out["total_timeout_us"] = total_us;
  if (hedge_after_us > 0) out["hedge_after_us"] = hedge_after_us;
  if (!affinity.empty()) out["affinity"] = affinity;
  return out;
}

}  // namespace steward::gateway::routing
