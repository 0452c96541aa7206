// Answers /v1/completions: from the engine, or from a provider that knows this older form. Metered as any call.
#pragma once
#include "gateway/call.h"
#include "gateway/completions/request.h"

namespace steward::gateway {

// May be called by whoever may use the model's "completions".
Task<void> serve_completion(Services& services, identity::Caller caller, CompletionRequest asked, net::Request& request,
                            net::Responder& responder);

}  // namespace steward::gateway
