// The HTTP server's face: routes, requests, responders. Hides the HTTP library (Boost.Beast) from everything above.
//
// One io_context per core; a connection and all that it starts stay on its thread. Limits have names and answers
// (docs/api.md): header bytes and count, address length, body bytes, time to read head and body, idle keep-alive,
// connections, requests under way. A client that goes away cancels the request's token (kClientGone) at once, also
// while the handler waits or streams.
//
// Gone is also a client that closes only its sending side after a full request: on the wire that can't be told from a
// close until something is written, and waiting for that would go on spending tokens for nobody (nginx and Go decide
// the same way). The socket stays open, so a whole answer sent by the handler still reaches such a client; a stream to
// it ends.
//
// Who may call: routes are added before start(); handlers and their Responder run on the connection's io thread;
// Server's functions are called from outside the io threads, except the counters (any thread).
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"

namespace steward::net {

// Header fields in order of arrival; names compare without case.
class Headers {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string name, std::string value);
  std::string_view get(std::string_view name) const;  // the first, or empty
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;                         // "POST"
  std::string path;                           // decoded, without query: "/v1/models"
  std::map<std::string, std::string> query;   // decoded; the first of each name
  std::map<std::string, std::string> params;  // of the route: {id}
  Headers headers;
  std::string body;
  std::string remote;      // "127.0.0.1:50312" or "unix"
  bool over_unix = false;  // came over the home's socket: whoever can open it owns the home
  Id request_id;           // "req_…"; told as x-request-id and logged
  TimeUs received_us = 0;  // monotonic
  CancelToken cancel;
};

class WebSocket;
struct WebSocketLimits;

// How a handler answers: once whole, or as a stream. Failing writes (kCancelled) mean that the client went away. One
// coroutine at a time writes. An answer begun but not ended is cut, so that the client sees that it is not whole.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual Headers& headers() = 0;  // added to the answer, before send or begin
  virtual Task<Status> send(int status, std::string content_type, std::string body) = 0;
  virtual Task<Status> begin(int status, std::string content_type) = 0;  // chunked (or SSE) follows
  virtual Task<Status> write(std::string chunk) = 0;                     // waits while the client is slow
  virtual Task<Status> end() = 0;
  virtual bool begun() const = 0;  // the status line is out: an error can only be told in the stream
  // Answers a request for an upgrade to WebSocket (net/websocket.h); instead of all of the above. kInvalidRequest: it
  // is none, or not one that can be taken.
  virtual Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketLimits limits);
};

using Handler = std::function<Task<void>(Request&, Responder&)>;

struct Route {
  std::string method;   // HEAD is answered by GET's route where it has none of its own
  std::string pattern;  // "/admin/v1/keys/{id}"; a last "{rest*}" takes several segments
  Handler handler;
  size_t max_body_bytes = 0;  // 0: the server's limit
};

// Wraps every handler: authentication, logging, metrics. Outermost first. A request that no route takes (404, 405)
// passes through too, with a Route whose pattern is empty; a malformed one does not.
using Middleware = std::function<Task<void>(Request&, Responder&, const Route&, const Handler& next)>;

class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, size_t max_body_bytes = 0);
  // Answers errors in the dialect of the path (default: OpenAI's envelope).
  void set_error_writer(std::function<Task<void>(Request&, Responder&, Error)> writer);
  void use(Middleware middleware);
  // Who sends a request whose head has come: a name, or empty for nobody who is known. Bounds what one client may hold.
  void set_client_namer(std::function<std::string(const Request&)> namer);
  const std::vector<Route>& routes() const;
  const std::vector<Middleware>& middleware() const { return middleware_; }
  const std::function<Task<void>(Request&, Responder&, Error)>& error_writer() const { return error_writer_; }
  const std::function<std::string(const Request&)>& client_namer() const { return client_namer_; }

 private:
  std::vector<Route> routes_;
  std::vector<Middleware> middleware_;
  std::function<Task<void>(Request&, Responder&, Error)> error_writer_;
  std::function<std::string(const Request&)> client_namer_;
};

struct ServerLimits {
  size_t max_header_bytes = 64 * 1024;
  size_t max_headers = 128;
  size_t max_target_bytes = 8 * 1024;
  size_t max_body_bytes = 32 * 1024 * 1024;
  std::chrono::milliseconds head_timeout{10'000};  // from the first byte of a request to the end of its head
  std::chrono::milliseconds body_timeout{60'000};  // the whole body; longer only while it keeps min_body_rate
  size_t min_body_rate = 64 * 1024;                // bytes a second that a body must keep after body_timeout
  size_t max_bodies_bytes = 256 * 1024 * 1024;  // of all requests' bodies together: more is asked to come later (429)
  size_t max_client_bodies_bytes = 128 * 1024 * 1024;  // of one client's, as body_shares.h says
  std::chrono::milliseconds idle_timeout{75'000};      // a kept-alive connection without a request
  std::chrono::milliseconds write_timeout{60'000};     // a client that takes nothing for so long is cut
  size_t max_connections = 12'000;
  size_t max_connections_per_thread_accept = 64;  // connections accepted in one go before other work gets its turn
};

struct Listen {
  std::string host = "127.0.0.1";         // empty: no TCP
  uint16_t port = 7070;                   // 0: any free one; see Server::port()
  std::filesystem::path unix_socket;      // or empty; made with mode 600
  std::filesystem::path tls_certificate;  // PEM; or empty
  std::filesystem::path tls_key;
};

class Server {
 public:
  virtual ~Server() = default;
  virtual Status start() = 0;  // binds, listens; clear error if the port is taken
  virtual uint16_t port() const = 0;
  virtual void stop_accepting() = 0;
  // Lets what is under way finish until the deadline, then cuts it (kShutdown). Returns how many were cut.
  virtual size_t drain(Deadline deadline) = 0;
  virtual size_t connections() const = 0;
  virtual size_t requests_under_way() const = 0;
};

// The threads that everything asynchronous runs on: one io_context each.
class IoThreads {
 public:
  explicit IoThreads(size_t count);
  ~IoThreads();  // stops and joins
  asio::io_context& context(size_t index);
  size_t count() const;
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::unique_ptr<Server> make_server(IoThreads& threads, Router& router, Listen listen, ServerLimits limits,
                                    Clock& clock, Random& random, Log log);

}  // namespace steward::net
