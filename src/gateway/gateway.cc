// The handlers: from a request's bytes to a settled call.
#include "gateway/gateway.h"

#include <algorithm>

#include "gateway/completions/serve.h"
#include "gateway/embeddings/serve.h"
#include "gateway/route_explain.h"
#include "gateway/route_facts.h"
#include "gateway/serve.h"

namespace steward::gateway {
namespace {

using identity::Caller;

constexpr std::string_view kCompletions = "completions", kEmbeddings = "embeddings", kModels = "models";
constexpr std::string_view kRoutes = "steward";  // whose a route is

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
                  .random = random,
                  .ids = IdMaker(clock, random),
                  .log = std::move(log),
                  .directory = Directory(options.providers, engine, ledger, clients, clock),
                  .router = routing::Router(options.routing, clock),
                  .options = std::make_shared<const GatewayOptions>(options)} {}

  Task<void> answer(Dialect dialect, Caller caller, net::Request& request, net::Responder& responder) override {
    auto asked = read_call(dialect, request);
    if (!asked) co_return co_await refuse(services_, dialect, request, responder, std::move(asked.error()));
    co_await serve(services_, std::move(caller), std::move(*asked), request, responder);
  }

  Task<void> count_tokens(Dialect dialect, Caller caller, net::Request& request, net::Responder& responder) override {
    auto asked = read_call(dialect, request);
    if (!asked) co_return co_await refuse(services_, dialect, request, responder, std::move(asked.error()));
    co_await serve_count(services_, std::move(caller), std::move(*asked), request, responder);
  }

  Task<void> gemini(Caller caller, net::Request& request, net::Responder& responder) override {
    auto path = split_gemini_path(request.params["call"]);
    if (path && (path->method == "embedContent" || path->method == "batchEmbedContents"))
      co_return co_await embed_for_gemini(std::move(caller), std::move(*path), request, responder);
    const bool stream = path && path->method == "streamGenerateContent";
    const bool counts = path && path->method == "countTokens";
    if (!path || (!stream && !counts && path->method != "generateContent")) {
      co_return co_await refuse(services_, Dialect::kGemini, request, responder,
                                Error(ErrorCode::kNotFound,
                                      "A model is asked for generateContent, "
                                      "streamGenerateContent, countTokens, embedContent or batchEmbedContents here."));
    }
    auto asked = read_call(Dialect::kGemini, request, {.model = path->model, .stream = stream});
    if (!asked) co_return co_await refuse(services_, Dialect::kGemini, request, responder, std::move(asked.error()));
    if (counts) co_return co_await serve_count(services_, std::move(caller), std::move(*asked), request, responder);
    co_await serve(services_, std::move(caller), std::move(*asked), request, responder);
  }

  Task<void> completions(Caller caller, net::Request& request, net::Responder& responder) override {
    auto body = parse_json(request.body);
    auto asked = body ? read_completion(std::move(*body)) : Result<CompletionRequest>(fail(std::move(body.error())));
    if (asked) {
      if (auto ok = may_use(services_, caller, asked->model, kCompletions); !ok) asked = fail(std::move(ok.error()));
    }
    if (!asked) co_return co_await refuse_plainly(request, responder, kCompletions, std::move(asked.error()));
    co_await serve_completion(services_, std::move(caller), std::move(*asked), request, responder);
  }

  Task<void> embeddings(Caller caller, net::Request& request, net::Responder& responder) override {
    auto body = parse_json(request.body);
    auto asked = body ? read_embedding(std::move(*body)) : Result<EmbeddingRequest>(fail(std::move(body.error())));
    if (asked) {
      if (auto ok = may_use(services_, caller, asked->model, kEmbeddings); !ok) asked = fail(std::move(ok.error()));
    }
    if (!asked) co_return co_await refuse_plainly(request, responder, kEmbeddings, std::move(asked.error()));
    co_await serve_embedding(services_, std::move(caller), std::move(*asked), request, responder);
  }

  Task<void> list_models(Caller caller, net::Request&, net::Responder& responder) override {
    co_await services_.directory.refresh();
    Json data = Json::array();
    for (const auto& entry : entries()) {
      if (may_use(services_, caller, entry.name, kModels)) data.push_back(model_json(entry));
    }
    co_await responder.send(200, "application/json", dump({{"object", "list"}, {"data", std::move(data)}}));
  }

  Task<void> get_model(Caller caller, net::Request& request, net::Responder& responder) override {
    const std::string name = request.params.contains("id") ? request.params["id"] : "";
    if (auto ok = co_await is_here(name); !ok) co_return co_await write_openai_error(request, responder, ok.error());
    if (auto ok = may_use(services_, caller, name, kModels); !ok)
      co_return co_await write_openai_error(request, responder, std::move(ok.error()));
    for (const auto& entry : entries()) {
      if (entry.name != name && entry.provider + "/" + entry.name != name) continue;
      co_await responder.send(200, "application/json", dump(model_json(entry)));
      co_return;
    }
    co_await write_openai_error(request, responder, Error(ErrorCode::kModelNotFound));
  }

  Task<void> list_gemini_models(Caller caller, net::Request&, net::Responder& responder) override {
    co_await services_.directory.refresh();
    Json models = Json::array();
    for (const auto& entry : entries()) {
      if (may_use(services_, caller, entry.name, kModels)) models.push_back(gemini_json(entry));
    }
    (void)co_await responder.send(200, "application/json", dump({{"models", std::move(models)}}));
  }

  Task<void> get_gemini_model(Caller caller, net::Request& request, net::Responder& responder) override {
    const std::string name = request.params["call"];
    if (auto ok = co_await is_here(name); !ok)
      co_return co_await refuse(services_, Dialect::kGemini, request, responder, std::move(ok.error()));
    if (auto ok = may_use(services_, caller, name, kModels); !ok)
      co_return co_await refuse(services_, Dialect::kGemini, request, responder, std::move(ok.error()));
    ModelEntry entry{.name = name, .provider = std::string(kRoutes)};
    if (const auto target = services_.directory.known(name))
      entry = {.name = name, .provider = target->provider, .context_tokens = target->context_tokens};
    (void)co_await responder.send(200, "application/json", dump(gemini_json(entry)));
  }

  Services& services() override { return services_; }
  std::vector<ModelEntry> models() const override { return services_.directory.entries(); }
  Task<std::vector<Json>> routes() override { return list_routes(services_); }
  Task<Result<Json>> explain(Caller caller, ExplainAsk ask) override {
    return explain_call(services_, std::move(caller), std::move(ask));
  }

  std::vector<Metric> metrics() const override {
    std::vector<Metric> out = services_.meters.read();
    for (auto& metric : route_metrics(services_.router)) out.push_back(std::move(metric));
    std::lock_guard lock(services_.mutex);
    if (const auto& traces = services_.options->traces; traces) {
      out.push_back({"steward_trace_spans_sent_total",
                     "Spans that the collector took.",
                     "counter",
                     {},
                     static_cast<double>(traces->sent())});
      out.push_back({"steward_trace_spans_dropped_total",
                     "Spans that found the queue full, or that the collector refused.",
                     "counter",
                     {},
                     static_cast<double>(traces->dropped())});
    }
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
    services_.router.reload(options.routing);
    std::lock_guard lock(services_.mutex);
    services_.options = std::make_shared<const GatewayOptions>(std::move(options));
  }

 private:
  Task<void> embed_for_gemini(Caller caller, GeminiPath path, net::Request& request, net::Responder& responder) {
    auto body = parse_json(request.body);
    const bool batch = path.method == "batchEmbedContents";
    auto asked = body ? read_gemini_embedding(std::move(*body), std::move(path.model), batch)
                      : Result<EmbeddingRequest>(fail(std::move(body.error())));
    if (asked) {
      if (auto ok = may_use(services_, caller, asked->model, kEmbeddings); !ok) asked = fail(std::move(ok.error()));
    }
    if (!asked) co_return co_await refuse(services_, Dialect::kGemini, request, responder, std::move(asked.error()));
    co_await serve_embedding(services_, std::move(caller), std::move(*asked), request, responder);
  }

  Task<void> refuse_plainly(net::Request& request, net::Responder& responder, std::string_view endpoint, Error error) {
    services_.meters.refused(std::string(endpoint), info(error.code).name);
    co_await write_openai_error(request, responder, std::move(error));
  }

  // The models and the routes, which are models to a caller. A route hides a model of its name.
  std::vector<ModelEntry> entries() {
    services_.router.offer(offered_models(services_.directory));
    std::vector<ModelEntry> out;
    for (const auto& route : services_.router.routes())
      out.push_back({.name = route->name, .provider = std::string(kRoutes), .ready = true, .kind = "chat"});
    for (auto& entry : services_.directory.entries()) {
      if (!services_.router.find(entry.name)) out.push_back(std::move(entry));
    }
    return out;
  }

  Task<Status> is_here(std::string name) {
    services_.router.offer(offered_models(services_.directory));
    if (services_.router.find(name)) co_return Status{};
    auto target = co_await services_.directory.find(std::move(name));
    if (!target) co_return fail(std::move(target.error()));
    co_return Status{};
  }

  Json model_json(const ModelEntry& entry) const {
    Json out = {{"id", entry.name},         {"object", "model"},
                {"created", entry.created}, {"owned_by", entry.provider == "local" ? "steward" : entry.provider},
                {"kind", entry.kind},       {"ready", entry.ready}};
    if (entry.context_tokens > 0) out["context_window"] = entry.context_tokens;
    if (!entry.problem.empty()) out["problem"] = entry.problem;
    return out;
  }

  static Json gemini_json(const ModelEntry& entry) {
    Json out = {{"name", "models/" + entry.name},
                {"displayName", entry.name},
                {"description", fmt::format("{}, through Steward", entry.provider)},
                {"supportedGenerationMethods", {"generateContent", "streamGenerateContent", "countTokens"}}};
    if (entry.kind == "embedding") out["supportedGenerationMethods"] = {"embedContent", "batchEmbedContents"};
    if (entry.context_tokens > 0) out["inputTokenLimit"] = entry.context_tokens;
    return out;
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
