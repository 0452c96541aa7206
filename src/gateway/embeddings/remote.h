// Asks a provider for the vectors of one call: in as many requests as the provider's limit on texts makes of it, a few
// at once, all within one reservation. On the call's io thread.
#pragma once
#include "gateway/call.h"
#include "gateway/embeddings/answer.h"
#include "gateway/embeddings/egress.h"

namespace steward::gateway {

inline constexpr size_t kEmbeddingRequestsAtOnce = 8;  // of one call: a provider's limits are for all callers together

struct AskedVectors {
  std::optional<Error> error;  // the first that came; then `made` holds no vectors
  MadeVectors made;            // its usage counts every request that was answered, or may have been
  bool disputed = false;       // a provider told a use that can't be: it was counted here
};

// What a call may cost that is made of so many requests.
Bound embedding_bound(const EmbeddingRequest& asked, size_t requests);
// Of the inputs [first, first + count), by their bytes.
ledger::Usage estimated_vectors(const EmbeddingRequest& asked, size_t first, size_t count);
// A provider's good answer to them. kUpstreamError: it is none.
Result<Vectors> read_vectors(const EmbeddingRequest& asked, const EmbeddingEgress& egress, std::string_view body,
                             const net::Headers& headers, size_t count);

// Awaits all requests that were begun; after one has failed no other begins.
Task<AskedVectors> ask_for_vectors(Services& services, Call& call, const EmbeddingRequest& asked,
                                   const EmbeddingEgress& egress, CancelToken client);

}  // namespace steward::gateway
