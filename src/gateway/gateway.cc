// The handlers: from a request's bytes to a settled call.
#include "gateway/gateway.h"

#include <algorithm>

#include "base/crypto.h"
#include "gateway/output_count.h"
#include "gateway/run.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

using identity::Caller;

constexpr std::string_view kChat = "chat", kCompletions = "completions", kEmbeddings = "embeddings", kModels = "models";

class ModelGateway final : public Gateway {
 public:
  ModelGateway(GatewayOptions options, journal::Journal& journal, identity::Identity& identity, ledger::Ledger& ledger,
               engine::Engine& engine, net::HttpClients& clients, Clock& clock, Random& random, Log log)
      : services_{.journal = journal,
                  .identity = identity,
                  .ledger = ledger,
                  .engine = engine,
                  .clients = clients,
                  .clock = clock,
                  .ids = IdMaker(clock, random),
                  .log = std::move(log),
                  .directory = Directory(options.providers, engine, clients, clock),
                  .options = std::make_shared<const GatewayOptions>(options)} {}

  Task<void> chat_completions(Caller caller, net::Request& request, net::Responder& responder) override {
    auto body = parse_json(request.body);
    auto asked = body ? read_chat(std::move(*body)) : Result<ModelRequest>(fail(std::move(body.error())));
    co_await text_call(std::move(caller), request, responder, std::move(asked), std::string(kChat));
  }

  Task<void> completions(Caller caller, net::Request& request, net::Responder& responder) override {
    auto body = parse_json(request.body);
    auto asked = body ? read_completion(std::move(*body)) : Result<ModelRequest>(fail(std::move(body.error())));
    co_await text_call(std::move(caller), request, responder, std::move(asked), std::string(kCompletions));
  }

  Task<void> embeddings(Caller caller, net::Request& request, net::Responder& responder) override {
    auto body = parse_json(request.body);
    auto asked = body ? read_embedding(std::move(*body)) : Result<EmbeddingRequest>(fail(std::move(body.error())));
    if (!asked) co_return co_await refuse(request, responder, kEmbeddings, std::move(asked.error()));
    auto target = co_await find(caller, asked->model, kEmbeddings);
    if (!target) co_return co_await refuse(request, responder, kEmbeddings, std::move(target.error()));
    Call call(services_, std::move(caller), request, *target, std::string(kEmbeddings));
    auto status = target->local() ? co_await embed_local(call, request, responder, *asked)
                                  : co_await embed_remote(call, request, responder, *asked);
    if (status) co_return;
    if (!call.settled()) co_return co_await refuse(request, responder, kEmbeddings, std::move(status.error()));
    call.set_headers(responder.headers(), true);
    co_await write_openai_error(request, responder, std::move(status.error()));
  }

  Task<void> list_models(Caller caller, net::Request&, net::Responder& responder) override {
    co_await services_.directory.refresh();
    Json data = Json::array();
    for (const auto& entry : services_.directory.entries()) {
      if (allowed(caller, entry.name, kModels)) data.push_back(model_json(entry));
    }
    co_await responder.send(200, "application/json", dump({{"object", "list"}, {"data", std::move(data)}}));
  }

  Task<void> get_model(Caller caller, net::Request& request, net::Responder& responder) override {
    const std::string name = request.params.contains("id") ? request.params["id"] : "";
    auto target = co_await services_.directory.find(name);
    if (!target) co_return co_await write_openai_error(request, responder, std::move(target.error()));
    if (auto ok = allowed(caller, name, kModels); !ok)
      co_return co_await write_openai_error(request, responder, std::move(ok.error()));
    for (const auto& entry : services_.directory.entries()) {
      if (entry.name != name && entry.provider + "/" + entry.name != name) continue;
      co_await responder.send(200, "application/json", dump(model_json(entry)));
      co_return;
    }
    co_await write_openai_error(request, responder, Error(ErrorCode::kModelNotFound));
  }

  std::vector<ModelEntry> models() const override { return services_.directory.entries(); }

  std::vector<Metric> metrics() const override {
    std::vector<Metric> out = services_.meters.read();
    std::lock_guard lock(services_.mutex);
    for (const auto& [model, queue] : services_.queues) {
      out.push_back({"steward_queue_depth",
                     "Calls that wait for a local model.",
                     "gauge",
                     {{"model", model}},
                     static_cast<double>(queue->waiting())});
      out.push_back({"steward_queue_peak",
                     "Most calls that ever waited for a local model at once.",
                     "gauge",
                     {{"model", model}},
                     static_cast<double>(queue->peak())});
    }
    return out;
  }

  void reload(GatewayOptions options) override {
    services_.directory.reload(options.providers);
    std::lock_guard lock(services_.mutex);
    services_.options = std::make_shared<const GatewayOptions>(std::move(options));
  }

 private:
  Status allowed(const Caller& caller, std::string_view model, std::string_view endpoint) const {
    return services_.identity.may(
        caller, identity::Verb::kUseModel,
        {.tenant = caller.tenant, .model = std::string(model), .endpoint = std::string(endpoint)});
  }

  // Whether there is such a model is told only to those who may use it.
  Task<Result<Target>> find(const Caller& caller, std::string model, std::string_view endpoint) {
    if (auto ok = allowed(caller, model, endpoint); !ok) co_return fail(std::move(ok.error()));
    co_return co_await services_.directory.find(std::move(model));
  }

  Task<void> refuse(net::Request& request, net::Responder& responder, std::string_view endpoint, Error error) {
    services_.meters.refused(std::string(endpoint), info(error.code).name);
    co_await write_openai_error(request, responder, std::move(error));
  }

  Json model_json(const ModelEntry& entry) const {
    Json out = {{"id", entry.name},         {"object", "model"},
                {"created", entry.created}, {"owned_by", entry.provider == "local" ? "steward" : entry.provider},
                {"kind", entry.kind},       {"ready", entry.ready}};
    if (entry.context_tokens > 0) out["context_window"] = entry.context_tokens;
    return out;
  }

  Task<void> text_call(Caller caller, net::Request& request, net::Responder& responder, Result<ModelRequest> asked,
                       std::string endpoint) {
    if (!asked) co_return co_await refuse(request, responder, endpoint, std::move(asked.error()));
    auto target = co_await find(caller, asked->model, endpoint);
    if (!target) co_return co_await refuse(request, responder, endpoint, std::move(target.error()));
    Call call(services_, std::move(caller), request, *target, std::move(endpoint));
    LocalRun local(services_, request, *asked, call.target());
    if (auto ok = co_await admit(call, *asked, local); !ok) {
      call.set_headers(responder.headers(), false);
      co_return co_await write_openai_error(request, responder, std::move(ok.error()));
    }
    auto answer = asked->stream ? make_stream_answer(call, *asked, request, responder)
                                : make_whole_answer(call, *asked, request, responder);
    co_await metered(call, request, *asked, local, *answer);
    co_await answer->release();
  }

  // Up to the reservation: a refusal here leaves nothing behind.
  Task<Status> admit(Call& call, const ModelRequest& asked, LocalRun& local) {
    if (call.target().local()) {
      if (auto ok = co_await local.prepare(); !ok) co_return ok;
      co_return co_await call.reserve(local.input_tokens(), asked.choices(), asked.max_output, local.output_cap());
    }
    const int64_t cap = remote_output_cap(asked, call.target(), services_.current()->default_output_tokens);
    co_return co_await call.reserve(remote_input_bound(asked), asked.choices(), asked.max_output, cap);
  }

  // From the reservation on: whatever happens, it settles.
  Task<void> metered(Call& call, net::Request& request, const ModelRequest& asked, LocalRun& local, Answer& answer) {
    Ended ended;
    std::exception_ptr broke;
    try {
      if (call.target().local()) {
        auto turn = co_await call.enter_queue(local.slots());
        if (turn) {
          ended = co_await local.run(call, answer);
        } else {
          ended.outcome = outcome_of(turn.error());
          ended.error = std::move(turn.error());
        }
      } else {
        ended = co_await run_remote(services_, request, asked, call, answer);
      }
    } catch (...) {
      broke = std::current_exception();
    }
    if (broke) {
      const Error error(ErrorCode::kInternal);
      co_await call.settle({}, ledger::Outcome::kInDoubt, &error);
      std::rethrow_exception(broke);
    }
    if (ended.error && ended.error->code == ErrorCode::kCancelled && request.cancel.reason() == CancelReason::kShutdown)
      ended.error = Error(ErrorCode::kShuttingDown);
    co_await call.settle(ended.usage, ended.outcome, ended.error ? &*ended.error : nullptr);
    if (!ended.error) co_return co_await answer.finish(ended.usage);
    if (ended.error->code != ErrorCode::kCancelled) co_await answer.fail_with(std::move(*ended.error));
  }

  Task<Status> embed_local(Call& call, net::Request& request, net::Responder& responder, EmbeddingRequest& asked) {
    const auto type = asked.query ? engine::InputType::kQuery : engine::InputType::kPassage;
    const auto deadline = Deadline::in(services_.current()->call_deadline);
    const std::string model = call.target().upstream_model;
    const auto known = services_.engine.find(model);
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
    auto count = co_await services_.engine.count_embedding_tokens(model, asked.inputs, type, deadline);
    if (!count) co_return fail(std::move(count.error()));
    if (auto ok = co_await call.reserve(*count, 1, {}, 0); !ok) co_return ok;
    auto turn = co_await call.enter_queue(known ? static_cast<size_t>(std::max<int64_t>(1, known->slots)) : 1);
    if (!turn) co_return co_await ended(call, {}, std::move(turn.error()));
    auto made = co_await services_.engine.embed(model, asked.inputs, type, deadline, request.cancel);
    if (!made) co_return co_await ended(call, {}, std::move(made.error()));
    call.first_byte();
    const int64_t tokens = std::min(made->tokens, *count);
    co_await call.settle({.prompt_tokens = tokens}, ledger::Outcome::kFinished, nullptr);
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

  Task<Status> embed_remote(Call& call, net::Request& request, net::Responder& responder, EmbeddingRequest& asked) {
    if (asked.body.contains("input_type"))
      co_return fail(ErrorCode::kUnsupportedField,
                     "'input_type' is for the local embedding model; put a prefix into the text instead.",
                     {{"param", "input_type"}});
    int64_t bytes = 0;
    for (const auto& text : asked.inputs) bytes += static_cast<int64_t>(text.size()) + 8;
    if (auto ok = co_await call.reserve(bytes, 1, {}, 0); !ok) co_return ok;
    Json body = asked.body;
    body["model"] = call.target().upstream_model;
    const ProviderOptions& provider = *call.target().options;
    auto got = co_await services_.clients.here().fetch(
        upstream_request({.base_url = provider.base_url, .key = provider.key, .deadlines = provider.deadlines},
                         "/embeddings", dump(body), request.cancel));
    if (!got) {  // asked and perhaps read: its input is charged
      const bool perhaps = got.error().code == ErrorCode::kCancelled || got.error().code == ErrorCode::kUpstreamTimeout;
      co_return co_await ended(call, {.prompt_tokens = perhaps ? (bytes + 3) / 4 : 0, .estimated = perhaps},
                               std::move(got.error()));
    }
    call.first_byte();
    if (got->status != 200)
      co_return co_await ended(call, {}, upstream_refusal(got->status, got->body, got->headers, false));
    auto json = parse_json(got->body, {.allow_duplicate_keys = true});
    if (!json || !json->is_object() || !json->value("data", Json()).is_array()) {
      co_return co_await ended(call, {.prompt_tokens = bytes / 4, .estimated = true},
                               Error(ErrorCode::kUpstreamError,
                                     "The model's provider answered with something that is no list of embeddings."));
    }
    const ledger::Usage usage =
        read_usage(*json).value_or(ledger::Usage{.prompt_tokens = (bytes + 3) / 4, .estimated = true});
    co_await call.settle(usage, ledger::Outcome::kFinished, nullptr);
    (*json)["model"] = asked.model;
    co_return co_await send_embeddings(call, responder, std::move(*json));
  }

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

  mutable Services services_;
};

}  // namespace

std::unique_ptr<Gateway> make_gateway(GatewayOptions options, journal::Journal& journal, identity::Identity& identity,
                                      ledger::Ledger& ledger, engine::Engine& engine, net::HttpClients& clients,
                                      Clock& clock, Random& random, Log log) {
  return std::make_unique<ModelGateway>(std::move(options), journal, identity, ledger, engine, clients, clock, random,
                                        std::move(log));
}

}  // namespace steward::gateway
