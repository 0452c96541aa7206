// Asks a loaded model's process for JSON.
#pragma once
#include "base/json.h"
#include "engine/engine.h"

namespace steward::engine {

// kCancelled, kUpstreamTimeout, kEngineFailed (reset, or an answer that is no JSON); an answer of 400 and more becomes
// kInvalidRequest (4xx) or kEngineFailed (5xx) with the process's words.
Task<Result<Json>> ask(net::HttpClients& clients, std::shared_ptr<Lease> lease, std::string path, Json body,
                       Deadline deadline, CancelToken cancel);

}  // namespace steward::engine
