#include "server/mcp/json_rpc.h"

#include "gateway/peek.h"

namespace steward::server::mcp {
using gateway::peek;
namespace {

bool is_request_id(const Json& id) { return id.is_string() || id.is_number_integer(); }

std::unexpected<Unread> unread(const Json& id, RpcCode code, std::string message) {
  return std::unexpected(Unread{is_request_id(id) ? id : Json(nullptr), {code, std::move(message)}});
}

Json error_json(const RpcError& error) {
  Json out = {{"code", static_cast<int>(error.code)}, {"message", error.message}};
  if (!error.data.is_null()) out["data"] = error.data;
  return out;
}

}  // namespace

std::expected<RpcMessage, Unread> read_message(const Json& value) {
  if (!value.is_object()) return unread(nullptr, kInvalidRequest, "A message is a JSON object.");
  const Json &id = peek(value, "id"), &method = peek(value, "method");
  if (peek(value, "jsonrpc") != "2.0") return unread(id, kInvalidRequest, "'jsonrpc' must be \"2.0\".");
  if (!value.contains("method") && (value.contains("result") || value.contains("error")))
    return RpcMessage{.kind = RpcMessage::Kind::kResponse, .id = id, .method = {}};
  if (!method.is_string()) return unread(id, kInvalidRequest, "'method' must be a text.");
  RpcMessage out{.kind = RpcMessage::Kind::kNotification, .id = nullptr, .method = method.get<std::string>()};
  if (value.contains("id")) {
    if (!is_request_id(id)) return unread(nullptr, kInvalidRequest, "'id' must be a text or a whole number.");
    out.kind = RpcMessage::Kind::kRequest;
    out.id = id;
  }
  if (!value.contains("params")) return out;
  out.params = peek(value, "params");
  if (!out.params.is_object()) return unread(id, kInvalidParams, "'params' must be an object.");
  return out;
}

Json result_message(const Json& id, Json result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

Json error_message(const Json& id, const RpcError& error) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", error_json(error)}};
}

Json error_without_id(const RpcError& error) { return {{"jsonrpc", "2.0"}, {"error", error_json(error)}}; }

}  // namespace steward::server::mcp
