// How a provider is reached, for all that is asked of it.
#pragma once
#include "gateway/dialects/dialect.h"
#include "gateway/gateway.h"

namespace steward::gateway {

// In which dialect a call that came in dialect `from` goes out. A provider that answers at /responses too gets calls of
// that dialect there: so nothing has to be translated.
Dialect egress_dialect(const ProviderProfile& profile, Dialect from);

// With the dialect's headers and, last, the key. kConfig: the key isn't of the kind that is needed.
Result<net::ClientRequest> provider_request(const ProviderOptions& provider, const UpstreamPath& path, std::string body,
                                            CancelToken cancel, net::ClientDeadlines deadlines, TimeUs now_us);

}  // namespace steward::gateway
