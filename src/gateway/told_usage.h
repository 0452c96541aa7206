// Whether what a provider tells of its use can be. A provider bills by its own count, so a count that is possible is
// believed even where it differs from what was counted here; one that is negative, no whole number, or more than any
// call can take is not: the whole block is left aside, the call is counted here and marked as estimated.
#pragma once
#include "base/json_fwd.h"
#include "ledger/price.h"

namespace steward::gateway {

constexpr int64_t kMostToldTokens = 1'000'000'000;  // of one kind, told for one call

// `event`: one event of a stream or a whole answer, in any dialect. True where it tells no usage.
bool told_usage_can_be(const Json& event);
bool told_usage_can_be(const ledger::Usage& usage);  // as a dialect's reader added it up

}  // namespace steward::gateway
