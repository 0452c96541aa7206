// Answers /v1/embeddings, and Gemini's embedContent and batchEmbedContents: from the engine, or from a provider that
// makes vectors. Metered as any call.
#pragma once
#include "gateway/call.h"
#include "gateway/embeddings/request.h"
#include "net/http_server.h"

namespace steward::gateway {

// May be called by whoever may use the model's "embeddings".
Task<void> serve_embedding(Services& services, identity::Caller caller, EmbeddingRequest asked, net::Request& request,
                           net::Responder& responder);

}  // namespace steward::gateway
