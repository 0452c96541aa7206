// What the router asks of a call and of a deployment, from the internal form, the caller and the headers:
//   x-steward-deadline: 20s         how long the caller waits in all
//   x-steward-hedge-after: 2s       ask a second deployment when the first is silent for so long
//   x-steward-max-cost-usd: 0.05    deployments whose worst case is dearer are not asked
//   x-steward-tags: team=sales, …   tags for conditions; those of the key win
//   x-session-affinity: NAME        the conversation, if prompt_cache_key doesn't name it
// Pure but for the directory, the ledger and the clock that Services hands in; any thread.
#pragma once
#include "gateway/asked.h"
#include "gateway/call.h"
#include "gateway/routing/facts.h"

namespace steward::gateway {

// kInvalidRequest: a header that can't be read, named in "param".
Result<routing::RouteFacts> route_facts(Services& services, const identity::Caller& caller, const Request& request,
                                        const net::Headers& headers);

// Borrows all; for as long as the plan is made.
routing::Describe describe_with(Services& services, const Id& tenant, const Request& request);

// About how many tokens go in: four bytes each, a picture at what providers usually take.
int64_t estimated_input(const Request& request);

std::vector<routing::OfferedModel> offered_models(const Directory& directory);

}  // namespace steward::gateway
