#include "gateway/route_explain.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/dialects/dialect.h"
#include "gateway/route_facts.h"
#include "gateway/routed.h"
#include "gateway/serve.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxHeaders = 32;

std::optional<Dialect> dialect_from(std::string_view text) {
  for (const auto dialect : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini}) {
    if (to_text(dialect) == text) return dialect;
  }
  return std::nullopt;
}

Dialect guessed(const Json& request) {
  if (request.contains("contents")) return Dialect::kGemini;
  return request.contains("input") ? Dialect::kResponses : Dialect::kChat;
}

std::unexpected<Error> wrong(std::string_view name, std::string_view what) {
  return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' must be {}.", name, what), {{"param", name}});
}

Status read_text(const Json& body, const char* name, std::string& into) {
  if (!body.contains(name) || body[name].is_null()) return {};
  if (!body[name].is_string()) return wrong(name, "a text");
  into = body[name].get<std::string>();
  return {};
}

Status read_headers(const Json& body, net::Headers& into) {
  if (!body.contains("headers")) return {};
  if (!body["headers"].is_object() || body["headers"].size() > kMaxHeaders)
    return wrong("headers", "an object of at most 32 texts");
  for (const auto& [name, value] : body["headers"].items()) {
    if (!value.is_string()) return wrong("headers", "an object of texts");
    into.set(name, value.get<std::string>());
  }
  return {};
}

Json facts_json(const routing::RouteFacts& facts) {
  Json tags = Json::object();
  for (const auto& [name, value] : facts.tags) tags[name] = value;
  Json out = {{"input_tokens", facts.input_tokens},
              {"output_tokens", facts.output_tokens},
              {"tools", facts.tools},
              {"images", facts.images},
              {"documents", facts.documents},
              {"streamed", facts.streamed},
              {"tags", std::move(tags)},
              {"time", to_rfc3339(facts.now_us)}};
  if (!facts.key.empty()) out["key"] = facts.key;
  if (facts.deadline_us > 0) out["deadline_us"] = facts.deadline_us;
  if (facts.max_cost) out["max_cost_microusd"] = to_microusd_decimal(*facts.max_cost);
  return out;
}

}  // namespace

Result<ExplainAsk> read_explain(const Json& body) {
  ExplainAsk out;
  if (!body.contains("request")) {
    out.request = body;
    out.dialect = guessed(body);
    if (auto ok = read_text(body, "model", out.model); !ok) return fail(std::move(ok.error()));
    return out;
  }
  out.request = body["request"];
  if (!out.request.is_object()) return wrong("request", "a call's body");
  out.dialect = guessed(out.request);
  std::string dialect;
  for (const auto& [name, into] :
       {std::pair<const char*, std::string*>{"dialect", &dialect}, {"model", &out.model}, {"key", &out.key}}) {
    if (auto ok = read_text(body, name, *into); !ok) return fail(std::move(ok.error()));
  }
  if (!dialect.empty()) {
    const auto known = dialect_from(dialect);
    if (!known) return wrong("dialect", "chat, responses, messages or gemini");
    out.dialect = *known;
  }
  if (auto ok = read_headers(body, out.headers); !ok) return fail(std::move(ok.error()));
  if (body.contains("assume")) out.assume = body["assume"];
  if (!out.assume.is_null() && !out.assume.is_object()) return wrong("assume", "an object");
  return out;
}

Task<Result<Json>> explain_call(Services& services, identity::Caller caller, ExplainAsk ask) {
  const IncomingCall incoming{.model = ask.model, .headers = &ask.headers};
  auto request = ingress_of(ask.dialect).read_request(std::move(ask.request), incoming);
  if (!request) co_return fail(std::move(request.error()));
  services.router.offer(offered_models(services.directory));
  auto routed = co_await route_call(services, caller, *request, ask.headers, ask.assume);
  if (!routed) co_return fail(std::move(routed.error()));
  Json out = routed->plan.to_json();
  out["object"] = "route_plan";
  out["model"] = request->model;
  out["facts"] = facts_json(routed->facts);
  if (auto ok = may_use(services, caller, request->model, "chat"); !ok) {
    out["refusal"] = {{"code", info(ok.error().code).name}, {"message", ok.error().message}};
  } else if (routed->plan.candidates.empty()) {
    const Error refusal = routed->plan.refusal();
    out["refusal"] = {{"code", info(refusal.code).name}, {"message", refusal.message}};
  } else if (!routed->plan.route->offered) {
    if (auto found = co_await services.directory.find(request->model); !found)
      out["refusal"] = {{"code", info(found.error().code).name}, {"message", found.error().message}};
  }
  co_return out;
}

std::vector<Metric> route_metrics(const routing::Router& router) {
  std::vector<Metric> out;
  for (const auto& one : router.health_json()) {
    const std::string deployment = one["deployment"].get<std::string>(), circuit = one["circuit"].get<std::string>();
    for (const char* outcome : {"answered", "failed"}) {
      out.push_back({"steward_attempts_total",
                     "Attempts at deployments, by how they ended.",
                     "counter",
                     {{"deployment", deployment}, {"outcome", outcome}},
                     static_cast<double>(one[outcome].get<int64_t>())});
    }
    out.push_back({"steward_circuit_open",
                   "Whether a deployment rests after failures (1), or is tried by one call (0.5).",
                   "gauge",
                   {{"deployment", deployment}},
                   circuit == "open"     ? 1.0
                   : circuit == "closed" ? 0.0
                                         : 0.5});
  }
  return out;
}

Task<std::vector<Json>> list_routes(Services& services) {
  co_await services.directory.refresh();
  services.router.offer(offered_models(services.directory));
  const Json health = services.router.health_json();
  std::vector<Json> out;
  for (const auto& route : services.router.routes()) {
    Json row = route->to_json();
    row["object"] = "route";
    Json fares = Json::array();
    for (const auto& deployment : route->deployments) {
      Json one = {{"deployment", deployment.model}, {"known", services.directory.known(deployment.model).has_value()}};
      for (const auto& known : health) {
        if (known["deployment"] == deployment.model) one.update(known);
      }
      fares.push_back(std::move(one));
    }
    row["health"] = std::move(fares);
    out.push_back(std::move(row));
  }
  co_return out;
}

}  // namespace steward::gateway
