// How an answer reaches the client: chunk by chunk as server-sent events, or gathered into one whole object.
//
// Both take the same chunks (OpenAI's stream form, one JSON object each), so that what makes them needs not know which
// it is.
#pragma once
#include <memory>

#include "gateway/call.h"
#include "gateway/request.h"

namespace steward::gateway {

class Answer {
 public:
  virtual ~Answer() = default;
  virtual Task<Status> chunk(Json chunk) = 0;                 // kCancelled: the client is gone
  virtual bool begun() const = 0;                             // bytes are out: no retry, no status any more
  virtual Task<void> finish(const ledger::Usage& usage) = 0;  // after the settlement
  virtual Task<void> fail_with(Error error) = 0;
  virtual void reset() = 0;          // forgets what was gathered, for another try; only while not begun
  virtual Task<void> release() = 0;  // lets go of the responder; last
};

std::unique_ptr<Answer> make_stream_answer(Call& call, const ModelRequest& asked, net::Request& request,
                                           net::Responder& responder);
std::unique_ptr<Answer> make_whole_answer(Call& call, const ModelRequest& asked, net::Request& request,
                                          net::Responder& responder);

// Gathers chunks of one answer: text, tool calls, log probabilities, refusals, finish reasons by choice.
class Gatherer {
 public:
  explicit Gatherer(CallKind kind) : kind_(kind) {}
  void add(const Json& chunk);
  Json choices() const;
  const Json& extras() const { return extras_; }  // what else the chunks said: system_fingerprint, service_tier, …

 private:
  struct Choice {
    Json message = Json::object();  // role, content, refusal, reasoning_content, tool_calls
    std::string text;
    Json logprobs;
    Json finish_reason;
  };
  void add_delta(Choice& choice, const Json& delta);
  void add_tool_calls(Json& message, const Json& calls);
  CallKind kind_;
  std::map<int64_t, Choice> choices_;
  Json extras_ = Json::object();
};

}  // namespace steward::gateway
