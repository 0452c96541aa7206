#include "gateway/embeddings/serve.h"

#include <algorithm>

#include "gateway/asked.h"
#include "gateway/embeddings/remote.h"
#include "gateway/peek.h"
#include "gateway/request_span.h"
#include "gateway/routed.h"

namespace steward::gateway {
namespace {

Task<Status> ended(Call& call, ledger::Usage usage, Error error) {
  co_await call.settle(usage, outcome_of(error), &error);
  co_return fail(std::move(error));
}

// What is sent once the call is settled.
Task<Status> send_vectors(Call& call, const EmbeddingRequest& asked, net::Responder& responder, MadeVectors made) {
  if (auto ok = co_await call.durable(); !ok) co_return ok;
  call.set_headers(responder.headers(), true);
  if (made.usage.estimated) responder.headers().set("x-steward-estimated", "true");
  co_await responder.send(200, "application/json", write_vectors(asked, std::move(made)));
  co_return Status{};
}

// What the local model can't do.
Status check_local_embedding(const EmbeddingRequest& asked, const std::string& model,
                             const std::optional<engine::LocalModel>& known, Refusals& refusals) {
  if (known && known->kind != engine::ModelKind::kEmbedding) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' makes text, not embeddings: use /v1/chat/completions.", model), {{"param", "model"}});
  }
  if (asked.tokens > 0) return refuse_tokens(refusals);
  if (asked.dimensions && known && *asked.dimensions != known->dimensions) {
    auto ok = refusals.refuse(
        dimensions_name(asked.from),
        fmt::format("'{}' makes {} dimensions; it was not trained to be shortened.", model, known->dimensions));
    if (!ok) return ok;
  }
  return refuse_what_only_gemini_knows(asked, refusals);
}

Task<Status> embed_local(Services& services, Call& call, net::Request& request, net::Responder& responder,
                         EmbeddingRequest& asked, Refusals& refusals) {
  const auto type = asked.query ? engine::InputType::kQuery : engine::InputType::kPassage;
  const auto deadline = Deadline::in(services.current()->call_deadline);
  const std::string model = call.target().upstream_model;
  const auto known = services.engine.find(model);
  if (auto ok = check_local_embedding(asked, model, known, refusals); !ok) co_return ok;
  auto count = co_await services.engine.count_embedding_tokens(model, asked.inputs, type, deadline);
  if (!count) co_return fail(std::move(count.error()));
  if (auto ok = co_await call.reserve({.input_tokens = *count}); !ok) co_return ok;
  auto turn = co_await call.enter_queue(known ? static_cast<size_t>(std::max<int64_t>(1, known->slots)) : 1);
  if (!turn) co_return co_await ended(call, {}, std::move(turn.error()));
  auto made = co_await services.engine.embed(model, asked.inputs, type, deadline, request.cancel);
  if (!made) co_return co_await ended(call, {}, std::move(made.error()));
  call.first_byte();
  MadeVectors out{.usage = {.prompt_tokens = std::min(made->tokens, *count)}};
  co_await call.settle(out.usage, ledger::Outcome::kFinished, nullptr);
  if (!call.settled()) co_return fail(ErrorCode::kStoreUnavailable);
  for (const auto& vector : made->vectors) out.texts.push_back(*vector_text(Json(vector), asked.base64));
  call.note_dropped(refusals.dropped());
  co_return co_await send_vectors(call, asked, responder, std::move(out));
}

Task<Status> embed_remote(Services& services, Call& call, net::Request& request, net::Responder& responder,
                          EmbeddingRequest& asked, Refusals& refusals) {
  auto egress = embedding_egress(call.target());
  if (!egress) co_return fail(std::move(egress.error()));
  if (auto ok = (*egress)->check(asked, refusals); !ok) co_return ok;
  const size_t most = (*egress)->most_inputs(), requests = (asked.inputs.size() + most - 1) / most;
  if (auto ok = co_await call.reserve(embedding_bound(asked, requests)); !ok) co_return ok;
  call.note_dropped(refusals.dropped());
  auto got = co_await ask_for_vectors(services, call, asked, **egress, request.cancel);
  if (got.disputed) call.dispute();
  if (got.error) co_return co_await ended(call, got.made.usage, std::move(*got.error));
  co_await call.settle(got.made.usage, ledger::Outcome::kFinished, nullptr);
  if (!call.settled()) co_return fail(ErrorCode::kStoreUnavailable);
  co_return co_await send_vectors(call, asked, responder, std::move(got.made));
}

}  // namespace

Task<void> serve_embedding(Services& services, identity::Caller caller, EmbeddingRequest asked, net::Request& request,
                           net::Responder& responder) {
  RequestSpan span(services, request, caller, "embeddings", asked.model);
  const Ingress& ingress = ingress_of(asked.from);
  const auto may_drop = read_drop_list(request.headers.get("x-steward-drop"));
  auto succession =
      co_await Succession::begin(services, caller, asked.model, "embedding", asked.bytes(), request.headers);
  Error error(ErrorCode::kInternal);
  if (!succession) error = std::move(succession.error());
  while (succession) {
    auto target = co_await succession->next();
    if (!target) {
      error = std::move(target.error());
      break;
    }
    Call call(services, caller, request.cancel, *target, "embeddings");
    call.set_trace(span.below());
    succession->tell(responder.headers());
    Refusals refusals(asked.from, may_drop);
    auto status = target->local() ? co_await embed_local(services, call, request, responder, asked, refusals)
                                  : co_await embed_remote(services, call, request, responder, asked, refusals);
    if (status) co_return succession->answered();
    error = std::move(status.error());
    span.failed(error);
    if (succession->failed(error)) continue;
    if (!call.settled()) break;
    succession->tell(responder.headers());
    call.set_headers(responder.headers(), true);
    co_return co_await write_error(ingress, request, responder, std::move(error));
  }
  span.failed(error);
  services.meters.refused("embeddings", info(error.code).name);
  co_await write_error(ingress, request, responder, std::move(error));
}

}  // namespace steward::gateway
