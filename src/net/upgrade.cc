// The handshake that turns a request into a WebSocket.
#include <boost/asio/this_coro.hpp>

#include "base/crypto.h"
#include "base/text.h"
#include "net/response.h"
#include "net/server_websocket.h"

namespace steward::net {
namespace {

bool lists(std::string_view header, std::string_view word) {
  for (const auto one : split(header, ',')) {
    if (equal_ignoring_ascii_case(trim(one), word)) return true;
  }
  return false;
}

Status check_upgrade(const Request& request) {
  const Headers& headers = request.headers;
  if (request.method != "GET" || !lists(headers.get("upgrade"), "websocket") ||
      !lists(headers.get("connection"), "upgrade"))
    return fail(ErrorCode::kInvalidRequest, "This address is for WebSocket: ask for an upgrade.");
  if (headers.get("sec-websocket-version") != "13")
    return fail(ErrorCode::kInvalidRequest, "WebSocket of version 13 is spoken here.");
  const auto key = from_base64(headers.get("sec-websocket-key"));
  if (!key || key->size() != 16)
    return fail(ErrorCode::kInvalidRequest, "'Sec-WebSocket-Key' must be 16 bytes in base64.");
  return {};
}

}  // namespace

Task<Result<std::unique_ptr<WebSocket>>> Responder::accept_websocket(WebSocketLimits) {
  co_return fail(ErrorCode::kInvalidRequest, "A WebSocket can't be opened here.");
}

Task<Result<std::unique_ptr<WebSocket>>> Response::accept_websocket(WebSocketLimits limits) {
  if (phase_ != Phase::kFresh) co_return fail(ErrorCode::kInternal, "The request was answered already.");
  if (auto ok = check_upgrade(request_); !ok) co_return fail(std::move(ok.error()));
  if (!input_ || context_.http_1_0) co_return fail(ErrorCode::kInvalidRequest, "A WebSocket can't be opened here.");
  phase_ = Phase::kStreaming;  // never done: what follows is no HTTP, and the connection ends with it
  context_.keep_alive = false;
  status_ = 101;
  const std::string head = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nServer: steward\r\nDate: {}\r\nX-Request-Id: {}\r\n"
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
      context_.date, request_id_, accept_key(request_.headers.get("sec-websocket-key")));
  if (auto ok = co_await put(head); !ok) co_return fail(std::move(ok.error()));
  auto socket = std::make_unique<ServerWebSocket>(output_, input_, cancel_, limits, co_await asio::this_coro::executor);
  socket->start();
  co_return socket;
}

}  // namespace steward::net
