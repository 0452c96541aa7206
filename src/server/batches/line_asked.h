// A line's call, read as its endpoint reads it: once to be posted, and again when its answer is there.
#pragma once
#include <variant>

#include "gateway/batched.h"
#include "gateway/conversations/turn.h"
#include "server/core.h"

namespace steward::server {

// Of Responses the turn: what the call goes on from, and what is to be kept of it.
using LineAsked =
    std::variant<gateway::Asked, gateway::EmbeddingRequest, gateway::CompletionRequest, std::shared_ptr<gateway::Turn>>;

// `posted`: as what it was posted; null: it is not yet.
Task<Result<LineAsked>> read_line_call(Core& core, identity::Caller caller, const net::Request& request,
                                       const gateway::PostedCall* posted);

// As gateway::post_call and answer_posted. `asked` outlives what they give.
Task<Result<std::optional<gateway::Posting>>> post_line(gateway::Services& services, identity::Caller caller,
                                                        const LineAsked& asked, const net::Headers& headers,
                                                        DurationUs longest);
Task<void> answer_line(gateway::Services& services, identity::Caller caller, const LineAsked& asked,
                       gateway::PostedCall posted, gateway::LineAnswer answer, net::Request& request,
                       net::Responder& responder);

}  // namespace steward::server
