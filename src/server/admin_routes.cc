// Routes: what there is, how its deployments fare, setting one, and where a call would go.
#include "gateway/route_explain.h"
#include "server/admin.h"
#include "server/page.h"
#include "server/route_options.h"
#include "server/settings.h"

namespace steward::server {
namespace {

std::string deployments_key(const std::string& name) { return fmt::format("routes.{}.deployments", name); }

Task<Result<Reply>> list_routes(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (auto& route : co_await core.gateway->routes()) {
    std::string name = route["name"].get<std::string>();
    rows.emplace_back(std::move(name), std::move(route));
  }
  co_return page_of(rows, *query);
}

Task<Result<Reply>> get_route(Core& core, AdminCall call) {
  const std::string& name = call.request.params.at("name");
  for (auto& route : co_await core.gateway->routes()) {
    if (route["name"] == name) co_return Reply{200, std::move(route)};
  }
  co_return fail(ErrorCode::kNotFound, fmt::format("There is no route '{}': GET /admin/v1/routes lists them.", name));
}

// Only what differs from what is set: every change is a record.
std::map<std::string, Json> differing(const std::map<std::string, Json>& wanted,
                                      const std::map<std::string, Json>& set) {
  std::map<std::string, Json> out;
  for (const auto& [key, value] : wanted) {
    const auto found = set.find(key);
    if (found == set.end() ? !value.is_null() : found->second != value) out.emplace(key, value);
  }
  return out;
}

// Set, tried, and taken back where the whole would not hold.
Task<Status> apply(Core& core, identity::Caller caller, std::map<std::string, Json> wanted) {
  const auto before = core.settings->values();
  auto changes = differing(wanted, before);
  if (auto done = co_await core.settings->change_all(*core.journal, caller, changes); !done) co_return done;
  auto report = core.reload();
  if (report) co_return Status{};
  for (auto& [key, value] : changes) value = before.contains(key) ? before.at(key) : Json();
  (void)co_await core.settings->change_all(*core.journal, caller, std::move(changes));
  (void)core.reload();
  co_return fail(ErrorCode::kInvalidRequest, report.error().message, {{"param", "deployments"}});
}

Task<Result<Reply>> put_route(Core& core, AdminCall call) {
  auto wanted = route_settings(call.request.params.at("name"), call.body);
  if (!wanted) co_return fail(std::move(wanted.error()));
  if (auto done = co_await apply(core, call.caller, std::move(*wanted)); !done) co_return fail(std::move(done.error()));
  co_return co_await get_route(core, std::move(call));
}

Task<Result<Reply>> delete_route(Core& core, AdminCall call) {
  const std::string name = call.request.params.at("name");
  const auto config = core.config.get();
  const auto found = config->all().find(deployments_key(name));
  if (found == config->all().end())
    co_return fail(ErrorCode::kNotFound,
                   fmt::format("No route '{}' was set. 'fast' and 'deep' go with routing.defaults = false.", name));
  if (found->second.origin != Origin::kSetting)
    co_return fail(ErrorCode::kConflict,
                   fmt::format("The route '{}' stands in {}: take it out there.", name, found->second.where));
  std::map<std::string, Json> wanted;
  for (const auto& [key, value] : core.settings->values()) {
    const auto path = split_config_key(key);
    if (path && path->section == "routes" && path->thing == name) wanted.emplace(key, nullptr);
  }
  if (auto done = co_await apply(core, call.caller, std::move(wanted)); !done) co_return fail(std::move(done.error()));
  co_return Reply{200, {{"id", name}, {"object", "route"}, {"deleted", true}}};
}

Task<Result<Reply>> explain_route(Core& core, AdminCall call) {
  auto asked = gateway::read_explain(call.body);
  if (!asked) co_return fail(std::move(asked.error()));
  identity::Caller caller = call.caller;
  if (!asked->key.empty()) {
    const auto snapshot = core.identity->snapshot();
    const auto found = snapshot->keys.find(asked->key);
    if (found == snapshot->keys.end() || found->second->tenant != caller.tenant)
      co_return fail(ErrorCode::kNotFound, fmt::format("There is no key '{}'.", asked->key.substr(0, 100)),
                     {{"param", "key"}});
    caller = {.tenant = caller.tenant, .principal = found->second->spec.owner, .key = found->second};
  }
  auto plan = co_await core.gateway->explain(std::move(caller), std::move(*asked));
  if (!plan) co_return fail(std::move(plan.error()));
  co_return Reply{200, std::move(*plan)};
}

}  // namespace

std::vector<Endpoint> route_endpoints(Core& core) {
  const std::string tag = "Routes";
  return {
      json_endpoint("GET", "/admin/v1/routes",
                    {.tag = tag,
                     .summary = "List the routes, with how their deployments fare",
                     .response_schema = "Route",
                     .list = true},
                    [&core](AdminCall call) { return list_routes(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/routes/{name}",
                    {.tag = tag, .summary = "Show a route", .response_schema = "Route"},
                    [&core](AdminCall call) { return get_route(core, std::move(call)); }),
      json_endpoint("PUT", "/admin/v1/routes/{name}",
                    {.tag = tag,
                     .summary = "Set a route",
                     .description = "What the body leaves out is as steward.toml and [routing] say.",
                     .request_schema = "NewRoute",
                     .response_schema = "Route"},
                    [&core](AdminCall call) { return put_route(core, std::move(call)); }),
      json_endpoint("DELETE", "/admin/v1/routes/{name}",
                    {.tag = tag, .summary = "Remove a route that was set here", .response_schema = "Deleted"},
                    [&core](AdminCall call) { return delete_route(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/routes/explain",
                    {.tag = tag,
                     .summary = "Where a call would go, and why",
                     .description = "Nothing is sent and nothing is reserved.",
                     .request_schema = "ExplainRoute",
                     .response_schema = "RoutePlan"},
                    [&core](AdminCall call) { return explain_route(core, std::move(call)); }),
  };
}

}  // namespace steward::server
