#include "base/text.h"
#include "journal/location.h"
#include "server/admin.h"
#include "server/metrics.h"
#include "server/page.h"
#include "server/settings.h"

namespace steward::server {
namespace {

// An address may hold a password.
Json shown(const std::string& key, const Json& value) {
  return key == "journal.url" && value.is_string() ? Json(journal::redacted(value.get<std::string>())) : value;
}

Json value_json(const std::string& key, const ConfigValue& value) {
  return {{"key", key},
          {"value", shown(key, value.value)},
          {"origin", origin_name(value.origin)},
          {"where", value.where.empty() ? Json(nullptr) : Json(value.where)},
          {"default", value.key->fallback},
          {"reload", value.key->reload == Reload::kAtOnce ? "at once" : "restart"},
          {"doc", value.key->doc}};
}

Task<Result<Reply>> list_config(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  if (!call.request.query.contains("limit")) query->limit = 1000;
  const auto config = core.config.get();
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [key, value] : config->all()) rows.emplace_back(key, value_json(key, value));
  co_return page_of(rows, *query);
}

Json report_json(const ReloadReport& report) {
  return {{"object", "reload"}, {"applied", report.applied}, {"needs_restart", report.needs_restart}};
}

Task<Result<Reply>> reload_config(Core& core, AdminCall call) {
  auto report = core.reload();
  if (!report) {
    core.http_metrics->operations().look_now();  // logrotate and certificates come without a new configuration
    co_return fail(ErrorCode::kInvalidRequest,
                   "Nothing was changed: the configuration has errors.\n" + report.error().message,
                   report.error().details);
  }
  co_return Reply{200, report_json(*report)};
}

// Tried before it is journaled: a setting that would break the whole must not outlive the request.
Task<Result<Reply>> change_setting(Core& core, AdminCall call, bool set) {
  Json value;
  if (set) {
    if (!call.body.contains("value"))
      co_return fail(ErrorCode::kInvalidRequest, "'value' is needed.", {{"param", "value"}});
    value = call.body["value"];
  }
  const std::string key = call.request.params.at("key");
  // What may be reached inside is for the home's owner to say, not for whoever has a key with scope admin.
  if (key == "limits.allow_inside" && !call.request.over_unix)
    co_return fail(ErrorCode::kForbidden, "limits.allow_inside can be set only over the home's socket or in the file.");
  if (auto done = co_await core.settings->change(*core.journal, call.caller, key, value); !done)
    co_return fail(done.error());
  auto report = core.reload();
  if (!report) {
    (void)co_await core.settings->change(*core.journal, call.caller, key, nullptr);
    co_return fail(ErrorCode::kInvalidRequest, report.error().message);
  }
  Json body = report_json(*report);
  const auto config = core.config.get();
  if (const auto found = config->all().find(key); found != config->all().end())
    body["setting"] = value_json(key, found->second);
  co_return Reply{200, std::move(body)};
}

}  // namespace

std::vector<Endpoint> config_endpoints(Core& core) {
  const std::string tag = "Configuration";
  return {
      json_endpoint("GET", "/admin/v1/config",
                    {.tag = tag,
                     .summary = "Every value in force, with its origin",
                     .response_schema = "ConfigValue",
                     .list = true},
                    [&core](AdminCall call) { return list_config(core, std::move(call)); }),
      json_endpoint("PUT", "/admin/v1/config/{key}",
                    {.tag = tag,
                     .summary = "Set a key",
                     .description = "Stands over the TOML file, under the environment and flags.",
                     .request_schema = "NewSetting",
                     .response_schema = "Reload"},
                    [&core](AdminCall call) { return change_setting(core, std::move(call), true); }),
      json_endpoint("DELETE", "/admin/v1/config/{key}",
                    {.tag = tag, .summary = "Take a setting back", .response_schema = "Reload"},
                    [&core](AdminCall call) { return change_setting(core, std::move(call), false); }),
      json_endpoint("POST", "/admin/v1/config/reload",
                    {.tag = tag,
                     .summary = "Read the configuration again",
                     .description = "Applies what can be applied without dropping a call.",
                     .response_schema = "Reload"},
                    [&core](AdminCall call) { return reload_config(core, std::move(call)); }),
  };
}

}  // namespace steward::server
