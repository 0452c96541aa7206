#include <unistd.h>

#include "server/admin.h"
#include "server/events.h"
#include "server/metrics.h"

namespace steward::server {
namespace {

std::string_view phase_name(Phase phase) {
  static constexpr std::string_view kNames[] = {"starting", "ready", "stopping"};
  return kNames[static_cast<size_t>(phase)];
}

std::string_view state_name(journal::State state) {
  static constexpr std::string_view kNames[] = {"starting", "ready", "read only", "failed"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view state_name(engine::ModelState state) {
  static constexpr std::string_view kNames[] = {"idle", "loading", "ready", "failed"};
  return kNames[static_cast<size_t>(state)];
}

// For anybody who may ask /readyz: what it is, not where.
Json store_json(const journal::StoreInfo& store) {
  Json out = {{"kind", store.kind}, {"version", store.version}};
  if (store.epoch > 0) out["lease_epoch"] = store.epoch;
  if (!store.warnings.empty()) out["warnings"] = store.warnings;
  return out;
}

bool is_ready(const Core& core) {
  return core.phase == Phase::kReady && core.journal->state() == journal::State::kReady;
}

Task<void> healthz(net::Request& request, net::Responder& responder) {
  (void)request;
  (void)co_await responder.send(200, "application/json", R"({"status":"ok"})");
}

Task<void> readyz(Core& core, net::Request& request, net::Responder& responder) {
  (void)request;
  const bool ready = is_ready(core);
  if (!ready) responder.headers().set("retry-after", "1");
  (void)co_await responder.send(ready ? 200 : 503, "application/json", dump(status_json(core)));
}

Task<void> metrics(Core& core, net::Request& request, net::Responder& responder) {
  (void)request;
  (void)co_await responder.send(200, "text/plain; version=0.0.4; charset=utf-8", prometheus_text(all_metrics(core)));
}

Task<Result<Reply>> get_status(Core& core, AdminCall call) {
  Json body = status_json(core);
  const auto snapshot = core.identity->snapshot();
  body["tenant"] = call.caller.tenant;
  body["owner"] = core.owner().principal;
  body["organisation"] = snapshot->tenants.contains(call.caller.tenant) ? snapshot->tenants.at(call.caller.tenant) : "";
  body["home"] = core.home.root.string();
  body["pid"] = ::getpid();
  body["started_at"] = to_rfc3339(core.started_at);
  body["keys"] = snapshot->keys.size();
  body["process"] = core.http_metrics->operations().status();
  co_return Reply{200, std::move(body)};
}

}  // namespace

Json status_json(const Core& core) {
  const Phase phase = core.phase;
  Json out = {{"status", phase_name(phase)}, {"version", STEWARD_VERSION}, {"parts", Json::object()}};
  Json& parts = out["parts"];
  if (phase == Phase::kStarting) {
    const std::lock_guard lock(core.starting_mutex);
    parts[core.starting_part] = {{"state", "starting"}};
    return out;
  }
  const auto state = core.journal->state();
  if (phase == Phase::kReady && state != journal::State::kReady) out["status"] = state_name(state);
  const journal::Seq written = core.journal->written_seq(core.tenant), applied = core.views->applied_seq(core.tenant);
  parts["journal"] = {
      {"state", state_name(state)}, {"written_seq", written}, {"durable_seq", core.journal->durable_seq(core.tenant)}};
  parts["journal"]["store"] = store_json(core.journal->store());
  if (auto problem = core.journal->problem(); !problem.empty()) parts["journal"]["problem"] = std::move(problem);
  parts["views"] = {{"state", applied >= written ? "ready" : "catching up"}, {"applied_seq", applied}};
  Json models = Json::object();
  for (const auto& model : core.engine->models()) {
    models[model.name] = {{"state", state_name(model.state)}};
    if (!model.problem.empty()) models[model.name]["problem"] = model.problem;
  }
  parts["engine"] = {{"state", "ready"}, {"models", std::move(models)}};
  return out;
}

std::vector<Endpoint> health_endpoints(Core& core) {
  const std::string tag = "Health";
  return {
      Endpoint{"GET",
               "/healthz",
               Access::kOpen,
               {.tag = tag, .summary = "Whether the process lives", .response_schema = "Health"},
               nullptr,
               [](identity::Caller, net::Request& request, net::Responder& responder) {
                 return healthz(request, responder);
               }},
      Endpoint{"GET",
               "/readyz",
               Access::kOpen,
               {.tag = tag,
                .summary = "Whether it can serve, part by part (503: not yet, or no longer)",
                .response_schema = "Status"},
               nullptr,
               [&core](identity::Caller, net::Request& request, net::Responder& responder) {
                 return readyz(core, request, responder);
               }},
      Endpoint{"GET",
               "/metrics",
               Access::kMetrics,
               {.tag = tag, .summary = "Metrics as Prometheus reads them", .content_type = "text/plain"},
               nullptr,
               [&core](identity::Caller, net::Request& request, net::Responder& responder) {
                 return metrics(core, request, responder);
               }},
      json_endpoint("GET", "/admin/v1/status",
                    {.tag = tag, .summary = "The server, part by part", .response_schema = "Status"},
                    [&core](AdminCall call) { return get_status(core, std::move(call)); }),
  };
}

}  // namespace steward::server
