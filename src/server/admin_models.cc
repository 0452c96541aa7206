#include "gateway/call.h"
#include "server/admin.h"
#include "server/page.h"
#include "server/price_json.h"

namespace steward::server {
namespace {

constexpr std::string_view kStates[] = {"idle", "loading", "ready", "failed"};

Json local_json(const engine::LocalModel& model) {
  Json out = {{"name", model.name},
              {"provider", "local"},
              {"kind", model.kind == engine::ModelKind::kChat ? "chat" : "embedding"},
              {"state", kStates[static_cast<size_t>(model.state)]},
              {"path", model.path.string()},
              {"file_bytes", model.file_bytes},
              {"parameters", model.parameters},
              {"context_tokens", model.context_tokens},
              {"train_context_tokens", model.train_context_tokens},
              {"slots", model.slots},
              {"architecture", model.architecture},
              {"quantization", model.quantization},
              {"license", model.license},
              {"shipped", model.shipped},
              {"resident_bytes", model.resident_bytes}};
  if (model.dimensions > 0) out["dimensions"] = model.dimensions;
  if (!model.problem.empty()) out["problem"] = model.problem;
  return out;
}

// What a million tokens cost now, where somebody told.
void add_price(const Core& core, const Id& tenant, Json& model) {
  const std::string provider = model["provider"].get<std::string>(), name = model["name"].get<std::string>();
  const auto price = core.ledger->price(tenant, provider, name);
  if (!price) return;
  const Json row = price_json(provider + "/" + name, *price);
  for (const char* rate : {"input_usd_per_million", "output_usd_per_million"}) model[rate] = row.value(rate, Json());
}

Task<Result<Reply>> list_models(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  co_await core.gateway->services().directory.refresh();
  std::map<std::string, Json> sorted;
  for (const auto& model : core.engine->models()) sorted["local/" + model.name] = local_json(model);
  for (const auto& entry : core.gateway->models()) {
    if (entry.provider == "local") continue;
    sorted[entry.provider + "/" + entry.name] = {{"name", entry.name},
                                                 {"provider", entry.provider},
                                                 {"kind", entry.kind},
                                                 {"state", entry.ready ? "ready" : "unknown"},
                                                 {"context_tokens", entry.context_tokens}};
    if (!entry.problem.empty()) sorted[entry.provider + "/" + entry.name]["problem"] = entry.problem;
  }
  for (auto& [id, model] : sorted) add_price(core, call.caller.tenant, model);
  co_return page_of({sorted.begin(), sorted.end()}, *query);
}

Task<Result<Reply>> load_model(Core& core, AdminCall call) {
  const std::string name = call.request.params.at("name");
  const auto deadline = Deadline::in(std::chrono::seconds(core.config.get()->integer("engine.load_timeout_s")));
  auto lease = co_await core.engine->acquire(name, deadline, call.request.cancel);
  if (!lease) co_return fail(lease.error());
  co_return Reply{200, {{"object", "model"}, {"name", name}, {"state", "ready"}}};
}

Task<Result<Reply>> rescan_models(Core& core, AdminCall call) {
  (void)call;
  core.engine->rescan();
  co_return Reply{200, {{"object", "rescan"}, {"state", "done"}}};
}

}  // namespace

std::vector<Endpoint> model_admin_endpoints(Core& core) {
  const std::string tag = "Local models";
  return {
      json_endpoint(
          "GET", "/admin/v1/models",
          {.tag = tag, .summary = "List every model with its state", .response_schema = "LocalModel", .list = true},
          [&core](AdminCall call) { return list_models(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/models/{name}/load",
                    {.tag = tag, .summary = "Load a local model now", .response_schema = "ModelAction"},
                    [&core](AdminCall call) { return load_model(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/models/rescan",
                    {.tag = tag, .summary = "Look into the models folder again", .response_schema = "ModelAction"},
                    [&core](AdminCall call) { return rescan_models(core, std::move(call)); }),
  };
}

}  // namespace steward::server
