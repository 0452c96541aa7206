#include "gateway/batched.h"

#include "gateway/answer.h"
#include "gateway/routed.h"
#include "gateway/serve.h"
#include "gateway/source.h"

namespace steward::gateway {
namespace {

bool takes_batches(const Target& target) {
  return !target.local() && target.options->batches && target.options->profile.quirks.batches != Batches::kNone;
}

// Where it would go first, if that is a provider that takes batches and nothing stands in the way there. Whatever asks
// for a decision - a circuit that is open, a ceiling on the cost - is decided live.
struct Chosen {
  std::string deployment;
  Target target;
};
Task<Result<std::optional<Chosen>>> batch_target(Services& services, const identity::Caller& caller, const Asked& asked,
                                                 const net::Headers& headers) {
  if (auto ok = may_use(services, caller, asked.request.model, "chat"); !ok) co_return fail(std::move(ok.error()));
  auto routed = co_await route_call(services, caller, asked.request, headers, Json());
  if (!routed) co_return fail(std::move(routed.error()));
  const routing::Plan& plan = routed->plan;
  if (plan.candidates.empty() || plan.max_cost) co_return std::nullopt;
  if (!services.router.look(plan.candidates.front(), plan.tokens).may) co_return std::nullopt;
  Chosen chosen{.deployment = plan.candidates.front().deployment, .target = {}};
  auto target = co_await target_of(services, chosen.deployment);
  if (!target || !takes_batches(*target)) co_return std::nullopt;
  chosen.target = std::move(*target);
  co_return std::move(chosen);
}

Task<void> settle(Call& call, Ended ended) {
  if (ended.disputed) call.dispute();
  co_await call.settle(ended.usage, ended.outcome, ended.error ? &*ended.error : nullptr);
}

// What the provider's bytes are in our form.
Task<Result<WholeAnswer>> read_answer(Source& source, const PostedCall& posted, LineAnswer answer) {
  if (auto ok = source.take_answer(posted.input_bound, posted.output_tokens, answer.status, std::move(answer.body));
      !ok)
    co_return fail(std::move(ok.error()));
  AnswerSum sum;
  for (;;) {
    auto deltas = co_await source.next();
    if (!deltas) co_return fail(std::move(deltas.error()));
    if (!*deltas) co_return sum.whole();
    for (const Delta& delta : **deltas) {
      if (auto ok = sum.add(delta); !ok) co_return fail(std::move(ok.error()));
    }
  }
}

}  // namespace

Task<Result<std::optional<Posting>>> post_call(Services& services, identity::Caller caller, const Asked& asked,
                                               const net::Headers& headers, DurationUs longest) {
  auto chosen = co_await batch_target(services, caller, asked, headers);
  if (!chosen) co_return fail(std::move(chosen.error()));
  if (!*chosen) co_return std::nullopt;
  const Target& target = (*chosen)->target;
  PostedCall posted{.deployment = (*chosen)->deployment, .at = services.clock.now_us()};
  const auto source = make_remote_source(services, asked, target, {}, {});
  auto bound = co_await source->prepare();
  if (!bound) co_return fail(std::move(bound.error()));
  posted.input_bound = bound->input_tokens;
  bound->waits_us = longest;
  Call call(services, std::move(caller), {}, target, asked.endpoint);
  if (auto ok = co_await call.reserve(std::move(*bound)); !ok) co_return fail(std::move(ok.error()));
  posted.call = call.id();
  posted.output_tokens = call.reservation().output_tokens;
  posted.reserved = call.reservation().reserved;
  auto written = source->posting(posted.output_tokens);
  if (!written) {
    co_await settle(call, source->ended(written.error()));
    co_return fail(std::move(written.error()));
  }
  call.park();
  co_return Posting{.call = std::move(posted),
                    .provider = target.provider,
                    .model = target.upstream_model,
                    .path = std::move(written->path),
                    .body = std::move(written->body)};
}

Task<void> answer_posted(Services& services, identity::Caller caller, const Asked& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder) {
  Answer out(services, asked, request, responder);
  const Id tenant = caller.tenant;
  auto target = co_await target_of(services, posted.deployment);
  if (!target || target->local()) {
    Error gone(ErrorCode::kModelNotFound,
               fmt::format("'{}' answered by a batch, but it isn't configured any more.", posted.deployment));
    co_await drop_posted(services, tenant, std::move(posted), gone);
    co_await out.fail_with(nullptr, std::move(gone));
    co_return co_await out.release();
  }
  Call call(services, std::move(caller), {}, *target, asked.endpoint);
  call.resume(
      {.call = posted.call, .tenant = tenant, .reserved = posted.reserved, .output_tokens = posted.output_tokens},
      services.clock.now_us() - posted.at);
  const auto source = make_remote_source(services, asked, *target, {}, {});
  auto whole = co_await read_answer(*source, posted, std::move(answer));
  std::optional<Error> error;
  if (!whole) error = std::move(whole.error());
  Ended ended = source->ended(std::move(error));
  co_await settle(call, ended);
  if (ended.error)
    co_await out.fail_with(&call, std::move(*ended.error));
  else
    co_await out.finish_whole(call, *whole, ended.usage);
  co_await out.release();
}

Task<void> drop_posted(Services& services, Id tenant, PostedCall posted, Error why) {
  auto charge = co_await services.ledger.settle({.call = posted.call,
                                                 .tenant = std::move(tenant),
                                                 .usage = {.requests = 0},
                                                 .outcome = ledger::Outcome::kUpstreamFailed,
                                                 .error = std::string(info(why.code).name),
                                                 .duration_us = services.clock.now_us() - posted.at});
  if (!charge && charge.error().code != ErrorCode::kConflict)
    services.log.warn("a call of a batch could not be settled; it is when the journal takes records again",
                      {{"call", posted.call}, {"code", info(charge.error().code).name}});
}

std::unique_ptr<ProviderBatches> batches_of(Services& services, const std::string& provider) {
  const auto options = services.current();
  for (const ProviderOptions& one : options->providers) {
    if (one.name == provider) return batches_of(one, services.clients, services.clock, {});
  }
  return nullptr;
}

Json to_json(const PostedCall& posted) {
  return {{"call", posted.call},
          {"deployment", posted.deployment},
          {"input", posted.input_bound},
          {"output", posted.output_tokens},
          {"reserved_nano", posted.reserved},
          {"at_us", posted.at}};
}

PostedCall read_posted_call(const Json& json) {
  return {.call = json.value("call", ""),
          .deployment = json.value("deployment", ""),
          .input_bound = json.value("input", int64_t{0}),
          .output_tokens = json.value("output", int64_t{0}),
          .reserved = json.value("reserved_nano", int64_t{0}),
          .at = json.value("at_us", int64_t{0})};
}

}  // namespace steward::gateway
