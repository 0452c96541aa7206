// MCP over streamable HTTP: one address, /mcp, one POST a message. What stands around every handler (endpoint.h) knows
// who asks; here are the rules of the transport: what a body may be, its headers, its statuses. Nothing is streamed and
// no session is kept, so GET and DELETE are 405, as each revision allows.
//
// Specification: basic/transports of 2025-03-26, 2025-06-18 and 2025-11-25, and basic/transports/streamable-http of
// 2026-07-28.
#pragma once
#include <vector>

#include "server/endpoint.h"

namespace steward::server::mcp {

inline constexpr std::string_view kAddress = "/mcp";

std::vector<Endpoint> mcp_endpoints(Core& core);

// An error before or beside any message (no key, a body too large), in this protocol's form.
Task<void> write_error(net::Request& request, net::Responder& responder, Error error);

}  // namespace steward::server::mcp
