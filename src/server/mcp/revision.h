// Which revision of MCP a request is made under, and whether its HTTP headers tell the same as its body.
//
// Up to 2025-11-25 a client greets (`initialize`) and then names the agreed revision in a header; 2026-07-28 has no
// greeting: each request carries its revision and the client's capabilities in `_meta`, and mirrors method and tool in
// headers, so that what stands in between reads the same as this server (basic/transports/streamable-http, "Server
// Validation"). Both are served at one address, and nothing is remembered between two requests. Pure.
#pragma once
#include <array>
#include <expected>
#include <optional>
#include <string_view>

#include "net/http_server.h"
#include "server/mcp/json_rpc.h"

namespace steward::server::mcp {

enum class Revision { k2025_03_26, k2025_06_18, k2025_11_25, k2026_07_28 };

inline constexpr std::array<std::string_view, 4> kRevisions = {"2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};
inline constexpr Revision kNewestGreeted = Revision::k2025_11_25;  // that begins with `initialize`
inline constexpr Revision kUntold = Revision::k2025_03_26;         // of whoever sends no header: it knew none

std::string_view revision_name(Revision revision);
std::optional<Revision> find_revision(std::string_view name);
Json revision_names();  // newest first

// A refusal with its HTTP status.
struct Refused {
  int status = 400;
  RpcError error;
};
std::expected<Revision, Refused> revision_of(const net::Headers& headers, const RpcMessage& message);

// The value of a mirrored header: plain, or "=?base64?…?=". Nothing where that is no base64.
std::optional<std::string> header_text(std::string_view value);

// Whether whoever asks takes JSON (an absent or an unreadable Accept takes all).
bool takes_json(std::string_view accept);
bool is_json_type(std::string_view content_type);  // an absent one too

}  // namespace steward::server::mcp
