// Token counts without a call: nothing is reserved, for nothing is paid.
#include "gateway/media_fetcher.h"
#include "gateway/output_count.h"
#include "gateway/remote.h"
#include "gateway/routed.h"
#include "gateway/serve.h"
#include "gateway/source.h"

namespace steward::gateway {
namespace {

struct Count {
  int64_t tokens = 0;
  bool estimated = false;
};

Task<Result<Count>> count_locally(Services& services, const Asked& asked, Target target, CancelToken cancel) {
  auto source = make_local_source(services, asked, std::move(target), std::move(cancel));
  auto bound = co_await source->prepare();
  if (!bound) co_return fail(std::move(bound.error()));
  co_return Count{.tokens = bound->input_tokens};
}

// By the provider's own word, if its dialect knows such a question.
Task<Result<Count>> count_remotely(Services& services, const Asked& asked, const Target& target, CancelToken cancel,
                                   Refusals& refusals) {
  const ProviderOptions& provider = *target.options;
  const Egress& egress = egress_of(egress_dialect(provider.profile, asked.request.from));
  const OutgoingCall call{.provider = target.provider,
                          .model = target.upstream_model,
                          .profile = &provider.profile,
                          .max_output = asked.request.max_output.value_or(services.current()->default_output_tokens),
                          .stream = false,
                          .refusals = &refusals};
  auto query = egress.write_count(asked.request, call);
  if (!query) co_return fail(std::move(query.error()));
  if (!*query) {
    auto body = egress.write_request(asked.request, call);
    if (!body) co_return fail(std::move(body.error()));
    Bound bound = remote_bound(asked.request, dump(*body), target, call.max_output);
    co_return Count{.tokens = estimate_tokens(static_cast<size_t>(bound.input_tokens)), .estimated = true};
  }
  auto request = provider_request(provider, (*query)->path, dump((*query)->body), std::move(cancel), provider.deadlines,
                                  services.clock.now_us());
  if (!request) co_return fail(std::move(request.error()));
  auto got = co_await services.clients.here().fetch(std::move(*request));
  if (!got) co_return fail(std::move(got.error()));
  if (got->status != 200) {
    Error error = egress.read_error(got->status, got->body, got->headers);
    co_return fail(std::move(error));
  }
  auto body = parse_json(got->body, {.allow_duplicate_keys = true});
  const auto tokens = body ? egress.read_count(*body) : std::nullopt;
  if (!tokens)
    co_return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no count.");
  co_return Count{.tokens = *tokens};
}

}  // namespace

Task<void> serve_count(Services& services, identity::Caller caller, Asked asked, net::Request& request,
                       net::Responder& responder) {
  const Dialect dialect = asked.request.from;
  if (auto ok = may_use(services, caller, asked.request.model, "chat"); !ok)
    co_return co_await refuse(services, dialect, request, responder, std::move(ok.error()));
  auto target = co_await find_target(services, caller, asked.request, request.headers);
  if (!target) co_return co_await refuse(services, dialect, request, responder, std::move(target.error()));
  if (auto ok = check_addresses(asked.request, services.current()->fetch); !ok)
    co_return co_await refuse(services, dialect, request, responder, std::move(ok.error()));
  Refusals refusals(dialect, asked.may_drop);
  auto count = target->local() ? co_await count_locally(services, asked, *target, request.cancel)
                               : co_await count_remotely(services, asked, *target, request.cancel, refusals);
  if (!count) co_return co_await refuse(services, dialect, request, responder, std::move(count.error()));
  if (count->estimated) responder.headers().set("x-steward-estimated", "true");
  (void)co_await responder.send(200, "application/json", dump(asked.ingress->write_count(count->tokens)));
}

}  // namespace steward::gateway
