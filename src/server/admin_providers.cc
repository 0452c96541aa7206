// Providers, added in the app: what is no secret becomes settings (so that it is journaled, and a reload applies it),
// the key is sealed. The key goes in and never comes out: no answer, no log line and no record holds it.
#include <curl/curl.h>

#include "base/config_providers.h"
#include "base/json_bounded.h"
#include "gateway/call.h"
#include "gateway/providers/listing.h"
#include "gateway/upstream.h"
#include "net/guard.h"
#include "server/admin.h"
#include "server/fields.h"
#include "server/page.h"
#include "server/settings.h"

namespace steward::server {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxKeyBytes = 16 * 1024;
constexpr std::chrono::seconds kTestTime{15};
constexpr std::string_view kAnsweredOtherwise = "refused", kListsNone = "lists_no_models", kNotUsable = "not_usable";

std::string full(std::string_view name, std::string_view key) { return fmt::format("providers.{}.{}", name, key); }
std::string secret_name(std::string_view name) { return fmt::format("provider.{}", name); }

bool is_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && name != "local" && name.front() != '.' &&
         std::ranges::all_of(name, good);
}

Json key_place(const Config& config, const std::string& name, bool has_key) {
  const auto place = [&](const char* source, const char* key) {
    return Json{{"source", source}, {"name", config.text(full(name, key))}};
  };
  if (!config.text(full(name, "key_secret")).empty()) return place("sealed", "key_secret");
  if (!config.text(full(name, "key_file")).empty()) return place("file", "key_file");
  if (has_key) return place("environment", "key_env");
  return {{"source", "none"}};
}

Json provider_json(const Config& config, const ProviderSet& set, const std::string& name) {
  const auto found = std::ranges::find(set.providers, name, &gateway::ProviderOptions::name);
  const bool running = found != set.providers.end();
  const auto& url = config.at(full(name, "base_url"));
  const std::string like = config.text(full(name, "like"));
  const auto profile = gateway::profile_for(like.empty() ? name : like,
                                            gateway::provider_dialect_from_text(config.text(full(name, "dialect"))));
  Json out = {{"id", name},
              {"object", "provider"},
              {"name", name},
              {"base_url", running ? Json(found->base_url) : url.value},
              {"dialect", to_text(profile.dialect)},
              {"like", like.empty() ? std::string(profile.name) : like},
              {"enabled", config.boolean(full(name, "enabled"))},
              {"models", config.list(full(name, "models"))},
              {"key", key_place(config, name, running && !found->key.empty())},
              {"origin", origin_name(url.origin)}};
  if (const auto why = set.left_out.find(name); why != set.left_out.end()) out["problem"] = why->second;
  return out;
}

// With what its last answer said of its key.
Json provider_now(Core& core, const std::string& name) {
  Json out = provider_json(*core.config.get(), *core.providers.get(), name);
  if (!out.contains("problem") && core.gateway->services().directory.refuses_key(name))
    out["problem"] = gateway::kKeyIsRefused;
  return out;
}

std::unexpected<Error> no_provider(std::string_view name) {
  return fail(ErrorCode::kNotFound,
              fmt::format("There is no provider '{}': 'steward providers list' shows them.", name.substr(0, 80)));
}

bool is_there(const Config& config, const std::string& name) {
  const auto names = config.names("providers");
  return std::ranges::find(names, name) != names.end();
}

Task<Result<Reply>> list_providers(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const auto config = core.config.get();
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& name : config->names("providers")) rows.emplace_back(name, provider_now(core, name));
  co_return page_of(rows, *query);
}

Task<Result<Reply>> get_provider(Core& core, AdminCall call) {
  const std::string name = call.request.params.at("name");
  if (!is_there(*core.config.get(), name)) co_return no_provider(name);
  co_return Reply{200, provider_now(core, name)};
}

struct Asked {
  std::string name, base_url;
  std::optional<std::string> key;
  std::map<std::string, Json> settings;
  bool inside = false;
};

Result<Asked> read_asked(AdminCall& call) {
  Fields fields(call.body);
  Asked asked;
  asked.name = fields.need_text("name");
  if (!is_name(asked.name))
    fields.problem("name", "has 1 to 64 small letters, digits, '-', '_' and '.', and isn't 'local'");
  asked.key = fields.text("key");
  if (asked.key && (asked.key->empty() || asked.key->size() > kMaxKeyBytes ||
                    asked.key->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos))
    fields.problem("key", "has 1 to 16384 bytes in one line");
  for (const char* name : {"base_url", "dialect", "like", "region"}) {
    if (auto text = fields.text(name)) asked.settings[full(asked.name, name)] = *text;
  }
  asked.base_url = asked.settings.contains(full(asked.name, "base_url"))
                       ? asked.settings[full(asked.name, "base_url")].get<std::string>()
                       : "";
  if (auto models = fields.texts("models")) asked.settings[full(asked.name, "models")] = *models;
  if (auto enabled = fields.boolean("enabled")) asked.settings[full(asked.name, "enabled")] = *enabled;
  asked.inside = fields.boolean("inside").value_or(false);
  if (auto good = fields.finish(); !good) return fail(good.error());
  return asked;
}

// "10.0.0.7:8000" of an address, as allow_inside has it.
std::string host_and_port(const std::string& url) {
  CURLU* handle = curl_url();
  char *host = nullptr, *port = nullptr;
  std::string out;
  if (curl_url_set(handle, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
      curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
    out = fmt::format("{}:{}", host, port);
  curl_free(host);
  curl_free(port);
  curl_url_cleanup(handle);
  return out;
}

// An address on the inside is for the home's owner to allow, by name.
Status check_place(Core& core, const AdminCall& call, Asked& asked) {
  const auto config = core.config.get();
  auto allowed = config->list("limits.allow_inside");
  if (asked.inside) {
    if (!call.request.over_unix)
      return fail(ErrorCode::kForbidden, "'inside' may be said only over the home's socket: 'steward providers add'.");
    if (const std::string host = host_and_port(asked.base_url);
        !host.empty() && std::ranges::find(allowed, host) == allowed.end()) {
      allowed.push_back(host);
      asked.settings["limits.allow_inside"] = allowed;
    }
  }
  if (asked.base_url.empty()) return {};
  auto guard = net::Guard::make({.ports = {}, .allow_inside = allowed});
  if (!guard) return fail(guard.error());
  auto url = guard->check(asked.base_url);
  if (url) return {};
  return fail(ErrorCode::kUrlRefused,
              url.error().message + " If it is meant, add it with 'steward providers add … --inside'.",
              {{"param", "base_url"}});
}

// A setting that makes the whole unreadable must not outlive the request: what was before is put back.
Task<Status> apply(Core& core, const identity::Caller& caller, std::map<std::string, Json> settings) {
  std::map<std::string, Json> before;
  const auto now = core.settings->values();
  for (const auto& [key, value] : settings) {
    const auto found = now.find(key);
    before[key] = found == now.end() ? Json(nullptr) : found->second;
  }
  if (auto done = co_await core.settings->change_all(*core.journal, caller, std::move(settings)); !done)
    co_return fail(done.error());
  auto report = core.reload();
  if (report) co_return Status{};
  (void)co_await core.settings->change_all(*core.journal, caller, std::move(before));
  co_return fail(ErrorCode::kInvalidRequest, report.error().message);
}

Task<Result<Reply>> add_provider(Core& core, AdminCall call) {
  auto asked = read_asked(call);
  if (!asked) co_return fail(asked.error());
  const bool there = is_there(*core.config.get(), asked->name);
  if (auto good = check_place(core, call, *asked); !good) co_return fail(good.error());
  if (asked->key) {
    const std::string secret = secret_name(asked->name);
    if (auto sealed = core.secrets->set(secret, *asked->key); !sealed) co_return fail(sealed.error());
    asked->settings[full(asked->name, "key_secret")] = secret;
  }
  if (asked->settings.empty())
    co_return fail(ErrorCode::kInvalidRequest, "There is nothing to set: give a key or a base_url.",
                   {{"param", "key"}});
  const std::string name = asked->name;
  if (auto done = co_await apply(core, call.caller, std::move(asked->settings)); !done) {
    if (asked->key && !there) (void)core.secrets->remove(secret_name(name));
    co_return fail(done.error());
  }
  co_return Reply{there ? 200 : 201, provider_now(core, name)};
}

Task<Result<Reply>> remove_provider(Core& core, AdminCall call) {
  const std::string name = call.request.params.at("name");
  if (!is_there(*core.config.get(), name)) co_return no_provider(name);
  std::map<std::string, Json> settings;
  for (const auto& [key, value] : core.settings->values()) {
    const auto path = split_config_key(key);
    if (path && path->section == "providers" && path->thing == name) settings[key] = nullptr;
  }
  if (settings.empty()) {
    co_return fail(ErrorCode::kConflict,
                   fmt::format("'{}' was not added here but by the file or the environment: take it out there, or set "
                               "providers.{}.enabled to false.",
                               name, name));
  }
  if (auto done = co_await apply(core, call.caller, std::move(settings)); !done) co_return fail(done.error());
  (void)core.secrets->remove(secret_name(name));
  co_return Reply{200, {{"id", name}, {"object", "provider"}, {"deleted", true}}};
}

// A provider may repeat the key that it refuses.
std::string without(std::string text, const std::string& secret) {
  for (size_t at = secret.empty() ? std::string::npos : text.find(secret); at != std::string::npos;
       at = text.find(secret, at))
    text.replace(at, secret.size(), "…");
  return text;
}

Json test_answer(const std::string& name, const std::string& key, Result<net::ClientResponse> got, DurationUs took) {
  Json out = {{"id", name}, {"object", "provider_test"}, {"ok", false}, {"latency_us", took}};
  if (!got) {
    out["error"] = got.error().message;
    out["code"] = info(got.error().code).name;
    return out;
  }
  out["status"] = got->status;
  out["ok"] = got->status == 200;
  if (got->status == 200) {
    out["models"] = Json::array();
    for (auto& model : gateway::listed_models(parse_bounded(got->body))) out["models"].push_back(std::move(model.name));
    return out;
  }
  out["error"] = without(gateway::reason_of(got->body), key);
  out["code"] = got->status == 403 || gateway::is_key_refusal(got->status, got->body) ? gateway::kKeyIsRefused
                                                                                      : kAnsweredOtherwise;
  return out;
}

Task<Result<Reply>> test_provider(Core& core, AdminCall call) {
  const std::string name = call.request.params.at("name");
  const auto set = core.providers.get();
  const auto found = std::ranges::find(set->providers, name, &gateway::ProviderOptions::name);
  if (found == set->providers.end()) {
    if (const auto why = set->left_out.find(name); why != set->left_out.end())
      co_return Reply{
          200,
          {{"id", name}, {"object", "provider_test"}, {"ok", false}, {"code", kNotUsable}, {"error", why->second}}};
    co_return no_provider(name);
  }
  auto request = gateway::listing_request(*found, core.clock.now_us());
  if (!request) co_return fail(request.error());
  if (!*request) {
    co_return Reply{200,
                    {{"id", name},
                     {"object", "provider_test"},
                     {"ok", false},
                     {"code", kListsNone},
                     {"error", "This provider lists no models, so it can't be tried without a call that costs."}}};
  }
  (*request)->cancel = call.request.cancel;
  (*request)->deadlines.total = kTestTime;
  const TimeUs started = core.clock.monotonic_us();
  auto got = co_await core.clients->here().fetch(std::move(**request));
  const bool refused = got && gateway::is_key_refusal(got->status, got->body);
  if (got && (got->status == 200 || refused)) core.gateway->services().directory.told_key(name, refused);
  if (got && got->status == 200)
    core.gateway->services().directory.told_models(name, gateway::listed_models(parse_bounded(got->body)));
  co_return Reply{200, test_answer(name, found->key, std::move(got), core.clock.monotonic_us() - started)};
}

}  // namespace

std::vector<Endpoint> provider_endpoints(Core& core) {
  const std::string tag = "Providers";
  return {
      json_endpoint("GET", "/admin/v1/providers",
                    {.tag = tag, .summary = "List the providers", .response_schema = "Provider", .list = true},
                    [&core](AdminCall call) { return list_providers(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/providers",
                    {.tag = tag,
                     .summary = "Add a provider, or change one",
                     .description = "The key is sealed and never shown again.",
                     .request_schema = "NewProvider",
                     .response_schema = "Provider",
                     .success = 201},
                    [&core](AdminCall call) { return add_provider(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/providers/{name}",
                    {.tag = tag, .summary = "Show a provider", .response_schema = "Provider"},
                    [&core](AdminCall call) { return get_provider(core, std::move(call)); }),
      json_endpoint(
          "DELETE", "/admin/v1/providers/{name}",
          {.tag = tag, .summary = "Remove a provider that was added here, and its key", .response_schema = "Deleted"},
          [&core](AdminCall call) { return remove_provider(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/providers/{name}/test",
                    {.tag = tag,
                     .summary = "Try a provider's address and key",
                     .description = "Asks it for its models, which costs nothing.",
                     .response_schema = "ProviderTest"},
                    [&core](AdminCall call) { return test_provider(core, std::move(call)); }),
  };
}

}  // namespace steward::server
