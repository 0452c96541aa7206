// Routes, from the configuration's [routing] and [routes.NAME] to what the gateway takes; and back, for those that are
// set over the API. Pure functions of a Config.
#pragma once
#include <map>
#include <string>

#include "base/config.h"
#include "base/json_fwd.h"
#include "gateway/routing/router.h"

namespace steward::server {

// kConfig lists every problem, a line each, with the key and where it was set.
Result<gateway::routing::RouterOptions> router_options(const Config& config);

// A route as the API takes it ({"deployments": [...], "order": "weighted", …}) as settings: full key → value. Every key
// of [routes.NAME] that the body lacks is taken back (null), so that a route is what was last said. kInvalidRequest
// names an unknown member and the nearest known one.
Result<std::map<std::string, Json>> route_settings(const std::string& name, const Json& body);

}  // namespace steward::server
