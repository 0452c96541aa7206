// The older text form in a provider's own batch: OpenAI's at /v1/completions.
#include "gateway/batch_steps.h"
#include "gateway/completions/answer.h"
#include "gateway/completions/remote.h"
#include "gateway/output_count.h"
#include "gateway/source.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kEndpoint = "completions";

// What a line's answer comes to; `body` is it, if it is a good one.
Ended read_line(const PostedCall& posted, const LineAnswer& answer, Json& body) {
  Ended out;
  out.usage.requests = 0;
  if (answer.status != 200) {
    out.error = upstream_refusal(answer.status, answer.body, {}, false);
    out.outcome = outcome_of_refusal(answer.status);
    return out;
  }
  OutputCount counted;
  auto read = read_completion_answer(answer.body);
  if (read) {
    body = std::move(*read);
    counted.add(body);
  } else {
    counted.add_text(answer.body.size());
    out.error = std::move(read.error());
    out.outcome = ledger::Outcome::kUpstreamFailed;
  }
  if (const auto told = out.error ? std::nullopt : read_usage(body))
    out.usage = *told;
  else
    out.usage = {.prompt_tokens = estimate_tokens(static_cast<size_t>(posted.input_bound)),
                 .completion_tokens = counted.estimate(),
                 .estimated = true};
  out.usage.service = ledger::ServiceLevel::kBatch;
  return out;
}

}  // namespace

Task<Result<std::optional<Posting>>> post_call(Services& services, identity::Caller caller,
                                               const CompletionRequest& asked, const net::Headers& headers,
                                               DurationUs longest) {
  auto chosen = co_await plain_batch_target(services, caller, kEndpoint, asked.model, "chat", dump(asked.body).size(),
                                            headers, {Batches::kOpenAi});
  if (!chosen) co_return fail(std::move(chosen.error()));
  if (!*chosen) co_return std::nullopt;
  const Target& target = (*chosen)->target;
  Call call(services, std::move(caller), {}, target, std::string(kEndpoint));
  const int64_t standard = services.current()->default_output_tokens;
  auto posted = co_await reserve_posted(services, call, (*chosen)->deployment,
                                        completion_bound(asked, target, standard), longest);
  if (!posted) co_return fail(std::move(posted.error()));
  call.park();
  const int64_t output = posted->output_tokens;
  co_return Posting{.call = std::move(*posted),
                    .provider = target.provider,
                    .model = target.upstream_model,
                    .path = {.path = "/completions", .headers = {}},
                    .body = dump(completion_body(asked, target, output))};
}

Task<void> answer_posted(Services& services, identity::Caller caller, const CompletionRequest& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder) {
  const Id tenant = caller.tenant;
  auto target = co_await target_of_posted(services, tenant, posted);
  if (!target) co_return co_await write_openai_error(request, responder, std::move(target.error()));
  Call call(services, std::move(caller), {}, *target, std::string(kEndpoint));
  resume_posted(services, call, tenant, posted);
  Json body;
  Ended ended = read_line(posted, answer, body);
  co_await call.settle(ended.usage, ended.outcome, ended.error ? &*ended.error : nullptr);
  if (!ended.error && !call.settled()) ended.error = Error(ErrorCode::kStoreUnavailable);
  TextAnswer out(call, asked, services.clock.now_us(), request, responder);
  if (!ended.error) {
    if (auto ok = co_await out.chunk(std::move(body)); !ok) ended.error = std::move(ok.error());
  }
  if (ended.error)
    co_await out.fail_with(std::move(*ended.error));
  else
    co_await out.finish(ended.usage);
  co_await out.release();
}

}  // namespace steward::gateway
