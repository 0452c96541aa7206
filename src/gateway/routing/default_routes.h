// "fast" and "deep": the routes that are there without anybody having made them, from the models that are offered.
//
// Per provider the model that its name shows to be its quickest, or its best; providers in the order of the table of
// names, so that one's failure falls back to another's. A local model stands at the end of "fast" (at its front where
// the owner named it as engine.default_model), and in "deep" only where no provider is. Pure functions.
#pragma once
#include <string>
#include <vector>

#include "gateway/routing/route.h"

namespace steward::gateway::routing {

inline constexpr std::string_view kFastRoute = "fast", kDeepRoute = "deep";

struct OfferedModel {
  std::string name;      // as offered: "gpt-4.1-mini"
  std::string provider;  // or "local"
  std::string kind = "chat";
  bool operator==(const OfferedModel&) const = default;
  bool local() const { return provider == "local"; }
};

// `default_model`: the owner's engine.default_model, or empty. Routes without any deployment are left out. `like`:
// retries, deadlines and so on.
std::vector<Route> default_routes(const std::vector<OfferedModel>& offered, const std::string& default_model,
                                  const Route& like);

}  // namespace steward::gateway::routing
