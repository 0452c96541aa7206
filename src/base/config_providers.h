// Providers whose address is known: their key in the environment is enough to use them. From the one table of providers
// (providers.def), of which this floor reads the address and the environment alone.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace steward {

struct KnownProvider {
  std::string_view name;
  std::string_view base_url;  // empty: must be said; "{region}" stands for AWS's
  std::string_view key_env;   // one or several with | between them; empty: no key in the environment makes it
};

const std::vector<KnownProvider>& known_providers();
const KnownProvider* find_known_provider(std::string_view name);

using Environment = std::map<std::string, std::string>;
// The variable that holds the provider's key: the first that is set, else the first.
std::string key_variable(const KnownProvider& provider, const Environment& environment);
// Whether the environment alone makes the provider usable.
bool is_in_environment(const KnownProvider& provider, const Environment& environment);
std::string aws_region(const Environment& environment);  // empty: none is said

}  // namespace steward
