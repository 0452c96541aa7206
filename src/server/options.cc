#include "server/options.h"

#include <charconv>

#include "base/config_providers.h"
#include "base/file.h"
#include "base/text.h"
#include "net/guard.h"
#include "server/record_kinds.h"
#include "server/route_options.h"

namespace steward::server {
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

net::ServerLimits server_limits(const Config& config) {
  const auto ms = [&](std::string_view key) { return milliseconds(config.integer(key)); };
  const auto size = [&](std::string_view key) { return static_cast<size_t>(config.integer(key)); };
  net::ServerLimits limits;
  limits.max_header_bytes = size("limits.max_header_bytes");
  limits.max_headers = size("limits.max_headers");
  limits.max_target_bytes = size("limits.max_target_bytes");
  limits.max_body_bytes = size("limits.max_body_bytes");
  limits.max_bodies_bytes = size("limits.max_bodies_bytes");
  limits.max_client_bodies_bytes = size("limits.max_client_bodies_bytes");
  limits.head_timeout = ms("limits.head_timeout_ms");
  limits.body_timeout = ms("limits.body_timeout_ms");
  limits.idle_timeout = ms("limits.idle_timeout_ms");
  limits.write_timeout = ms("limits.write_timeout_ms");
  limits.max_connections = size("limits.max_connections");
  return limits;
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" || host == "[::1]" ||
         host.starts_with("127.");
}

Result<net::Listen> listen_options(const Config& config, const fs::path& unix_socket, bool tcp) {
  net::Listen listen;
  listen.host = tcp ? config.text("server.host") : "";
  listen.port = static_cast<uint16_t>(config.integer("server.port"));
  listen.unix_socket = unix_socket;
  listen.tls_certificate = config.path("server.tls_certificate");
  listen.tls_key = config.path("server.tls_key");
  if (listen.tls_certificate.empty() != listen.tls_key.empty()) {
    return fail(ErrorCode::kConfig,
                "TLS needs both server.tls_certificate and server.tls_key: one of them is missing.");
  }
  const bool open = tcp && !is_loopback_host(listen.host) && listen.tls_certificate.empty();
  if (open && !config.boolean("server.insecure_plaintext")) {
    return fail(ErrorCode::kConfig,
                fmt::format("Listening on {} without TLS would send keys and content in the clear. Set "
                            "server.tls_certificate and server.tls_key, or, "
                            "if a proxy in front has TLS, say --insecure-plaintext (server.insecure_plaintext = true).",
                            listen.host));
  }
  return listen;
}

journal::Options journal_options(const Config& config, const fs::path& home) {
  journal::Options options;
  options.home = home;
  options.queue_limit = static_cast<size_t>(config.integer("journal.queue_limit"));
  // Accounts must stay countable: what holds no content is never erased.
  options.kept_kinds = {"call.", "budget.", "price.", "key.", "tenant.", "group.", "acl.", "job.", "setting."};
  options.kept_kinds.insert(options.kept_kinds.end(), std::begin(kKeptOfPeople), std::end(kKeptOfPeople));
  for (const auto& kind : record_kinds()) {
    options.kinds.emplace_back(kind.name);
    if (kind.whole) options.whole_kinds.emplace_back(kind.name);
  }
  options.group_limit = static_cast<size_t>(config.integer("journal.group_limit"));
  return options;
}

Result<journal::Location> journal_location(const Config& config, const fs::path& home, SecretStore& secrets) {
  journal::Location location(home, config.text("journal.url"), "");
  if (location.url.empty()) return location;
  if (!journal::is_postgres_url(location.url)) {
    return fail(ErrorCode::kConfig,
                "journal.url must begin with postgres:// (or be empty: the journal then lies in the home).");
  }
  if (const auto name = config.text("journal.password_secret"); !name.empty()) {
    auto secret = secrets.get(name);
    if (!secret) return fail(ErrorCode::kConfig, fmt::format("journal.password_secret: {}", secret.error().message));
    location.password = std::move(*secret);
  } else if (const auto file = config.path("journal.password_file"); !file.empty()) {
    auto text = read_file(file, 64 * 1024);
    if (!text) return fail(ErrorCode::kConfig, fmt::format("journal.password_file: {}", text.error().message));
    location.password = trim(*text);
  }
  return location;
}

engine::Options engine_options(const Config& config, const fs::path& home, const fs::path& sockets) {
  const fs::path prefix = executable_dir().parent_path();
  engine::Options options;
  options.program =
      config.path("engine.program").empty() ? prefix / "lib" / "steward-engine" : config.path("engine.program");
  options.shipped_models = config.path("engine.shipped_models").empty() ? prefix / "share" / "steward" / "models"
                                                                        : config.path("engine.shipped_models");
  options.models = home / "models";
  options.sockets = sockets;
  options.memory_bytes = static_cast<uint64_t>(config.integer("engine.memory_mb")) * 1'000'000;
  options.threads = static_cast<int>(config.integer("engine.threads"));
  options.slots = static_cast<int>(config.integer("engine.slots"));
  options.context_tokens = config.integer("engine.context_tokens");
  options.idle_unload = seconds(config.integer("engine.idle_unload_s"));
  options.load_timeout = seconds(config.integer("engine.load_timeout_s"));
  options.hang_timeout = seconds(config.integer("engine.hang_timeout_s"));
  for (const auto& name : config.names("models")) {
    const auto key = [&](std::string_view word) { return fmt::format("models.{}.{}", name, word); };
    options.by_model[name] = {.path = config.path(key("path")),
                              .context_tokens = config.integer(key("context_tokens")),
                              .slots = static_cast<int>(config.integer(key("slots"))),
                              .threads = static_cast<int>(config.integer(key("threads"))),
                              .arguments = config.list(key("arguments"))};
  }
  return options;
}

namespace {

// Where the key is: sealed, in a file, or in the environment, in the order of how deliberately it was said.
Result<std::string> provider_key(const Config& config, const std::string& name,
                                 const std::map<std::string, std::string>& environment, SecretStore& secrets) {
  const auto text = [&](std::string_view key) { return config.text(fmt::format("providers.{}.{}", name, key)); };
  if (const auto secret = text("key_secret"); !secret.empty()) return secrets.get(secret);
  if (const auto file = text("key_file"); !file.empty()) {
    auto content = read_file(file, 64 * 1024);
    if (!content)
      return fail(ErrorCode::kConfig,
                  fmt::format("The key of provider '{}' can't be read: {}", name, content.error().message));
    return std::string(trim(*content));
  }
  const auto& variable = config.at(fmt::format("providers.{}.key_env", name));
  const std::string env = variable.value.get<std::string>();
  if (env.empty()) return std::string();  // many servers on one's own machines ask for none
  const auto value = [&](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : std::string(trim(found->second));
  };
  if (env == "AWS_SECRET_ACCESS_KEY" && !value(env).empty()) {  // AWS's key has two or three parts
    const std::string token = value("AWS_SESSION_TOKEN");
    return value("AWS_ACCESS_KEY_ID") + ":" + value(env) + (token.empty() ? "" : ":" + token);
  }
  if (!value(env).empty()) return value(env);
  if (variable.origin == Origin::kDefault) return std::string();
  return fail(ErrorCode::kConfig,
              fmt::format("The key of provider '{}' is missing: the environment has no {}.", name, env));
}

Result<std::shared_ptr<const net::Guard>> make_guard(const Config& config, std::vector<uint16_t> ports) {
  auto guard = net::Guard::make({.ports = std::move(ports), .allow_inside = config.list("limits.allow_inside")});
  if (!guard) return fail(guard.error());
  return std::make_shared<const net::Guard>(std::move(*guard));
}

// Where it is and how it is spoken to.
Status set_place(gateway::ProviderOptions& provider, const Config& config,
                 const std::map<std::string, std::string>& environment) {
  const auto key = [&](std::string_view word) { return fmt::format("providers.{}.{}", provider.name, word); };
  const std::string like = config.text(key("like"));
  const auto* asked = gateway::provider_dialect_from_text(config.text(key("dialect")));
  provider.profile = gateway::profile_for(like.empty() ? provider.name : like, asked);
  // A dialect that was said is the only one spoken, also where the provider would answer at /responses too.
  if (asked != nullptr && *asked == gateway::ProviderDialect::kOpenAi) provider.profile.quirks.speaks_responses = false;
  provider.region = config.text(key("region"));
  provider.batches = config.boolean(key("batches"));
  if (provider.region.empty()) provider.region = aws_region(environment);
  const auto& url = config.at(key("base_url"));
  provider.base_url = url.value.get<std::string>();
  if (url.origin == Origin::kSetting) {
    auto guard = make_guard(config, {});
    if (!guard) return fail(guard.error());
    provider.guard = std::move(*guard);
  }
  while (provider.base_url.ends_with('/')) provider.base_url.pop_back();
  constexpr std::string_view kRegion = "{region}";
  if (const size_t at = provider.base_url.find(kRegion); at != std::string::npos) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if (provider.region.empty() || !std::ranges::all_of(provider.region, good)) {
      return fail(ErrorCode::kConfig,
                  fmt::format("Provider '{}' needs a region: set providers.{}.region or AWS_REGION.", provider.name,
                              provider.name));
    }
    provider.base_url.replace(at, kRegion.size(), provider.region);
  }
  return {};
}

Status set_fetch(gateway::FetchOptions& fetch, const Config& config) {
  std::vector<uint16_t> ports;
  for (const auto& text : config.list("limits.fetch_ports")) {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0)
      return fail(ErrorCode::kConfig, fmt::format("limits.fetch_ports: '{}' is no port.", text));
    ports.push_back(port);
  }
  const bool enabled = !ports.empty();
  auto guard = make_guard(config, std::move(ports));
  if (!guard) return fail(guard.error());
  fetch = {.guard = std::move(*guard),
           .enabled = enabled,
           .max_bytes = static_cast<size_t>(config.integer("limits.fetch_max_bytes")),
           .total = milliseconds(config.integer("limits.fetch_timeout_ms"))};
  return {};
}

Result<gateway::ProviderOptions> provider_options(const Config& config, const std::string& name,
                                                  const std::map<std::string, std::string>& environment,
                                                  SecretStore& secrets) {
  const auto key = [&](std::string_view word) { return fmt::format("providers.{}.{}", name, word); };
  auto secret = provider_key(config, name, environment, secrets);
  if (!secret) return fail(secret.error());
  gateway::ProviderOptions provider;
  provider.name = name;
  if (auto good = set_place(provider, config, environment); !good) return fail(good.error());
  provider.key = std::move(*secret);
  provider.models = config.list(key("models"));
  provider.rename = config.table<std::string>(key("rename"));
  provider.context_tokens = config.table<int64_t>(key("context_tokens"));
  provider.max_output_tokens = config.table<int64_t>(key("max_output_tokens"));
  provider.deadlines.connect = milliseconds(config.integer(key("connect_timeout_ms")));
  provider.deadlines.first_byte = milliseconds(config.integer(key("first_byte_timeout_ms")));
  provider.deadlines.between_bytes = milliseconds(config.integer(key("between_bytes_timeout_ms")));
  provider.deadlines.total = milliseconds(config.integer(key("total_timeout_ms")));
  return provider;
}

}  // namespace

Result<gateway::GatewayOptions> gateway_options(const Config& config,
                                                const std::map<std::string, std::string>& environment,
                                                SecretStore& secrets, std::map<std::string, std::string>* left_out) {
  gateway::GatewayOptions options;
  options.queue_limit = static_cast<size_t>(config.integer("limits.queue_length"));
  options.queue_deadline = milliseconds(config.integer("limits.queue_timeout_ms"));
  options.call_deadline = milliseconds(config.integer("limits.call_timeout_ms"));
  options.default_output_tokens = config.integer("limits.default_output_tokens");
  options.engine_retries = static_cast<int>(config.integer("engine.retries"));
  if (auto good = set_fetch(options.fetch, config); !good) return fail(good.error());
  for (const auto& name : config.names("providers")) {
    if (!config.boolean(fmt::format("providers.{}.enabled", name))) continue;
    auto provider = provider_options(config, name, environment, secrets);
    // A sealed key that a restored home lacks must not keep the server down, from which alone it can be set anew.
    const bool set_in_app = config.at(fmt::format("providers.{}.key_secret", name)).origin == Origin::kSetting;
    if (!provider && set_in_app) {
      if (left_out != nullptr) left_out->emplace(name, provider.error().message);
      continue;
    }
    if (!provider) return fail(provider.error());
    options.providers.push_back(std::move(*provider));
  }
  auto routing = router_options(config);
  if (!routing) return fail(std::move(routing.error()));
  options.routing = std::move(*routing);
  return options;
}

std::vector<ledger::BudgetSpec> new_key_budgets(const Config& config) {
  const std::string limit = config.text("budgets.new_key_limit_usd"), period = config.text("budgets.new_key_period");
  if (limit.empty()) return {};
  ledger::BudgetSpec spec;
  spec.name = "key";
  spec.limit = parse_usd(limit).value_or(0);
  spec.period = period == "day"     ? ledger::Period::kDay
                : period == "week"  ? ledger::Period::kWeek
                : period == "month" ? ledger::Period::kMonth
                                    : ledger::Period::kForever;
  return {spec};
}

LogLevel log_level(const Config& config) {
  const std::string level = config.text("log.level");
  return level == "debug"   ? LogLevel::kDebug
         : level == "warn"  ? LogLevel::kWarn
         : level == "error" ? LogLevel::kError
                            : LogLevel::kInfo;
}

LogFormat log_format(const Config& config) {
  const std::string format = config.text("log.format");
  return format == "json" ? LogFormat::kJson : format == "text" ? LogFormat::kText : LogFormat::kAuto;
}

}  // namespace steward::server
