// Asking a provider which models it has: a request that costs nothing, so it also tries the key and the address.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "gateway/gateway.h"

namespace steward::gateway {

// nullopt: this provider lists no models. kConfig: its key isn't of the kind that is needed.
Result<std::optional<net::ClientRequest>> listing_request(const ProviderOptions& provider, TimeUs now);
// Names in any of the usual shapes; at most kMaxListedModels.
inline constexpr size_t kMaxListedModels = 10'000;
std::vector<std::string> listed_models(const Json& answer);
// Whether an answer to it says that the key is no good. Google says so with 400.
bool is_key_refusal(int status, std::string_view body);
// What a name tells where no table knows the model: "text-embedding-3-small", "mistral-embed", "embed-v4.0".
bool is_embedding_name(std::string_view model);

}  // namespace steward::gateway
