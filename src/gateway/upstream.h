// Asking a model's server: a provider over HTTP, or the engine over its Unix socket. One shape for all dialects; what
// the events mean is their readers' business.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/json.h"
#include "gateway/event_framing.h"
#include "gateway/gateway.h"

namespace steward::gateway {

// An answer in one piece is held whole, and read into a tree that may take many times its bytes. A stream is not held:
// what may come in all is bounded by the tokens that it was allowed and by its deadline, long before this is reached.
constexpr size_t kMaxAnswerBytes = 32 * 1024 * 1024;
constexpr size_t kMaxStreamBytes = 1024 * 1024 * 1024;

struct Upstream {
  std::string base_url;               // up to "/v1"
  std::filesystem::path unix_socket;  // of the engine, or empty
  std::string key;                    // or empty
  net::ClientDeadlines deadlines;
};

// To the engine, or to an address that takes a Bearer key.
net::ClientRequest upstream_request(const Upstream& upstream, std::string_view path, std::string body,
                                    CancelToken cancel);

// An OpenAI-shaped refusal in our terms: its reason is kept, its status mapped (a provider's 401 is no fault of the
// caller's key).
Error upstream_refusal(int status, std::string_view body, const net::Headers& headers, bool local);
// The sentence in an error body of any of the usual shapes, or the body's beginning.
std::string reason_of(std::string_view body);

using ErrorReader = std::function<Error(int status, std::string_view body, const net::Headers& headers)>;

struct UpstreamEvent {
  std::string name;
  Json data;  // never null
};

// A streamed answer, event by event. "[DONE]" ends it. A server that answers with one JSON object though a stream was
// asked for is read too: its answer is given by take_whole(), else as the only event.
class EventStream {
 public:
  static Task<Result<std::unique_ptr<EventStream>>> open(net::HttpClient& client, net::ClientRequest request,
                                                         ErrorReader read_error);
  // nullopt at the end. `whole`: everything that makes an answer whole came, so that a reset is an end like any other.
  // Errors: garbage, a stream that broke before it was whole. A clean end that came too early is for the reader to say.
  Task<Result<std::optional<UpstreamEvent>>> next(bool whole);
  Task<Result<std::optional<net::SseEvent>>> next_raw(bool whole);  // the same, not yet read as JSON
  static Result<UpstreamEvent> read(const net::SseEvent& event);
  bool done() const { return done_; }  // "[DONE]" came
  std::optional<Json> take_whole() { return std::exchange(whole_, std::nullopt); }
  const net::Headers& headers() const { return stream_->headers(); }

 private:
  Task<Status> read_whole();
  std::unique_ptr<net::ClientStream> stream_;
  std::unique_ptr<EventFraming> framing_;
  std::deque<net::SseEvent> ready_;
  std::optional<Json> whole_;
  bool done_ = false;
};

// What an OpenAI-shaped stream of one or more choices says of its own end. For the engine, and for Completions.
class ChoiceWatch {
 public:
  Status take(const UpstreamEvent& event);  // the upstream's error event as an error
  bool finished() const { return finished_; }
  Status end() const;  // kUpstreamUnreachable if it ended in the middle

 private:
  bool finished_ = false;
};

}  // namespace steward::gateway
