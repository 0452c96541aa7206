#include "server/route_options.h"

#include "base/json.h"
#include "base/text.h"

namespace steward::server {
namespace {

namespace routing = gateway::routing;

constexpr size_t kMaxRouteName = 100;

DurationUs us(int64_t ms) { return ms * 1000; }

// What holds where a route says nothing: its retries, its patience.
routing::Route common(const Config& config) {
  const auto ms = [&](std::string_view key) { return us(config.integer(key)); };
  routing::Route out;
  out.retries = static_cast<int>(config.integer("routing.retries"));
  out.backoff_us = ms("routing.backoff_ms");
  out.backoff_max_us = ms("routing.backoff_max_ms");
  out.max_wait_us = ms("routing.max_wait_ms");
  out.keep_alive_us = ms("routing.keep_alive_ms");
  if (const std::string zone = config.text("server.time_zone"); routing::is_time_zone(zone)) out.zone = zone;
  return out;
}

class RouteReader {
 public:
  RouteReader(const Config& config, const std::string& name, std::vector<std::string>& problems)
      : config_(config), name_(name), problems_(problems) {}

  routing::Route read(const routing::Route& like) {
    routing::Route out = like;
    out.name = name_;
    out.origin = std::string(origin_name(config_.at(key("deployments")).origin));
    out.doc = config_.text(key("description"));
    out.order = config_.text(key("order")) == "weighted" ? routing::Order::kWeighted : routing::Order::kListed;
    if (const auto retries = config_.integer(key("retries")); retries >= 0) out.retries = static_cast<int>(retries);
    or_else(out.backoff_us, "backoff_ms");
    or_else(out.max_wait_us, "max_wait_ms");
    or_else(out.keep_alive_us, "keep_alive_ms");
    out.first_byte_us = us(config_.integer(key("first_byte_timeout_ms")));
    out.between_bytes_us = us(config_.integer(key("between_bytes_timeout_ms")));
    out.total_us = us(config_.integer(key("total_timeout_ms")));
    out.hedge_after_us = us(config_.integer(key("hedge_after_ms")));
    out.affinity = config_.boolean(key("affinity"));
    if (const auto most = config_.text(key("max_cost_usd")); !most.empty()) out.max_cost = parse_usd(most).value_or(0);
    read_zone(out);
    read_deployments(out);
    return out;
  }

 private:
  std::string key(std::string_view word) const { return fmt::format("routes.{}.{}", name_, word); }

  void problem(std::string_view word, std::string_view text) {
    const ConfigValue& value = config_.at(key(word));
    problems_.push_back(fmt::format("{}{}{}: {}{}", value.where, value.where.empty() ? "" : ": ", key(word), text,
                                    text.ends_with('?') ? "" : "."));
  }

  void or_else(DurationUs& into, std::string_view word) {
    if (const auto ms = config_.integer(key(word)); ms >= 0) into = us(ms);
  }

  void read_zone(routing::Route& into) {
    const std::string zone = config_.text(key("time_zone"));
    if (zone.empty()) return;
    if (routing::is_time_zone(zone))
      into.zone = zone;
    else
      problem("time_zone", fmt::format("there is no time zone '{}' (write it like Europe/Berlin)", zone));
  }

  void read_deployments(routing::Route& into) {
    const auto lines = config_.list(key("deployments"));
    if (lines.empty())
      return problem("deployments", "a route needs at least one deployment, such as openai/gpt-4.1-mini");
    if (lines.size() > routing::kMaxDeployments)
      return problem("deployments", fmt::format("a route has at most {} deployments", routing::kMaxDeployments));
    for (const auto& line : lines) {
      auto deployment = routing::Deployment::parse(line);
      if (!deployment) {
        problem("deployments", fmt::format("'{}': {}", line.substr(0, 200), deployment.error().message));
        continue;
      }
      if (deployment->model == name_) problem("deployments", "a route can't lead to itself");
      into.deployments.push_back(std::move(*deployment));
    }
  }

  const Config& config_;
  const std::string& name_;
  std::vector<std::string>& problems_;
};

}  // namespace

Result<routing::RouterOptions> router_options(const Config& config) {
  routing::RouterOptions out;
  out.plain = common(config);
  out.defaults = config.boolean("routing.defaults");
  out.default_model = config.text("engine.default_model");
  out.health.failures_in_a_row = static_cast<int>(config.integer("routing.circuit_failures"));
  out.health.rest_us = us(config.integer("routing.circuit_rest_ms"));
  out.health.rest_max_us = std::max(out.health.rest_us, us(config.integer("routing.circuit_rest_max_ms")));
  out.affinity.time_to_live_us = config.integer("routing.affinity_s") * kSecondUs;
  std::vector<std::string> problems;
  for (const auto& name : config.names("routes"))
    out.routes.push_back(RouteReader(config, name, problems).read(out.plain));
  for (const auto& one : out.routes) {
    for (const auto& deployment : one.deployments) {
      const bool route = std::ranges::any_of(
          out.routes, [&](const auto& other) { return &other != &one && other.name == deployment.model; });
      if (route)
        problems.push_back(fmt::format("routes.{}.deployments: '{}' is a route itself; name the model outright.",
                                       one.name, deployment.model));
    }
  }
  if (!problems.empty()) return fail(ErrorCode::kConfig, join(problems, "\n"), {{"problems", problems}});
  return out;
}

Result<std::map<std::string, Json>> route_settings(const std::string& name, const Json& body) {
  const bool bad = name.empty() || name.size() > kMaxRouteName || name.find('/') != std::string::npos ||
                   std::ranges::any_of(name, [](unsigned char c) { return c < 0x21 || c == 0x7f; });
  if (bad)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' is no name for a route: letters without spaces and slashes.", name.substr(0, 100)),
                {{"param", "name"}});
  std::map<std::string, Json> out;
  std::vector<std::string> known;
  for (const auto& key : config_keys()) {
    if (key.section != "routes") continue;
    known.emplace_back(key.name);
    out[fmt::format("routes.{}.{}", name, key.name)] = nullptr;
  }
  for (const auto& [word, value] : body.items()) {
    if (word == "name") continue;  // as the list tells it
    const ConfigKey* key = find_config_key("routes", word);
    if (key == nullptr) {
      const std::string near = nearest(word, known);
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("A route has no '{}'{}", word.substr(0, 100),
                              near.empty() ? "." : fmt::format("; did you mean '{}'?", near)),
                  {{"param", word.substr(0, 100)}});
    }
    if (value.is_null()) continue;
    auto checked = check_config_value(*key, value);
    if (!checked)
      return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' {}.", word, checked.error().message),
                  {{"param", word}});
    out[fmt::format("routes.{}.{}", name, word)] = std::move(*checked);
  }
  if (out[fmt::format("routes.{}.deployments", name)].empty())
    return fail(ErrorCode::kInvalidRequest, "'deployments' is needed: a list such as [\"openai/gpt-4.1-mini\"].",
                {{"param", "deployments"}});
  return out;
}

}  // namespace steward::server
