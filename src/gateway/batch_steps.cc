#include "gateway/batch_steps.h"

#include <algorithm>

#include "gateway/serve.h"

namespace steward::gateway {
namespace {

bool takes_batches(const Target& target) {
  return !target.local() && target.options->batches && target.options->profile.quirks.batches != Batches::kNone;
}

}  // namespace

Task<Result<std::optional<BatchTarget>>> batch_target(Services& services, Routed routed) {
  const routing::Plan& plan = routed.plan;
  if (plan.candidates.empty() || plan.max_cost) co_return std::nullopt;
  if (!services.router.look(plan.candidates.front(), plan.tokens).may) co_return std::nullopt;
  BatchTarget chosen{.deployment = plan.candidates.front().deployment, .target = {}};
  auto target = co_await target_of(services, chosen.deployment);
  if (!target || !takes_batches(*target)) co_return std::nullopt;
  chosen.target = std::move(*target);
  co_return std::move(chosen);
}

Task<Result<std::optional<BatchTarget>>> plain_batch_target(Services& services, const identity::Caller& caller,
                                                            std::string_view endpoint, std::string model,
                                                            std::string kind, size_t bytes, const net::Headers& headers,
                                                            std::initializer_list<Batches> forms) {
  if (auto ok = may_use(services, caller, model, endpoint); !ok) co_return fail(std::move(ok.error()));
  auto routed = co_await route_plainly(services, caller, std::move(model), std::move(kind), bytes, headers);
  if (!routed) co_return fail(std::move(routed.error()));
  auto chosen = co_await batch_target(services, std::move(*routed));
  if (!chosen || !*chosen) co_return chosen;
  const Batches form = (*chosen)->target.options->profile.quirks.batches;
  if (std::ranges::find(forms, form) == forms.end()) co_return std::nullopt;
  co_return chosen;
}

Task<Result<PostedCall>> reserve_posted(Services& services, Call& call, std::string deployment, Bound bound,
                                        DurationUs longest) {
  PostedCall out{.deployment = std::move(deployment), .at = services.clock.now_us()};
  out.input_bound = bound.input_tokens;
  bound.waits_us = longest;
  if (auto ok = co_await call.reserve(std::move(bound)); !ok) co_return fail(std::move(ok.error()));
  out.call = call.id();
  out.output_tokens = call.reservation().output_tokens;
  out.reserved = call.reservation().reserved;
  co_return out;
}

Task<Result<Target>> target_of_posted(Services& services, Id tenant, PostedCall posted) {
  auto target = co_await target_of(services, posted.deployment);
  if (target && !target->local()) co_return target;
  Error gone(ErrorCode::kModelNotFound,
             fmt::format("'{}' answered by a batch, but it isn't configured any more.", posted.deployment));
  co_await drop_posted(services, std::move(tenant), std::move(posted), gone);
  co_return fail(std::move(gone));
}

void resume_posted(Services& services, Call& call, const Id& tenant, const PostedCall& posted) {
  call.resume(
      {.call = posted.call, .tenant = tenant, .reserved = posted.reserved, .output_tokens = posted.output_tokens},
      services.clock.now_us() - posted.at);
}

ledger::Outcome outcome_of_refusal(int status) {
  return status >= 500 ? ledger::Outcome::kUpstreamFailed : ledger::Outcome::kRefusedUpstream;
}

}  // namespace steward::gateway
