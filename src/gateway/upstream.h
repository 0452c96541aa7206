// Asking a model's server: an OpenAI-compatible provider over HTTP, or the engine over its Unix socket. One shape for
// both.
#pragma once
#include <deque>
#include <memory>
#include <optional>

#include "base/json.h"
#include "gateway/gateway.h"
#include "net/sse.h"

namespace steward::gateway {

struct Upstream {
  std::string base_url;               // up to "/v1"
  std::filesystem::path unix_socket;  // of the engine, or empty
  std::string key;                    // or empty
  net::ClientDeadlines deadlines;
};

net::ClientRequest upstream_request(const Upstream& upstream, std::string_view path, std::string body,
                                    CancelToken cancel);

// The upstream's refusal in our terms: its reason is kept, its status mapped (a provider's 401 is no fault of the
// caller's key).
Error upstream_refusal(int status, std::string_view body, const net::Headers& headers, bool local);

// A streamed answer, event by event. Events are JSON objects; "[DONE]" ends it.
class EventStream {
 public:
  static Task<Result<std::unique_ptr<EventStream>>> open(net::HttpClient& client, net::ClientRequest request,
                                                         bool local);
  // nullopt at the end. Errors: garbage, an error event of the upstream, a stream that broke before its end.
  Task<Result<std::optional<Json>>> next();

 private:
  Result<std::optional<Json>> take(const net::SseEvent& event);
  std::unique_ptr<net::ClientStream> stream_;
  net::SseReader reader_;
  std::deque<net::SseEvent> ready_;
  bool finished_ = false;  // a choice told its finish_reason, or [DONE] came
  bool local_ = false;
};

}  // namespace steward::gateway
