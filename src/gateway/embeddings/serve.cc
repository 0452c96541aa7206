#include "gateway/embeddings/serve.h"

#include <algorithm>

#include "base/crypto.h"
#include "gateway/output_count.h"
#include "gateway/remote.h"
#include "gateway/request_span.h"
#include "gateway/routed.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

Task<Status> ended(Call& call, ledger::Usage usage, Error error) {
  co_await call.settle(usage, outcome_of(error), &error);
  co_return fail(std::move(error));
}

Task<Status> send_embeddings(Call& call, net::Responder& responder, Json body) {
  if (auto ok = co_await call.durable(); !ok) co_return ok;
  call.set_headers(responder.headers(), true);
  co_await responder.send(200, "application/json", dump(body));
  co_return Status{};
}

Task<Status> embed_local(Services& services, Call& call, net::Request& request, net::Responder& responder,
                         EmbeddingRequest& asked) {
  const auto type = asked.query ? engine::InputType::kQuery : engine::InputType::kPassage;
  const auto deadline = Deadline::in(services.current()->call_deadline);
  const std::string model = call.target().upstream_model;
  const auto known = services.engine.find(model);
  if (known && known->kind != engine::ModelKind::kEmbedding) {
    co_return fail(ErrorCode::kInvalidRequest,
                   fmt::format("'{}' makes text, not embeddings: use /v1/chat/completions.", model),
                   {{"param", "model"}});
  }
  if (asked.dimensions && known && *asked.dimensions != known->dimensions) {
    co_return fail(
        ErrorCode::kUnsupportedField,
        fmt::format("'{}' makes {} dimensions; it was not trained to be shortened.", model, known->dimensions),
        {{"param", "dimensions"}});
  }
  auto count = co_await services.engine.count_embedding_tokens(model, asked.inputs, type, deadline);
  if (!count) co_return fail(std::move(count.error()));
  if (auto ok = co_await call.reserve({.input_tokens = *count}); !ok) co_return ok;
  auto turn = co_await call.enter_queue(known ? static_cast<size_t>(std::max<int64_t>(1, known->slots)) : 1);
  if (!turn) co_return co_await ended(call, {}, std::move(turn.error()));
  auto made = co_await services.engine.embed(model, asked.inputs, type, deadline, request.cancel);
  if (!made) co_return co_await ended(call, {}, std::move(made.error()));
  call.first_byte();
  const int64_t tokens = std::min(made->tokens, *count);
  co_await call.settle({.prompt_tokens = tokens}, ledger::Outcome::kFinished, nullptr);
  if (!call.settled()) co_return fail(ErrorCode::kStoreUnavailable);
  Json data = Json::array();
  for (size_t i = 0; i < made->vectors.size(); ++i) {
    const auto& vector = made->vectors[i];
    Json embedding =
        asked.base64 ? Json(to_base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)}))
                     : Json(vector);
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", std::move(embedding)}});
  }
  co_return co_await send_embeddings(call, responder,
                                     {{"object", "list"},
                                      {"data", std::move(data)},
                                      {"model", asked.model},
                                      {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

Task<Status> embed_remote(Services& services, Call& call, net::Request& request, net::Responder& responder,
                          EmbeddingRequest& asked) {
  if (asked.body.contains("input_type"))
    co_return fail(ErrorCode::kUnsupportedField,
                   "'input_type' is for the local embedding model; put a prefix into the text instead.",
                   {{"param", "input_type"}});
  const ProviderProfile& profile = call.target().options->profile;
  if (!profile.quirks.embeddings ||
      (profile.dialect != ProviderDialect::kOpenAi && profile.dialect != ProviderDialect::kResponses)) {
    co_return fail(ErrorCode::kUnsupportedField,
                   fmt::format("'{}' makes no embeddings that can be asked for here: use a local embedding model, or a "
                               "provider that answers /embeddings.",
                               call.target().provider),
                   {{"param", "model"}});
  }
  int64_t bytes = 0;
  for (const auto& text : asked.inputs) bytes += static_cast<int64_t>(text.size()) + 8;
  if (auto ok = co_await call.reserve({.input_tokens = bytes}); !ok) co_return ok;
  Json body = asked.body;
  body["model"] = call.target().upstream_model;
  const ProviderOptions& provider = *call.target().options;
  auto asking = provider_request(provider, {.path = "/embeddings", .headers = {}}, dump(body), request.cancel,
                                 provider.deadlines, services.clock.now_us());
  if (!asking) co_return co_await ended(call, {.requests = 0}, std::move(asking.error()));
  auto got = co_await services.clients.here().fetch(std::move(*asking));
  if (!got) {  // asked and perhaps read: its input is charged
    const bool perhaps = got.error().code == ErrorCode::kCancelled || got.error().code == ErrorCode::kUpstreamTimeout;
    co_return co_await ended(
        call, {.prompt_tokens = perhaps ? (bytes + 3) / 4 : 0, .estimated = perhaps, .requests = perhaps ? 1 : 0},
        std::move(got.error()));
  }
  call.first_byte();
  if (got->status != 200)
    co_return co_await ended(call, {.requests = 0}, upstream_refusal(got->status, got->body, got->headers, false));
  auto json = parse_json(got->body, {.allow_duplicate_keys = true});
  if (!json || !json->is_object() || !json->value("data", Json()).is_array()) {
    co_return co_await ended(call, {.prompt_tokens = bytes / 4, .estimated = true},
                             Error(ErrorCode::kUpstreamError,
                                   "The model's provider answered with something that is no list of embeddings."));
  }
  const ledger::Usage usage =
      read_usage(*json).value_or(ledger::Usage{.prompt_tokens = (bytes + 3) / 4, .estimated = true});
  co_await call.settle(usage, ledger::Outcome::kFinished, nullptr);
  if (!call.settled()) co_return fail(ErrorCode::kStoreUnavailable);
  (*json)["model"] = asked.model;
  co_return co_await send_embeddings(call, responder, std::move(*json));
}

}  // namespace

Task<void> serve_embedding(Services& services, identity::Caller caller, EmbeddingRequest asked, net::Request& request,
                           net::Responder& responder) {
  RequestSpan span(services, request, caller, "embeddings", asked.model);
  size_t bytes = 0;
  for (const auto& text : asked.inputs) bytes += text.size();
  auto succession = co_await Succession::begin(services, caller, asked.model, "embedding", bytes, request.headers);
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
    auto status = target->local() ? co_await embed_local(services, call, request, responder, asked)
                                  : co_await embed_remote(services, call, request, responder, asked);
    if (status) co_return succession->answered();
    error = std::move(status.error());
    span.failed(error);
    if (succession->failed(error)) continue;
    if (!call.settled()) break;
    succession->tell(responder.headers());
    call.set_headers(responder.headers(), true);
    co_return co_await write_openai_error(request, responder, std::move(error));
  }
  span.failed(error);
  services.meters.refused("embeddings", info(error.code).name);
  co_await write_openai_error(request, responder, std::move(error));
}

}  // namespace steward::gateway
