#include <unistd.h>

#include "journal/health.h"
#include "server/admin.h"
#include "server/events.h"
#include "server/host_watch.h"
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

// /readyz is open to anyone.
enum class ForWhom { kAnyone, kOwner };

Json status_for(const Core& core, ForWhom whom);

Json trouble_json(const Trouble& trouble, ForWhom whom) {
  Json out = {
      {"code", trouble.code}, {"message", trouble.message}, {"advice", trouble.advice}, {"blocks", trouble.blocks}};
  if (whom == ForWhom::kOwner && !trouble.detail.empty()) out["detail"] = trouble.detail;
  return out;
}

Task<void> healthz(net::Request& request, net::Responder& responder) {
  (void)request;
  (void)co_await responder.send(200, "application/json", R"({"status":"ok"})");
}

Task<void> readyz(Core& core, net::Request& request, net::Responder& responder) {
  (void)request;
  const Json status = status_for(core, ForWhom::kAnyone);
  const bool ready = !status.contains("reason");
  if (!ready) responder.headers().set("retry-after", "1");
  (void)co_await responder.send(ready ? 200 : 503, "application/json", dump(status));
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

std::vector<Trouble> all_troubles(const Core& core) {
  std::vector<Trouble> out;
  const auto add = [&out](std::vector<Trouble> more) { out.insert(out.end(), more.begin(), more.end()); };
  if (core.phase == Phase::kStarting)
    add({{"starting", "The server is starting.", "Wait a moment; its log says what it is at.", true}});
  if (core.phase == Phase::kStopping)
    add({{"shutting_down", "The server is stopping: calls under way may finish, new ones are refused.",
          "Start it again if that was not intended.", true}});
  if (core.phase != Phase::kStarting) {
    add(journal::troubles_of(*core.journal));
    if (core.journal->state() != journal::State::kReady && out.empty())
      add({{"store_unavailable", "The journal can't be written, so nothing new is promised.",
            "The server tries again by itself; its log says why.", true}});
    add(journal::troubles_of(*core.views));
  }
  if (core.http_metrics->watch) add(core.http_metrics->watch->troubles());
  std::vector<Trouble> sorted;
  for (const bool blocks : {true, false})
    std::ranges::copy_if(out, std::back_inserter(sorted), [blocks](const Trouble& t) { return t.blocks == blocks; });
  return sorted;
}

namespace {

Json status_for(const Core& core, ForWhom whom) {
  const Phase phase = core.phase;
  Json out = {{"status", phase_name(phase)}, {"version", STEWARD_VERSION}, {"parts", Json::object()}};
  out["troubles"] = Json::array();
  for (const Trouble& trouble : all_troubles(core)) {
    Json told = trouble_json(trouble, whom);
    if (trouble.blocks && !out.contains("reason")) out["reason"] = told;
    out["troubles"].push_back(std::move(told));
  }
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

}  // namespace

Json status_json(const Core& core) { return status_for(core, ForWhom::kOwner); }

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
