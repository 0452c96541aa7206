// Responses over WebSocket, as Codex and OpenAI's clients speak it: each text message is a request
// {"type": "response.create", …}, each answer's event one text message. Every message is a metered call. The connection
// remembers its own responses, stored or not, so that the next message need only say what is new.
#include "base/json.h"
#include "gateway/conversations/responses_api.h"
#include "gateway/peek.h"
#include "gateway/serve.h"
#include "net/websocket.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxMessages = 100'000;  // of one connection

Json error_event(const Error& error) {
  Json body = responses_ingress().write_error(error);
  return {{"type", "error"}, {"status", info(error.code).http_status}, {"error", peek(body, "error")}};
}

// Gives each event of an answer's stream to the socket as a message.
class SocketResponder final : public net::Responder {
 public:
  explicit SocketResponder(net::WebSocket& socket) : socket_(socket) {}
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int status, std::string, std::string body) override {
    begun_ = true;
    const Json json = read_own(body);
    Json event = {{"type", "error"}, {"status", status}, {"error", peek(json, "error")}};
    Json headers = Json::object();
    for (const auto& [name, value] : headers_.all()) headers[name] = value;
    event["headers"] = std::move(headers);
    co_return co_await socket_.write(dump(event));
  }
  Task<Status> begin(int, std::string) override {
    begun_ = true;
    co_return Status{};
  }
  Task<Status> write(std::string chunk) override {
    constexpr std::string_view kData = "data: ";
    for (size_t at = 0; at < chunk.size();) {
      const size_t end = chunk.find("\n\n", at);
      if (end == std::string::npos) break;
      const std::string_view event = std::string_view(chunk).substr(at, end - at);
      const size_t data = event.starts_with(kData) ? 0 : event.find("\ndata: ");
      Status sent;
      if (event.starts_with(": keep-alive"))
        sent = co_await socket_.ping();
      else if (!event.starts_with(':') && data != std::string_view::npos)
        sent = co_await socket_.write(std::string(event.substr(event.find(kData, data) + kData.size())));
      if (!sent) co_return sent;
      at = end + 2;
    }
    co_return Status{};
  }
  Task<Status> end() override { co_return Status{}; }
  bool begun() const override { return begun_; }

 private:
  net::WebSocket& socket_;
  net::Headers headers_;
  bool begun_ = false;
};

// A key that was revoked or ran out meanwhile opens nothing more; a changed one holds as it is now.
bool still_good(Services& services, identity::Caller& caller) {
  if (!caller.key) return true;
  const auto snapshot = services.identity.snapshot();
  const auto key = snapshot->keys.find(caller.key->id);
  if (key == snapshot->keys.end() || key->second->revoked) return false;
  caller.key = key->second;
  const TimeUs expires = caller.key->spec.expires_at;
  return expires == 0 || expires > services.clock.now_us();
}

// What belongs to one message of the connection's request.
net::Request request_of(const net::Request& upgrade, Services& services) {
  net::Request request;
  request.method = "POST";
  request.path = upgrade.path;
  request.headers = upgrade.headers;
  request.remote = upgrade.remote;
  request.over_unix = upgrade.over_unix;
  request.request_id = services.ids.make("req");
  request.received_us = services.clock.monotonic_us();
  request.cancel = upgrade.cancel;
  return request;
}

}  // namespace

Task<void> ResponsesApi::socket(Caller caller, net::Request& request, net::Responder& responder) {
  net::WebSocketLimits limits;
  limits.stop = stop_;
  auto accepted = co_await responder.accept_websocket(limits);
  if (!accepted) {
    if (!responder.begun())
      co_await refuse(services_, Dialect::kResponses, request, responder, std::move(accepted.error()));
    co_return;
  }
  net::WebSocket& socket = **accepted;
  Memory memory;
  for (size_t i = 0; i < kMaxMessages; ++i) {
    auto message = co_await socket.read();
    if (!message) break;
    if (!still_good(services_, caller)) break;
    co_await socket_message(caller, std::move(*message), memory, request, socket);
    if (request.cancel.cancelled()) break;
  }
  const bool stopping = stop_.cancelled() || request.cancel.reason() == CancelReason::kShutdown;
  co_await socket.close(stopping ? net::kCloseGoingAway : net::kCloseNormal, "");
}

Task<void> ResponsesApi::socket_message(Caller caller, std::string message, Memory& memory, net::Request& upgrade,
                                        net::WebSocket& socket) {
  auto body = parse_json(message);
  if (body && peek_text(*body, "type") != "response.create")
    body = fail(ErrorCode::kInvalidRequest, "A message must be of type 'response.create'.", {{"param", "type"}});
  if (!body) {
    (void)co_await socket.write(dump(error_event(body.error())));
    co_return;
  }
  const bool generate = peek(*body, "generate") != false;
  body->erase("type");
  (*body)["stream"] = true;
  if (!generate && !body->contains("input")) (*body)["input"] = Json::array();
  net::Request request = request_of(upgrade, services_);
  if (peek(*body, "background") == true)
    body = fail(ErrorCode::kInvalidRequest, "A background response is asked for over HTTP.", {{"param", "background"}});
  auto turn = body ? co_await turns_.prepare(caller, std::move(*body), request.headers, nullptr, &memory)
                   : Result<std::shared_ptr<Turn>>(fail(std::move(body.error())));
  if (!turn) {
    (void)co_await socket.write(dump(error_event(turn.error())));
    co_return;
  }
  const std::shared_ptr<Turn> held = *turn;
  if (!generate) {
    (void)co_await prewarm(held, memory, socket);
    co_return;
  }
  SocketResponder responder(socket);
  co_await serve(services_, std::move(caller), std::move(held->asked), request, responder);
}

// A client says what the next call will begin with. Nothing is asked and nothing charged; it is remembered.
Task<Status> ResponsesApi::prewarm(std::shared_ptr<Turn> turn, Memory& memory, net::WebSocket& socket) {
  Json said = turn->history;
  for (const auto& item : turn->input) said.push_back(item);
  memory.keep(turn->id, std::move(said));
  int64_t number = 0;
  for (const char* type : {"response.created", "response.completed"}) {
    const bool last = std::string_view(type) == "response.completed";
    Json response = turns_.response_of(*turn, last ? "completed" : "in_progress", nullptr);
    if (last)
      response["usage"] = {{"input_tokens", 0},
                           {"input_tokens_details", {{"cached_tokens", 0}, {"cache_write_tokens", 0}}},
                           {"output_tokens", 0},
                           {"output_tokens_details", {{"reasoning_tokens", 0}}},
                           {"total_tokens", 0}};
    auto sent = co_await socket.write(
        dump(Json{{"type", type}, {"sequence_number", number++}, {"response", std::move(response)}}));
    if (!sent) co_return sent;
  }
  co_return Status{};
}

}  // namespace steward::gateway
