// What a provider says of its own rate limits in an answer's headers, read into one shape.
//   retry-after, retry-after-ms                                    seconds, an HTTP date; milliseconds
//   x-ratelimit-{limit,remaining,reset}-{requests,tokens}          OpenAI and those who follow: "1s", "6m0s", "12ms"
//   anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}   resets are RFC 3339
//   x-ratelimit-{limit,remaining,reset}                            plain: requests; reset in seconds or as a Unix time
// Values, no state; any thread.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace steward::gateway::routing {

// What a provider's limits count of a call before it is made, estimated. Limits on tokens count both; those on input
// only that; those on output are counted by providers as it is made.
struct CallTokens {
  int64_t input = 0;
  int64_t output = 0;
};

struct ProviderLimits {
  struct Bucket {
    std::string name;  // "requests", "tokens", "input-tokens"
    std::optional<int64_t> limit, remaining;
    std::optional<DurationUs> reset_us;  // from now
  };
  std::vector<Bucket> buckets;
  std::optional<DurationUs> retry_after_us;  // nothing is to be asked before
  bool empty() const { return buckets.empty() && !retry_after_us; }
};

// `header` answers a field's first value by its lower-case name, or empty. `now_us` is the wall clock.
ProviderLimits read_provider_limits(const std::function<std::string_view(std::string_view)>& header, TimeUs now_us);

// What all callers of one deployment know together.
class LimitState {
 public:
  void take(const ProviderLimits& limits, TimeUs monotonic_us);
  void refused(std::optional<DurationUs> retry_after_us, TimeUs monotonic_us);  // a 429
  // How long until a call of so many tokens may be sent; 0: now. `why` says which limit.
  DurationUs holds_us(TimeUs monotonic_us, CallTokens tokens, std::string* why) const;
  void sent(CallTokens tokens);  // what was sent since the provider spoke counts against it

 private:
  struct Held {
    std::string name;
    int64_t limit = 0, remaining = 0;
    TimeUs told_at_us = 0, reset_at_us = 0;  // monotonic
  };
  std::vector<Held> held_;
  TimeUs not_before_us_ = 0;
};

}  // namespace steward::gateway::routing
