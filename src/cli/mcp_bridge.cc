#include "cli/mcp_bridge.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/json_bounded.h"
#include "base/text.h"
#include "gateway/peek.h"

namespace steward::cli {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr int kParseError = -32700, kInvalidRequest = -32600, kInternalError = -32603;  // of JSON-RPC
constexpr const char* kMetaVersion = "io.modelcontextprotocol/protocolVersion";

bool is_plain(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// As 2026-07-28 has it ("Value Encoding"): what is no plain ASCII, or looks encoded, goes as base64.
std::string header_value(std::string_view text) {
  const bool looks_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
  return is_plain(text) && !looks_encoded ? std::string(text) : "=?base64?" + to_base64(text) + "?=";
}

bool is_request(const Json& message) {
  const Json& id = peek(message, "id");
  return message.is_object() && message.contains("method") && (id.is_string() || id.is_number_integer());
}

std::string error_line(const Json& id, int code, std::string message) {
  return dump({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", std::move(message)}}}});
}

}  // namespace

McpBridge::Headers McpBridge::headers_for(const Json& message) const {
  Headers out = {{"content-type", "application/json"}, {"accept", "application/json, text/event-stream"}};
  const std::string method = peek_text(message, "method");
  const Json& params = peek(message, "params");
  const std::string carried = peek_text(peek(params, "_meta"), kMetaVersion);
  if (!is_plain(carried)) {
    if (!agreed_.empty() && method != "initialize") out.emplace_back("mcp-protocol-version", agreed_);
    return out;
  }
  out.emplace_back("mcp-protocol-version", carried);
  if (is_plain(method)) out.emplace_back("mcp-method", method);
  if (const std::string name = peek_text(params, "name"); !name.empty())
    out.emplace_back("mcp-name", header_value(name));
  return out;
}

std::optional<std::string> McpBridge::refusal(const Json& message, std::string why) {
  if (is_request(message)) return error_line(peek(message, "id"), kInternalError, std::move(why));
  complain_(std::move(why));
  return std::nullopt;
}

std::optional<std::string> McpBridge::told(const Json& message, const Posted& posted) {
  if (trim(posted.body).empty()) {
    if (!is_request(message) && posted.status < 400) return std::nullopt;
    return refusal(message, fmt::format("The server answered {} and nothing else.", posted.status));
  }
  Json answer = parse_bounded(posted.body);
  if (answer.is_array()) return dump(answer);
  const bool good = answer.is_object() && (answer.contains("result") || peek(answer, "error").is_object());
  if (!good)
    return refusal(message, fmt::format("The server answered {} with something that is no message.", posted.status));
  if (message.is_object() && !is_request(message)) {  // it was refused, and nobody waits for an answer
    complain_(peek_text(peek(answer, "error"), "message"));
    return std::nullopt;
  }
  if (!answer.contains("id")) answer["id"] = message.is_object() ? peek(message, "id") : Json(nullptr);
  const std::string agreed = peek_text(peek(answer, "result"), "protocolVersion");
  if (peek_text(message, "method") == "initialize" && is_plain(agreed)) agreed_ = agreed;
  return dump(answer);
}

std::optional<std::string> McpBridge::answer(const std::string& line) {
  if (trim(line).empty()) return std::nullopt;
  const Json message = parse_bounded(line);
  if (message.is_discarded()) return error_line(nullptr, kParseError, "The line is no JSON.");
  auto posted = post_(headers_for(message), line);
  if (!posted) return refusal(message, posted.error().message);
  return told(message, *posted);
}

std::string McpBridge::too_long() const {
  return error_line(nullptr, kInvalidRequest, "The message is longer than the server takes.");
}

}  // namespace steward::cli
