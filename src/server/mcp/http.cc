#include "server/mcp/http.h"

#include "gateway/peek.h"
#include "memory/memory.h"
#include "server/mcp/memory_tools.h"
#include "server/mcp/protocol.h"

namespace steward::server::mcp {
using gateway::peek;
using Kind = RpcMessage::Kind;
namespace {

constexpr size_t kMaxBody = size_t{1} << 20;  // a note has 64 kB; with its escapes and a frame, far less than this
constexpr int kNotAcceptable = 406;
constexpr size_t kMostInBatch = 50;  // messages, of the one revision that has batches

// One request's way: who asks, with what, and what answers.
struct Exchange {
  Protocol& protocol;
  identity::Caller caller;
  net::Request& request;
  net::Responder& responder;
};

Task<void> send_json(net::Responder& responder, int status, Json body) {
  responder.headers().set("cache-control", "no-store");
  responder.headers().set("x-content-type-options", "nosniff");
  (void)co_await responder.send(status, "application/json", dump(body));
}

Task<void> send_accepted(net::Responder& responder) { (void)co_await responder.send(202, "", ""); }

RpcCode code_for(const Error& error) {
  if (error.code == ErrorCode::kInvalidJson || error.code == ErrorCode::kInvalidUtf8) return kParseError;
  return info(error.code).http_status >= 500 ? kInternalError : kInvalidRequest;
}

// How a client is asked for a key, or for another one (RFC 6750). There is no sign-in by OAuth to point at.
std::string challenge_for(const Error& error) {
  if (error.code == ErrorCode::kForbidden && peek(error.details, "endpoint").is_string())
    return fmt::format("Bearer error=\"insufficient_scope\", scope=\"{}\"",
                       gateway::peek_text(error.details, "endpoint"));
  return info(error.code).http_status == 401 ? "Bearer scope=\"memory\"" : "";
}

Task<void> one(Exchange exchange, Json body) {
  auto message = read_message(body);
  if (!message)
    co_return co_await send_json(exchange.responder, 400, error_message(message.error().id, message.error().error));
  auto revision = revision_of(exchange.request.headers, *message);
  if (!revision) {
    const auto& [status, error] = revision.error();
    co_return co_await send_json(
        exchange.responder, status,
        message->kind == Kind::kRequest ? error_message(message->id, error) : error_without_id(error));
  }
  // Nothing is asked of a client, so nobody waits for its answer; and there is nothing to be told that is heeded.
  if (message->kind != Kind::kRequest) co_return co_await send_accepted(exchange.responder);
  auto answer = co_await exchange.protocol.answer(exchange.caller, std::move(*message), *revision);
  co_await send_json(exchange.responder, answer.status, std::move(answer.message));
}

// Of one message among several; null where there is nothing to answer.
Task<Json> answer_in_batch(Exchange exchange, Json body) {
  auto message = read_message(body);
  if (!message) co_return error_message(message.error().id, message.error().error);
  if (message->kind != Kind::kRequest) co_return nullptr;
  if (message->method == "initialize")
    co_return error_message(message->id, {kInvalidRequest, "'initialize' must not be part of a batch."});
  auto answer = co_await exchange.protocol.answer(exchange.caller, std::move(*message), kUntold);
  co_return std::move(answer.message);
}

Task<void> several(Exchange exchange, Json body) {
  const std::string told(exchange.request.headers.get("mcp-protocol-version"));
  std::string wrong;
  if (!told.empty() && told != revision_name(kUntold))
    wrong = fmt::format("A body is one message: only {} had batches.", revision_name(kUntold));
  else if (body.empty() || body.size() > kMostInBatch)
    wrong = fmt::format("A batch has 1 to {} messages.", kMostInBatch);
  if (!wrong.empty())
    co_return co_await send_json(exchange.responder, 400, error_message(nullptr, {kInvalidRequest, wrong}));
  Json answers = Json::array();
  for (auto& message : body) {
    Json answer = co_await answer_in_batch(exchange, std::move(message));
    if (!answer.is_null()) answers.push_back(std::move(answer));
  }
  if (answers.empty()) co_return co_await send_accepted(exchange.responder);
  co_await send_json(exchange.responder, 200, std::move(answers));
}

Task<void> post(std::shared_ptr<Protocol> protocol, identity::Caller caller, net::Request& request,
                net::Responder& responder) {
  if (auto may = memory::may_read(caller); !may) co_return co_await write_error(request, responder, may.error());
  if (!is_json_type(request.headers.get("content-type")))
    co_return co_await write_error(request, responder,
                                   Error(ErrorCode::kUnsupportedMediaType, "The body must be application/json."));
  if (!takes_json(request.headers.get("accept"))) {
    const RpcError refusal{kInvalidRequest, "Accept must list application/json and text/event-stream."};
    co_return co_await send_json(responder, kNotAcceptable, error_without_id(refusal));
  }
  auto body = parse_json(request.body);
  if (!body) co_return co_await send_json(responder, 400, error_message(nullptr, {kParseError, body.error().message}));
  const Exchange exchange{*protocol, std::move(caller), request, responder};
  if (body->is_array()) co_return co_await several(exchange, std::move(*body));
  co_await one(exchange, std::move(*body));
}

}  // namespace

Task<void> write_error(net::Request&, net::Responder& responder, Error error) {
  if (const std::string challenge = challenge_for(error); !challenge.empty())
    responder.headers().set("www-authenticate", challenge);
  const ErrorInfo& about = info(error.code);
  co_await send_json(responder, about.http_status,
                     error_without_id({code_for(error), error.message, {{"code", about.name}}}));
}

std::vector<Endpoint> mcp_endpoints(Core& core) {
  Endpoint endpoint;
  endpoint.method = "POST";
  endpoint.pattern = std::string(kAddress);
  endpoint.access = Access::kKey;
  endpoint.doc = {
      .tag = "Memory",
      .summary = "Memory as tools of MCP: recall, remember, forget",
      .description =
          "The Model Context Protocol over streamable HTTP, without sessions: one message of JSON-RPC a "
          "POST, under 2025-03-26, 2025-06-18, 2025-11-25 or 2026-07-28. A notification is answered by 202. "
          "By a key only if `memory` is among its endpoints.",
      .request_schema = "McpMessage",
      .response_schema = "McpAnswer"};
  auto protocol = std::make_shared<Protocol>(memory_tools(core), memory_instructions(), core.clock);
  endpoint.raw = [protocol](identity::Caller caller, net::Request& request, net::Responder& responder) {
    return post(protocol, std::move(caller), request, responder);
  };
  endpoint.max_body_bytes = kMaxBody;
  endpoint.keeps = false;  // what is forgotten must not stand in a kept answer
  endpoint.own_pages_only = true;
  std::vector<Endpoint> out;
  out.push_back(std::move(endpoint));
  return out;
}

}  // namespace steward::server::mcp
