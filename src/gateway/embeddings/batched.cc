// Embeddings in a provider's own batch: OpenAI's at /v1/embeddings, Gemini's asyncBatchEmbedContent.
#include "gateway/batch_steps.h"
#include "gateway/embeddings/remote.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kEndpoint = "embeddings";

struct AnsweredVectors {
  MadeVectors made;
  bool disputed = false;
  ledger::Outcome outcome = ledger::Outcome::kFinished;
  std::optional<Error> error;
};

AnsweredVectors read_line(const EmbeddingRequest& asked, const Target& target, const LineAnswer& answer) {
  AnsweredVectors out;
  out.made.usage.requests = 0;
  auto egress = embedding_egress(target);
  if (!egress) {
    out.error = std::move(egress.error());
    out.outcome = ledger::Outcome::kUpstreamFailed;
    return out;
  }
  if (answer.status != 200) {
    out.error = (*egress)->read_error(answer.status, answer.body, {});
    if (out.error->details.is_object()) out.error->details["upstream_status"] = answer.status;
    out.outcome = outcome_of_refusal(answer.status);
    return out;
  }
  out.made.usage = estimated_vectors(asked, 0, asked.inputs.size());
  auto vectors = read_vectors(asked, **egress, answer.body, {}, asked.inputs.size());
  if (vectors) {
    out.disputed = vectors->disputed;
    if (vectors->usage) out.made.usage = std::move(*vectors->usage);
    out.made.texts = std::move(vectors->texts);
    out.made.raw = std::move(vectors->raw);
  } else {
    out.error = std::move(vectors.error());
    out.outcome = ledger::Outcome::kUpstreamFailed;
  }
  out.made.usage.service = ledger::ServiceLevel::kBatch;
  return out;
}

}  // namespace

Task<Result<std::optional<Posting>>> post_call(Services& services, identity::Caller caller,
                                               const EmbeddingRequest& asked, const net::Headers& headers,
                                               DurationUs longest) {
  auto chosen = co_await plain_batch_target(services, caller, kEndpoint, asked.model, "embedding", asked.bytes(),
                                            headers, {Batches::kOpenAi, Batches::kGemini});
  if (!chosen) co_return fail(std::move(chosen.error()));
  if (!*chosen) co_return std::nullopt;
  const Target& target = (*chosen)->target;
  auto egress = embedding_egress(target);
  if (!egress) co_return fail(std::move(egress.error()));
  Refusals refusals(asked.from, read_drop_list(headers.get("x-steward-drop")));
  if (auto ok = (*egress)->check(asked, refusals); !ok) co_return fail(std::move(ok.error()));
  Call call(services, std::move(caller), {}, target, std::string(kEndpoint));
  auto posted = co_await reserve_posted(services, call, (*chosen)->deployment, embedding_bound(asked, 1), longest);
  if (!posted) co_return fail(std::move(posted.error()));
  EmbeddingAsk ask = (*egress)->ask(asked, target.upstream_model, 0, asked.inputs.size());
  call.park();
  co_return Posting{.call = std::move(*posted),
                    .provider = target.provider,
                    .model = target.upstream_model,
                    .path = {.path = std::move(ask.path), .headers = {}},
                    .body = dump(ask.body),
                    .answers = asked.inputs.size()};
}

Task<void> answer_posted(Services& services, identity::Caller caller, const EmbeddingRequest& asked, PostedCall posted,
                         LineAnswer answer, net::Request& request, net::Responder& responder) {
  const Ingress& ingress = ingress_of(asked.from);
  const Id tenant = caller.tenant;
  auto target = co_await target_of_posted(services, tenant, posted);
  if (!target) co_return co_await write_error(ingress, request, responder, std::move(target.error()));
  Call call(services, std::move(caller), {}, *target, std::string(kEndpoint));
  resume_posted(services, call, tenant, posted);
  AnsweredVectors got = read_line(asked, *target, answer);
  if (got.disputed) call.dispute();
  co_await call.settle(got.made.usage, got.outcome, got.error ? &*got.error : nullptr);
  if (!got.error && !call.settled()) got.error = Error(ErrorCode::kStoreUnavailable);
  if (!got.error) {
    if (auto ok = co_await call.durable(); !ok) got.error = std::move(ok.error());
  }
  if (got.error) co_return co_await write_error(ingress, request, responder, std::move(*got.error));
  (void)co_await responder.send(200, "application/json", write_vectors(asked, std::move(got.made)));
}

}  // namespace steward::gateway
