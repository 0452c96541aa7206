#include "gateway/batched.h"

#include "gateway/answer.h"
#include "gateway/batch_steps.h"
#include "gateway/serve.h"
#include "gateway/source.h"

namespace steward::gateway {
namespace {

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
  if (auto ok = may_use(services, caller, asked.request.model, "chat"); !ok) co_return fail(std::move(ok.error()));
  auto routed = co_await route_call(services, caller, asked.request, headers, Json());
  if (!routed) co_return fail(std::move(routed.error()));
  auto chosen = co_await batch_target(services, std::move(*routed));
  if (!chosen) co_return fail(std::move(chosen.error()));
  if (!*chosen) co_return std::nullopt;
  const Target& target = (*chosen)->target;
  const auto source = make_remote_source(services, asked, target, {}, {});
  auto bound = co_await source->prepare();
  if (!bound) co_return fail(std::move(bound.error()));
  Call call(services, std::move(caller), {}, target, asked.endpoint);
  auto posted = co_await reserve_posted(services, call, (*chosen)->deployment, std::move(*bound), longest);
  if (!posted) co_return fail(std::move(posted.error()));
  auto written = source->posting(posted->output_tokens);
  if (!written) {
    co_await settle(call, source->ended(written.error()));
    co_return fail(std::move(written.error()));
  }
  call.park();
  co_return Posting{.call = std::move(*posted),
                    .provider = target.provider,
                    .model = target.upstream_model,
                    .path = std::move(written->path),
                    .body = std::move(written->body)};
}

Task<void> answer_posted(Services& services, identity::Caller caller, const Asked& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder) {
  Answer out(services, asked, request, responder);
  const Id tenant = caller.tenant;
  auto target = co_await target_of_posted(services, tenant, posted);
  if (!target) {
    co_await out.fail_with(nullptr, std::move(target.error()));
    co_return co_await out.release();
  }
  Call call(services, std::move(caller), {}, *target, asked.endpoint);
  resume_posted(services, call, tenant, posted);
  const auto source = make_remote_source(services, asked, *target, {}, {});
  auto whole = co_await read_answer(*source, posted, std::move(answer));
  std::optional<Error> error;
  if (!whole) error = std::move(whole.error());
  Ended ended = source->ended(std::move(error));
  co_await settle(call, ended);
  if (!ended.error && asked.answered) {
    if (auto ok = co_await asked.answered(*whole, call, ended.usage); !ok) ended.error = std::move(ok.error());
  }
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
