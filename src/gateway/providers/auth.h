// Puts a provider's key where the provider looks for it, as the table of providers says. The last step before a request
// leaves: a signature covers the final body. Any thread; the key is never logged and stands in no error.
#pragma once
#include <string_view>

#include "base/clock.h"
#include "gateway/providers/table.h"
#include "net/http_client.h"

namespace steward::gateway {

struct ProviderKey {
  std::string_view key;     // as sealed or configured; AWS's as ID:SECRET[:TOKEN], or a bearer token of Bedrock's
  std::string_view region;  // AWS's
};

// Adds the key's header (or query field) and the profile's own headers. kConfig: the key isn't one of that kind.
Status authorize(net::ClientRequest& request, const ProviderProfile& profile, ProviderKey key, TimeUs now);

}  // namespace steward::gateway
