// One line of a batch as a call: a request that came from nobody, and an answer that nobody reads as it comes.
#pragma once
#include <string>

#include "server/batches/runner.h"

namespace steward::server {

struct Answered {
  int status = 0;
  Id request;
  std::string body;
};

struct Question {
  std::string url, body;
  Id request_id;
  TimeUs now = 0;  // monotonic
  CancelToken cancel;
};

// Asked once, through the endpoint's own handler; what the key keeps of it is kept (kept.h).
Task<Answered> ask_once(Core& core, const Endpoint& endpoint, identity::Caller caller, Question question);
// The same, and asked again while `passes`.
Task<Answered> ask(Core& core, const Endpoint& endpoint, identity::Caller caller, Question question);

// A full queue or a rate limit passes: a batch has time. A spent budget doesn't: that is the line's answer.
bool passes(const Answered& answer);
inline constexpr int kMostAgain = 8;  // tries beyond the first
std::chrono::seconds wait_before(int again);

// Whose a line's call is. An error: the key that asked for the batch is not good any more.
Result<identity::Caller> caller_of(Core& core, const Id& tenant, const BatchOrder& order);
// The same for an answer that is there already: it is read and charged whatever became of the key.
identity::Caller caller_of_posted(Core& core, const Id& tenant, const BatchOrder& order);

}  // namespace steward::server
