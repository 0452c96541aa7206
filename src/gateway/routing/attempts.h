// Pursues a plan until one deployment's first byte is there: fallback, retries with back-off, waits for a provider's
// rate limit, hedging, deadlines. It knows neither dialect nor money: an Attempt is the gateway's.
//
// The rule that all follows from: as long as no byte of content has gone to the client, another deployment may be
// asked; after that, never. A keep-alive comment is no content. So a silent stream may get its 200 and comments early
// (on_silence) and still fall back; what is given up then is only that a last error could have had its own status: it
// is told inside the stream instead. That is why on_silence is called for the first time only after keep_alive_us.
//
// One coroutine, on the request's own io thread. Attempts that lost are cancelled at once and are settled before
// run_attempts() answers, or, where that takes longer, by their own discard() before the reply ends (they are awaited).
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.h"
#include "gateway/routing/router.h"

namespace steward::gateway::routing {

struct Turn {
  int number = 1;  // of the attempts at this call, from 1
  std::string deployment;
  bool hedge = false;
  DurationUs first_byte_us = 0, between_bytes_us = 0;  // 0: the provider's own
  Deadline total;
  std::optional<NanoUsd> max_cost;  // of this attempt's worst case
  CancelToken cancel;               // of this attempt: client gone, lost the race, first byte too late
};

class Attempt {
 public:
  virtual ~Attempt() = default;
  // Reserves, asks, and answers once the first byte of content is there (of an answer that is no stream: once all is).
  // Nothing may have gone to the client. Upon an error it has settled itself. Obeys Turn::cancel: a token cancelled
  // with kStopped lost the race or its deadline, and settles so.
  virtual Task<Status> start() = 0;
  // It had its first byte, and another's was first: ends the upstream and settles what it used.
  virtual Task<void> discard() = 0;
  virtual ProviderLimits limits() const { return {}; }  // as the answer's headers said, also after a failure
};

struct AttemptRecord {
  std::string deployment;
  int number = 0;                            // its turn's; 0: it wasn't asked
  std::string outcome;                       // "answered", "failed", "lost"
  std::string reason;                        // why it was chosen, or why it failed
  std::string code;                          // of the error
  DurationUs began_us = 0, duration_us = 0;  // began: since the plan began
};

// Why a deployment isn't asked now, for the caller: its provider's limit, or its rest.
Error not_now(const std::string& deployment, const Health::Verdict& verdict);

Json to_json(const AttemptRecord& record);
std::string attempts_header(
    const std::vector<AttemptRecord>& records);  // "openai/a;failed=upstream_error, lab/b;answered"

struct AttemptHooks {
  std::function<std::unique_ptr<Attempt>(Turn)> make;
  // Every keep_alive_us of silence, while attempts go on. Not called for answers that are no stream: leave it empty.
  std::function<Task<void>()> on_silence;
  CancelToken client;
  DurationUs total_us = 0;  // the gateway's own bound where neither route nor caller say one
};

struct Served {
  std::unique_ptr<Attempt> attempt;  // its first byte is there
  std::string deployment;
  int number = 1;
  Deadline total;
  std::vector<AttemptRecord> attempts;
};

struct Unserved {
  Error error;
  std::vector<AttemptRecord> attempts;
};

// Random decides the length of back-offs.
Task<std::expected<Served, Unserved>> run_attempts(Router& router, Plan plan, AttemptHooks hooks, Random& random);

}  // namespace steward::gateway::routing
