// The HTTP client's face (libcurl multi inside): whole answers and streams, over TCP, TLS or a Unix socket, each with
// deadlines and a cancellation that reaches the other side at once (the connection is closed). A client belongs to one
// io_context: call it from that thread.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/async.h"
#include "net/http_server.h"

namespace steward::net {

class Guard;

struct ClientDeadlines {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds first_byte{120'000};  // from the request sent to the head of the answer
  std::chrono::milliseconds between_bytes{120'000};
  std::chrono::milliseconds total{600'000};
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;                    // "http://…/v1/chat/completions"
  std::filesystem::path unix_socket;  // or empty: TCP
  // For addresses that somebody else supplied (guard.h). `connect_to`: the one IP address to connect to, whatever the
  // name would resolve to; on a fresh connection, without a proxy. `guard`: every address that is about to be connected
  // to is judged; without a proxy.
  std::string connect_to;
  std::shared_ptr<const Guard> guard;
  Headers headers;
  std::string body;
  ClientDeadlines deadlines;
  size_t max_response_bytes = 64 * 1024 * 1024;  // a stream's sum too
  CancelToken cancel;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// A body that is still arriving. Destroying it closes the connection unless all was read.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  // The next bytes as they came; nullopt at the end. Back-pressure: what is not read is not taken from the socket.
  // Errors: kUpstreamUnreachable (reset, cut short), kUpstreamTimeout, kCancelled, kUpstreamError (too large).
  virtual Task<Result<std::optional<std::string>>> read() = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Task<Result<ClientResponse>> fetch(ClientRequest request) = 0;
  virtual Task<Result<std::unique_ptr<ClientStream>>> open(ClientRequest request) = 0;
};

std::unique_ptr<HttpClient> make_http_client(asio::io_context& context, Log log);

// One client per io thread, found by the calling coroutine's executor.
class HttpClients {
 public:
  HttpClients(IoThreads& threads, Log log);
  ~HttpClients();
  HttpClient& here();  // from an io thread only

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace steward::net
