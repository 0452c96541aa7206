// Memory for any client: what the person said before, put before the message of a call that asks for it with the header
// `x-steward-memory: on`, whatever its dialect. Who finds it stands above the gateway; here it is asked and put in.
#pragma once
#include "gateway/asked.h"
#include "gateway/call.h"

namespace steward::gateway {

// Before the call is routed and reserved, so that it is bounded and paid as a part of it. Tells in the answer's headers
// what was given: `x-steward-memory` (how many pieces, or why none were looked for) and `x-steward-memory-messages`.
// kInvalidRequest: another word than on or off; kForbidden: the key may not read memory; kNotImplemented: it is off.
Task<Status> recollect(Services& services, identity::Caller caller, Request& asked, net::Request& http,
                       net::Responder& responder);

}  // namespace steward::gateway
