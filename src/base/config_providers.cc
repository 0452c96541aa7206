#include "base/config_providers.h"

#include <algorithm>

#include "base/text.h"

namespace steward {
namespace {

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(std::string(name));
  return found == environment.end() ? "" : std::string(trim(found->second));
}

}  // namespace

const std::vector<KnownProvider>& known_providers() {
  static const std::vector<KnownProvider> kProviders = {
#define STEWARD_PROVIDER(name, base_url, key_env, ...) {name, base_url, key_env},
#include "base/providers.def"
#undef STEWARD_PROVIDER
  };
  return kProviders;
}

const KnownProvider* find_known_provider(std::string_view name) {
  const auto& all = known_providers();
  const auto found = std::ranges::find(all, name, &KnownProvider::name);
  return found == all.end() ? nullptr : &*found;
}

std::string key_variable(const KnownProvider& provider, const Environment& environment) {
  const auto names = split(provider.key_env, '|');
  for (const auto name : names) {
    if (!value_of(environment, name).empty()) return std::string(name);
  }
  return names.empty() ? "" : std::string(names.front());
}

bool is_in_environment(const KnownProvider& provider, const Environment& environment) {
  if (provider.key_env.empty() || provider.base_url.empty()) return false;
  const std::string variable = key_variable(provider, environment);
  if (value_of(environment, variable).empty()) return false;
  const bool regional = provider.base_url.find("{region}") != std::string_view::npos;
  if (regional && aws_region(environment).empty()) return false;
  return variable != "AWS_SECRET_ACCESS_KEY" || !value_of(environment, "AWS_ACCESS_KEY_ID").empty();
}

std::string aws_region(const Environment& environment) {
  const std::string region = value_of(environment, "AWS_REGION");
  return region.empty() ? value_of(environment, "AWS_DEFAULT_REGION") : region;
}

}  // namespace steward
