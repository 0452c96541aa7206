// A request's body as the engine takes it.
#pragma once
#include "base/json.h"

namespace steward::gateway {

// Takes out what is ours alone, asks for a stream with exact counts, and says the rest in the engine's words.
Json engine_body(Json body);

}  // namespace steward::gateway
