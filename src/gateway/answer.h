// How an answer reaches the client in its dialect: delta by delta as a stream, or as one whole object; or as an error.
// One a request, whatever number of attempts is made at it: open() says whose answer it became. On the request's io
// thread; release() is the last that is called.
#pragma once
#include <memory>

#include "gateway/asked.h"
#include "gateway/call.h"
#include "gateway/stream_out.h"

namespace steward::gateway {

class Answer {
 public:
  Answer(Services& services, const Asked& asked, net::Request& request, net::Responder& responder);

  // Of streams that are silent for long; 0: never.
  void set_keep_alive(DurationUs silence_us) { keep_alive_us_ = silence_us; }
  Task<void> tell_alive();                  // before any content: the status line if need be, and a comment
  Task<Status> open(Call& call);            // a stream: on disk is what it may cost, then its status line goes out
  Task<Status> take(const Deltas& deltas);  // kCancelled: the client is gone
  Task<void> finish(Call& call, const ledger::Usage& usage);
  Task<void> finish_whole(Call& call, const WholeAnswer& answer, const ledger::Usage& usage);
  Task<void> fail_with(Call* call, Error error);  // null: no call was made
  Task<void> release();
  bool begun() const { return responder_.begun(); }
  net::Headers& headers() { return responder_.headers(); }

 private:
  AnswerContext context(const Call* call) const;

  const Asked& asked_;
  net::Request& request_;
  net::Responder& responder_;
  int64_t created_;  // Unix seconds
  StreamOut out_;
  DurationUs keep_alive_us_ = 15 * kSecondUs;
  std::unique_ptr<AnswerWriter> writer_;
};

}  // namespace steward::gateway
