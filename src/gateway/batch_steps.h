// What posting a call into a provider's batch, and taking its answer, is made of, whatever kind of call it is: a chat
// (batched.cc), a text of the older form, embeddings.
#pragma once
#include <initializer_list>

#include "gateway/batched.h"
#include "gateway/routed.h"

namespace steward::gateway {

struct BatchTarget {
  std::string deployment;
  Target target;
};
// Where it would go first, if that is a provider that takes batches and nothing stands in the way there. nullopt:
// whatever asks for a decision - a circuit that is open, a ceiling on the cost - is decided live.
Task<Result<std::optional<BatchTarget>>> batch_target(Services& services, Routed routed);

// The same for what is no chat, if the caller may use the model's `endpoint` at all. `kind`, `bytes`: as of
// route_plainly(). `forms`: of providers' batches, in which it can be posted.
Task<Result<std::optional<BatchTarget>>> plain_batch_target(Services& services, const identity::Caller& caller,
                                                            std::string_view endpoint, std::string model,
                                                            std::string kind, size_t bytes, const net::Headers& headers,
                                                            std::initializer_list<Batches> forms);

// Of a call that is then posted: reserved for `longest`, with all that must outlive the process.
Task<Result<PostedCall>> reserve_posted(Services& services, Call& call, std::string deployment, Bound bound,
                                        DurationUs longest);

// Where a posted call went. An error, once the call is dropped: it isn't configured any more.
Task<Result<Target>> target_of_posted(Services& services, Id tenant, PostedCall posted);

// The call that was reserved, as it goes on.
void resume_posted(Services& services, Call& call, const Id& tenant, const PostedCall& posted);

// How a line's refusal by its provider counts.
ledger::Outcome outcome_of_refusal(int status);

}  // namespace steward::gateway
