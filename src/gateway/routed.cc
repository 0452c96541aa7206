#include "gateway/routed.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/output_count.h"
#include "gateway/route_facts.h"

namespace steward::gateway {
namespace {

void take_assumed(const Json& assume, routing::RouteFacts& facts) {
  if (!assume.is_object()) return;
  const auto integer = [&](const char* name, int64_t& into) {
    if (assume.contains(name) && assume[name].is_number_integer())
      into = std::max<int64_t>(0, assume[name].get<int64_t>());
  };
  const auto truth = [&](const char* name, bool& into) {
    if (assume.contains(name) && assume[name].is_boolean()) into = assume[name].get<bool>();
  };
  integer("input_tokens", facts.input_tokens);
  integer("output_tokens", facts.output_tokens);
  if (assume.contains("kind") && assume["kind"].is_string()) facts.kind = assume["kind"].get<std::string>();
  truth("tools", facts.tools);
  truth("images", facts.images);
  truth("documents", facts.documents);
  truth("streamed", facts.streamed);
}

}  // namespace

Task<Result<Routed>> route_call(Services& services, const identity::Caller& caller, const Request& request,
                                const net::Headers& headers, const Json& assume) {
  auto facts = route_facts(services, caller, request, headers);
  if (!facts) co_return fail(std::move(facts.error()));
  take_assumed(assume, *facts);
  const auto all_known = [&](const routing::Route& route) {
    return std::ranges::all_of(route.deployments,
                               [&](const auto& one) { return services.directory.known(one.model).has_value(); });
  };
  if (const auto route = services.router.find(request.model); route && !all_known(*route))
    co_await services.directory.refresh();
  services.router.offer(offered_models(services.directory));
  const uint64_t seed = services.random.below(uint64_t{1} << 62);
  auto plan = services.router.plan(*facts, describe_with(services, caller.tenant, request), seed);
  co_return Routed{std::move(*facts), std::move(plan)};
}

Task<Result<Target>> target_of(Services& services, std::string deployment) {
  auto target = co_await services.directory.find(std::move(deployment));
  if (!target || target->local() || (target->context_tokens > 0 && target->max_output_tokens > 0)) co_return target;
  const auto facts = services.ledger.find_model_facts(target->provider, target->upstream_model);
  if (!facts) co_return target;
  if (target->context_tokens == 0) target->context_tokens = facts->context_tokens;
  if (target->max_output_tokens == 0) target->max_output_tokens = facts->output_tokens;
  co_return target;
}

Task<Result<Target>> find_target(Services& services, const identity::Caller& caller, const Request& request,
                                 const net::Headers& headers) {
  services.router.offer(offered_models(services.directory));
  if (!services.router.find(request.model)) co_return co_await services.directory.find(request.model);
  auto routed = co_await route_call(services, caller, request, headers, Json());
  if (!routed) co_return fail(std::move(routed.error()));
  if (routed->plan.candidates.empty()) co_return fail(routed->plan.refusal());
  co_return co_await services.directory.find(routed->plan.candidates.front().deployment);
}

Task<Result<Routed>> route_plainly(Services& services, const identity::Caller& caller, std::string model,
                                   std::string kind, size_t bytes, const net::Headers& headers) {
  const Request request{.model = std::move(model)};
  const Json assume = {{"input_tokens", estimate_tokens(bytes)}, {"kind", std::move(kind)}};
  co_return co_await route_call(services, caller, request, headers, assume);
}

Task<Result<Succession>> Succession::begin(Services& services, const identity::Caller& caller, std::string model,
                                           std::string kind, size_t bytes, const net::Headers& headers) {
  auto routed = co_await route_plainly(services, caller, std::move(model), std::move(kind), bytes, headers);
  if (!routed) co_return fail(std::move(routed.error()));
  if (routed->plan.candidates.empty()) co_return fail(routed->plan.refusal());
  co_return Succession(services, std::move(routed->plan));
}

Task<Result<Target>> Succession::next() {
  for (; at_ < plan_.candidates.size(); ++at_) {
    const auto& candidate = plan_.candidates[at_];
    const auto verdict = services_.router.enter(candidate, plan_.tokens);
    if (!verdict.may || verdict.limited_us > 0) {
      if (!last_) last_ = routing::not_now(candidate.deployment, verdict);
      continue;
    }
    auto target = co_await services_.directory.find(candidate.deployment);
    if (!target) {
      last_ = std::move(target.error());
      continue;
    }
    attempts_.push_back({.deployment = candidate.deployment, .reason = candidate.reason});
    co_return target;
  }
  co_return fail(last_.value_or(plan_.refusal()));
}

bool Succession::failed(const Error& error) {
  attempts_.back().outcome = "failed";
  attempts_.back().code = std::string(info(error.code).name);
  services_.router.failed(attempts_.back().deployment, error);
  last_ = error;
  const auto failure = routing::failure_of(error);
  ++at_;
  return failure != routing::Failure::kRequest && failure != routing::Failure::kOurs && at_ < plan_.candidates.size();
}

void Succession::answered() {
  attempts_.back().outcome = "answered";
  services_.router.answered(plan_, attempts_.back().deployment, 0);
}

void Succession::tell(net::Headers& headers) const {
  headers.set("x-steward-route", plan_.route->name);
  if (attempts_.empty()) return;
  auto told = attempts_;
  if (told.back().outcome.empty()) told.back().outcome = "answered";  // with whose answer the headers will go out
  headers.set("x-steward-attempts", routing::attempts_header(told));
}

}  // namespace steward::gateway
