// One attempt at a call: at one deployment, with a reservation and a settlement of its own. Several may be made at one
// request before a byte of content has gone to the client (routing/attempts.h); the one that answers delivers.
//
//   start() → deliver() or discard(). Whatever happens, it settles exactly once.
#pragma once
#include "gateway/answer.h"
#include "gateway/attempt_span.h"
#include "gateway/routing/attempts.h"
#include "gateway/source.h"

namespace steward::gateway {

class ModelAttempt final : public routing::Attempt {
 public:
  ModelAttempt(Services& services, const Asked& asked, identity::Caller caller, routing::Turn turn)
      : services_(services), asked_(asked), caller_(std::move(caller)), turn_(std::move(turn)) {}

  // Answers at the first content of a stream, or once a whole answer is there. After an error it has settled.
  Task<Status> start() override;
  Task<void> discard() override;
  routing::ProviderLimits limits() const override;

  // After start(): gives the answer to the client and settles. The error with which it broke off, if it did.
  Task<std::optional<Error>> deliver(Answer& answer);

  CancelToken cancel() const { return turn_.cancel; }

  // Null until a reservation was tried for.
  const std::shared_ptr<Call>& call() const { return call_; }

 private:
  Task<Status> admit();
  Status hold_to_cost(Bound& bound);
  Task<Status> reach_content();
  Task<Status> pull_content();
  Task<Status> take(const Deltas& deltas);
  Task<Status> relay(Answer& answer);
  Error ours(Error error) const;
  Task<void> settle(Ended& ended);

  Services& services_;
  const Asked& asked_;
  identity::Caller caller_;
  routing::Turn turn_;
  std::shared_ptr<Call> call_;
  std::unique_ptr<Source> source_;
  AttemptSpan span_;
  AnswerSum sum_;       // of a whole answer, or where somebody wants the whole of a stream
  Deltas held_;         // of a stream, up to its first content
  bool whole_ = false;  // everything came
};

}  // namespace steward::gateway
