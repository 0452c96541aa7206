#include "gateway/routing/route.h"

#include "base/json.h"

namespace steward::gateway::routing {

Json Route::to_json() const {
  Json lines = Json::array();
  for (const auto& deployment : deployments) lines.push_back(deployment.text());
  Json out = {{"name", name},
              {"origin", origin},
              {"order", order == Order::kWeighted ? "weighted" : "listed"},
              {"deployments", std::move(lines)},
              {"retries", retries},
              {"backoff_ms", backoff_us / 1000},
              {"backoff_max_ms", backoff_max_us / 1000},
              {"max_wait_ms", max_wait_us / 1000},
              {"first_byte_timeout_ms", first_byte_us / 1000},
              {"between_bytes_timeout_ms", between_bytes_us / 1000},
              {"total_timeout_ms", total_us / 1000},
              {"hedge_after_ms", hedge_after_us / 1000},
              {"keep_alive_ms", keep_alive_us / 1000},
              {"affinity", affinity},
              {"time_zone", zone}};
  if (!doc.empty()) out["description"] = doc;
  if (max_cost) out["max_cost_usd"] = to_usd_string(*max_cost).substr(1);
  return out;
}

std::shared_ptr<const Route> route_of_model(const std::string& model, const Route& like) {
  auto out = std::make_shared<Route>(like);
  out->name = model;
  out->doc.clear();
  out->origin = "model";
  out->offered = false;
  out->order = Order::kListed;
  out->affinity = false;
  out->deployments.assign(1, Deployment{.model = model});
  return out;
}

}  // namespace steward::gateway::routing
