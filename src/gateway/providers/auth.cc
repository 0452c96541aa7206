#include "gateway/providers/auth.h"

#include "base/percent.h"
#include "gateway/providers/sigv4.h"

namespace steward::gateway {
namespace {

Status sign(net::ClientRequest& request, ProviderKey key, TimeUs now) {
  if (key.key.find(':') == std::string_view::npos) {  // a Bedrock API key, which is a bearer token
    request.headers.set("Authorization", fmt::format("Bearer {}", key.key));
    return {};
  }
  auto credentials = AwsCredentials::parse(key.key);
  if (!credentials) return fail(credentials.error());
  SigV4Request to_sign{.method = request.method, .url = request.url, .headers = {}, .body = request.body};
  if (const auto type = request.headers.get("content-type"); !type.empty())
    to_sign.headers.emplace_back("content-type", type);
  for (auto& [name, value] : sign_v4(to_sign, *credentials, {std::string(key.region), "bedrock", now}))
    request.headers.set(name, value);
  return {};
}

}  // namespace

Status authorize(net::ClientRequest& request, const ProviderProfile& profile, ProviderKey key, TimeUs now) {
  for (const auto& header : profile.quirks.headers) {
    const std::string name(header.name);
    if (!name.empty() && !request.headers.has(name)) request.headers.add(name, std::string(header.value));
  }
  if (key.key.empty()) return {};
  switch (profile.auth) {
    case Auth::kBearer: request.headers.set("Authorization", fmt::format("Bearer {}", key.key)); break;
    case Auth::kXApiKey: request.headers.set("x-api-key", std::string(key.key)); break;
    case Auth::kXGoogApiKey: request.headers.set("x-goog-api-key", std::string(key.key)); break;
    case Auth::kApiKey: request.headers.set("api-key", std::string(key.key)); break;
    case Auth::kQuery:
      request.url += (request.url.find('?') == std::string::npos ? "?key=" : "&key=") + percent_encoded(key.key);
      break;
    case Auth::kSigV4: return sign(request, key, now);
    case Auth::kNone: break;
  }
  return {};
}

}  // namespace steward::gateway
