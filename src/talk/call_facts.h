// What an answer's call was and cost, as the record that ends the answer tells it: the model and provider of its
// reservation, the use, cost and times of its settlement. Any thread; reads one short stream.
#pragma once
#include "base/json.h"
#include "journal/journal.h"

namespace steward::talk {

// {"call", "model", "provider", "usage", "cost_nano_usd", "duration_ms", "first_token_ms"?}; empty without a call.
// The cost is null where nobody had told the model's price: unknown, which is not nothing.
Json facts_of_call(journal::Journal& journal, const Id& tenant, const Id& call);
// Of an answer that several calls made, one after the other: those of the last, with the sums of use, cost and time,
// the first one's first token, and "calls", all of them.
Json facts_of_calls(journal::Journal& journal, const Id& tenant, const std::vector<Id>& calls);

}  // namespace steward::talk
