// A call in any dialect, from its reading to its settlement: may it, where does it go, what may it cost, the answer in
// the caller's dialect. Whoever brings a call - an HTTP handler, a job, a socket - comes through here.
#pragma once
#include "gateway/asked.h"
#include "gateway/call.h"
#include "journal/record_kind.h"

namespace steward::gateway {

// Where there was something to decide, the way of a call is a record of its own, routed/call_….
inline constexpr journal::RecordKind kCallRecordKinds[] = {{"call.routed"}};

// `responder` may be any: bytes of an HTTP answer go there. `request` gives the address, the headers and the
// cancellation. Both outlive the call.
Task<void> serve(Services& services, identity::Caller caller, Asked asked, net::Request& request,
                 net::Responder& responder);

// Counts a refusal before anything was reserved, and tells it in the caller's dialect.
Task<void> refuse(Services& services, Dialect dialect, net::Request& request, net::Responder& responder, Error error);

// Whether there is such a model is told only to those who may use it. `endpoint`: what a key may be bound to ("chat" is
// a chat in any dialect).
Status may_use(Services& services, const identity::Caller& caller, std::string_view model, std::string_view endpoint);

// How many tokens a request is: exactly for local models, by the provider's own word where its dialect can be asked,
// else an estimate, which a header says (x-steward-estimated).
Task<void> serve_count(Services& services, identity::Caller caller, Asked asked, net::Request& request,
                       net::Responder& responder);

}  // namespace steward::gateway
