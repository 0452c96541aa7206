// What a local model can honour of a call. The rest is refused by the caller's own name of it, here or by the writer of
// Chat Completions, which is told the engine's profile.
#pragma once
#include "gateway/dialects/dialect.h"

namespace steward::gateway {

// The request as it goes to that writer: without what steers nothing here, or is done here (stop strings).
Result<Request> for_local(const Request& request, Refusals& refusals);

// How the engine departs from Chat Completions, as data.
const ProviderProfile& local_profile();

}  // namespace steward::gateway
