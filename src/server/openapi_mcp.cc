// The schemas of MCP, as far as they fit here: what the frame of a message is. The protocol has its own.
#include "base/json.h"
#include "server/openapi.h"

namespace steward::server {
namespace {

constexpr std::string_view kMcp = R"({
"McpMessage":{"type":"object","required":["jsonrpc","method"],"properties":{"jsonrpc":{"const":"2.0"},"id":{"type":["string","integer"],"description":"Left out: a notification"},"method":{"type":"string","description":"initialize, ping, tools/list, tools/call; under 2026-07-28 server/discover, tools/list, tools/call"},"params":{"type":"object"}}},
"McpAnswer":{"type":"object","required":["jsonrpc"],"properties":{"jsonrpc":{"const":"2.0"},"id":{"type":["string","integer","null"]},"result":{"type":"object"},"error":{"type":"object","required":["code","message"],"properties":{"code":{"type":"integer"},"message":{"type":"string"},"data":{}}}}}
})";

}  // namespace

Json mcp_schemas() { return parse_own(kMcp); }

}  // namespace steward::server
