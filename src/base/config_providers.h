// Providers whose address is known: their key in the environment is enough to use them.
#pragma once
#include <string_view>
#include <vector>

namespace steward {

struct KnownProvider {
  std::string_view name;
  std::string_view base_url;
  std::string_view key_env;
};

const std::vector<KnownProvider>& known_providers();
const KnownProvider* find_known_provider(std::string_view name);

}  // namespace steward
