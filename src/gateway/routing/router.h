// Where a call goes: a model's name is a route, a route makes a plan for one request, the plan is pursued by
// attempts.h, and what happened there is told back here, so that the next caller's plan knows it.
//
//   gateway: facts → Router::plan() → run_attempts() (attempts.h) → the winner's answer goes to the client → broke() if
//   it dies on the way. `steward routes explain` and /admin/v1/routes/explain stop after the plan.
//
// A plan is a pure function of routes, facts, health, seed and clock: the same seed at the same time gives the same
// plan. It holds no lock and no pointer into the router, so a reload changes no call under way. All functions may be
// called from any thread.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_fwd.h"
#include "gateway/routing/affinity.h"
#include "gateway/routing/default_routes.h"
#include "gateway/routing/facts.h"
#include "gateway/routing/health.h"
#include "gateway/routing/route.h"

namespace steward::gateway::routing {

struct RouterOptions {
  std::vector<Route> routes;
  Route plain;  // how a plain model's name is tried: its retries, deadlines, …; its name and deployments are ignored
  bool defaults = true;       // offers "fast" and "deep", as default_routes.h makes them of what is here
  std::string default_model;  // the owner's engine.default_model, or empty
  HealthOptions health;
  AffinityOptions affinity;
};

struct Candidate {
  std::string deployment;
  std::string reason;  // "chosen: first in the list", "next: weight 1 of 4", "waits 2.1 s: …"
  Health::Resort resort = Health::Resort::kNormal;
  DurationUs wait_us = 0;        // its provider's rate limit holds for so long: others come before it
  std::string refused;           // why it would be refused (its key is no good there): it comes last; or empty
  DurationUs first_byte_us = 0;  // deadline to its first byte of content; 0: none but the provider's own
};

struct Skipped {
  std::string deployment;
  std::string reason;  // "circuit open until 12:00:05Z", "takes no images"
  // What the caller's error becomes where every one was skipped: the mildest.
  enum class Why { kCondition, kCapability, kCost, kUnusable, kCircuit, kRateLimit } why = Why::kCondition;
  DurationUs again_us = 0;  // it may be asked again then; 0: it depends on nothing that passes
};

struct Plan {
  std::shared_ptr<const Route> route;
  std::vector<Candidate> candidates;  // in the order in which they are asked
  std::vector<Skipped> skipped;
  CallTokens tokens;                // what a provider's token limit counts of this call, estimated
  DurationUs total_us = 0;          // for the whole call; 0: the gateway's own
  DurationUs hedge_after_us = 0;    // 0: no hedging
  std::optional<NanoUsd> max_cost;  // the lower of the route's and the caller's
  std::string affinity;

  // Where there are no candidates: what the caller is told, with "routes" in the details.
  Error refusal() const;
  Json to_json() const;  // for explain
};

class Router {
 public:
  Router(RouterOptions options, Clock& clock);

  // The route of that name, or null: then the name is a model's, for which plan() makes a route of one deployment.
  std::shared_ptr<const Route> find(std::string_view name) const;
  std::vector<std::shared_ptr<const Route>> routes() const;
  void reload(RouterOptions options);  // health and affinity stay
  // The models that are here now, for "fast" and "deep"; cheap where nothing changed.
  void offer(std::vector<OfferedModel> offered);

  // `seed` decides among weights: hand in a random number. Takes nothing and changes nothing, so explain may ask too.
  Plan plan(const RouteFacts& facts, const Describe& describe, uint64_t seed) const;

  // run_attempts() alone: may this deployment be asked now? If so it counts as asked (a limit's rest, a probe's turn).
  Health::Verdict enter(const Candidate& candidate, CallTokens tokens);
  Health::Verdict look(const Candidate& candidate, CallTokens tokens) const;

  // What happened. run_attempts() tells everything up to the first byte; broke() is the gateway's, for an answer that
  // died after it.
  void answered(const Plan& plan, const std::string& deployment, DurationUs first_byte_us);
  void failed(const std::string& deployment, const Error& error);
  void broke(const std::string& deployment, const Error& error) { failed(deployment, error); }
  // The provider's own words on its limits, of any answer. Shared by all callers.
  void told_limits(const std::string& deployment, const ProviderLimits& limits);

  Json health_json() const;  // of every deployment that was asked

 private:
  struct Routes;
  std::shared_ptr<const Routes> current() const;
  static void add_defaults(Routes& routes, const std::vector<OfferedModel>& offered);

  mutable std::mutex mutex_;  // of the two below
  std::shared_ptr<const Routes> routes_;
  std::vector<OfferedModel> offered_;
  Health health_;
  mutable Affinity affinity_;
};

}  // namespace steward::gateway::routing
