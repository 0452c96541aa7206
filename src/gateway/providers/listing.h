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
// In any of the usual shapes; at most kMaxListedModels.
inline constexpr size_t kMaxListedModels = 10'000;
struct ListedModel {
  std::string name;
  bool embedding = false;  // the list says that it makes vectors; most say nothing of it
};
std::vector<ListedModel> listed_models(const Json& answer);
// Whether an answer to it says that the key is no good. Google says so with 400.
bool is_key_refusal(int status, std::string_view body);
// What a name tells where neither table nor list knows: "text-embedding-3-small", "mistral-embed", "embed-v4.0".
bool is_embedding_name(std::string_view provider, std::string_view model);

}  // namespace steward::gateway
