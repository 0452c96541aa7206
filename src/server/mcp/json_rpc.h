// JSON-RPC 2.0 as MCP narrows it: a request's id is a text or a whole number, parameters are an object. What a message
// is, and how answers are put together. Pure.
//
// https://www.jsonrpc.org/specification; MCP: specification/…/basic, "Messages".
#pragma once
#include <expected>
#include <string>

#include "base/json.h"

namespace steward::server::mcp {

// Of JSON-RPC, and those that MCP defines of its own (2026-07-28: "Error Codes").
enum RpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kHeaderMismatch = -32020,
  kUnsupportedProtocolVersion = -32022,
};

struct RpcError {
  RpcCode code = kInternalError;
  std::string message;
  Json data = nullptr;  // null: left out
};

struct RpcMessage {
  enum class Kind { kRequest, kNotification, kResponse };
  Kind kind = Kind::kRequest;
  Json id;  // of a request
  std::string method;
  Json params = Json::object();
};

// What can't be read as a message: the error, and the id that it answers, null where none was to be read.
struct Unread {
  Json id = nullptr;
  RpcError error;
};
std::expected<RpcMessage, Unread> read_message(const Json& value);

Json result_message(const Json& id, Json result);
Json error_message(const Json& id, const RpcError& error);
// Of what is refused before its message was read (no key, another site's page): without an id.
Json error_without_id(const RpcError& error);

}  // namespace steward::server::mcp
