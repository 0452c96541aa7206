// Images, documents and sounds that a call names by their address: fetched through the one guard where the provider
// can't fetch them itself, so that it gets bytes; else only held against the guard's static check before the address is
// passed on. What came is looked at: the type is read from the bytes, not believed.
//
// On the request's io thread. Errors: kUrlRefused, kUrlFailed with "param", kCancelled.
#pragma once
#include "gateway/call.h"
#include "gateway/form/request.h"
#include "net/guarded_fetch.h"

namespace steward::gateway {

inline constexpr size_t kMaxFetches = 20;                     // addresses of one request
inline constexpr size_t kMaxFetchedBytes = size_t{64} << 20;  // of one request together

// The type by the first bytes: "image/png", "application/pdf", …; empty: none that is known.
std::string_view sniffed_type(std::string_view bytes);

// Whether the provider fetches such an address itself.
bool fetches_itself(const ProviderProfile& profile, const Media& media);

// Whether any address in it would be fetched here.
bool needs_fetching(const Request& request, const ProviderProfile& profile);

struct Fetching {
  net::Resolver& resolver;
  net::HttpClient& client;
  const FetchOptions& options;
  CancelToken cancel;
};

// Checks every address; puts bytes in the place of those that the provider doesn't fetch itself.
Task<Status> resolve_media(Request& request, const ProviderProfile& profile, Fetching fetching);
// The check alone, of every address in it: those of servers that hosted tools call, too.
Status check_addresses(const Request& request, const FetchOptions& options);

}  // namespace steward::gateway
