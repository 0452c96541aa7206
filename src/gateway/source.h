// Where an answer comes from: the embedded engine or a provider, as a stream of deltas that is pulled. Knows nothing of
// the client. One coroutine, on the call's io thread.
//
//   prepare() → (reservation) → open() → next() … nullopt → ended(). After an error: again(), or ended(error).
#pragma once
#include <memory>

#include "gateway/asked.h"
#include "gateway/bound.h"
#include "gateway/call.h"
#include "gateway/routing/provider_limits.h"

namespace steward::gateway {

struct Ended {
  ledger::Usage usage;
  bool disputed = false;  // the provider told a use that can't be: it was counted here
  ledger::Outcome outcome = ledger::Outcome::kFinished;
  std::optional<Error> error;
};

struct Waits {  // a route's patience; 0: the provider's own
  DurationUs first_byte_us = 0, between_bytes_us = 0;
  Deadline total;
};

// A call as it goes into a provider's own batch.
struct PostedBody {
  UpstreamPath path;
  std::string body;
};

class Source {
 public:
  virtual ~Source() = default;
  // Up to the reservation: what it can't honour is refused, its worst case told. Asks the engine, never a provider.
  virtual Task<Result<Bound>> prepare() = 0;
  virtual size_t slots() const { return 0; }  // of a local model: the call waits its turn for one of them; else 0
  virtual Task<Status> open(int64_t output_tokens) = 0;    // asks; answers once the answer has begun
  virtual Task<Result<std::optional<Deltas>>> next() = 0;  // nullopt: it is whole
  // Instead of open(), of a provider that takes batches: what is to be posted; and, when it is there, the answer, whose
  // deltas next() then gives. `input_tokens`, `output_tokens`: as they were reserved.
  virtual Result<PostedBody> posting(int64_t /*output_tokens*/) { return fail(ErrorCode::kInternal); }
  virtual Status take_answer(int64_t /*input_tokens*/, int64_t /*output_tokens*/, int /*status*/,
                             std::string /*body*/) {
    return fail(ErrorCode::kInternal);
  }
  // After an error, which becomes the caller's. True: the answer is being made anew from its start, go on with next().
  // Only where `nothing_sent`.
  virtual Task<bool> again(Error& error, bool nothing_sent) = 0;
  virtual void stop() = 0;  // cuts what is still under way, at once
  // What it used, whole or not, and how that counts.
  virtual Ended ended(std::optional<Error> error) = 0;
  virtual routing::ProviderLimits limits() const { return {}; }
  const std::vector<std::string>& dropped() const { return refusals_.dropped(); }

 protected:
  explicit Source(const Asked& asked) : refusals_(asked.request.from, asked.may_drop) {}
  Refusals refusals_;
};

std::unique_ptr<Source> make_local_source(Services& services, const Asked& asked, Target target, CancelToken cancel);
std::unique_ptr<Source> make_remote_source(Services& services, const Asked& asked, Target target, CancelToken cancel,
                                           Waits waits);

}  // namespace steward::gateway
