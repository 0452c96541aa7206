// How each deployment fares: a circuit, and what its provider said of its rate limits. Shared by all callers.
//
// The circuit opens after several failures in a row, or when most of the last calls failed; nobody is sent there until
// it has rested, then one call at a time goes through as a probe: an answer closes it, a failure makes the next rest
// twice as long. Where nobody else is left, a resting one is tried all the same, once a second: it may be well again,
// and a second's delay is better than a long refusal. A refusal that is the request's own fault (400) says that the
// deployment lives. A limit that the provider declared exhausted holds until its reset. A deployment whose provider
// forbade the call (403) is remembered for some minutes, so that others are asked before it; an answer, or a changed
// configuration, ends that.
//
// Thread-safe. At most `most` deployments are remembered; the one not heard of for longest is forgotten.
#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_fwd.h"
#include "gateway/routing/provider_limits.h"

namespace steward::gateway::routing {

struct HealthOptions {
  int failures_in_a_row = 5;
  size_t window = 20;         // last calls that the rate is of
  double failure_rate = 0.5;  // of a full window
  DurationUs rest_us = 5'000'000;
  DurationUs rest_max_us = 120'000'000;
  DurationUs probe_us = 130'000'000;      // a probe that nothing was heard of for so long is given up
  DurationUs forbidden_us = 600'000'000;  // for so long others go before one that answered 403
  size_t most = 4'096;
};

// What a failed attempt says of the deployment, the request, and what to try next.
enum class Failure {
  kMomentary,    // unreachable, silent, 5xx, garbage: another may answer, and so may the same one later
  kRateLimited,  // 429: another at once, the same after its reset
  kNotHere,      // key or model are wrong there, context too short, can't do a feature, no budget for it: another may
  kRequest,      // the request is wrong anywhere: no other is asked
  kOurs,         // the caller went away, the server stops, its own rate limit: nothing is learnt, nobody is asked
};
Failure failure_of(const Error& error);
// The provider said that the key it was given is no good (401, or in its own words): no model of its will answer.
bool key_was_refused(const Error& error);
std::string_view to_text(Failure failure);

class Health {
 public:
  enum class State { kClosed, kOpen, kHalfOpen };
  struct Verdict {
    State state = State::kClosed;
    bool may = true;            // false: open, or another call is the probe
    TimeUs until_us = 0;        // of an open circuit, wall clock
    DurationUs again_us = 0;    // from now
    DurationUs limited_us = 0;  // the provider's limit holds for so long
    std::string limit;          // "requests: 0 of 500 left"
    bool forbidden = false;     // 403 the last time it was asked
    std::string last_error;
  };

  Health(HealthOptions options, Clock& clock) : options_(options), clock_(clock) {}
  enum class Resort { kNormal, kLast };
  Verdict look(const std::string& deployment, CallTokens tokens, Resort resort = Resort::kNormal) const;
  // look, and where it may: counted, a probe's turn taken.
  Verdict enter(const std::string& deployment, CallTokens tokens, Resort resort = Resort::kNormal);
  void answered(const std::string& deployment, DurationUs first_byte_us);
  void failed(const std::string& deployment, const Error& error);
  void told_limits(const std::string& deployment, const ProviderLimits& limits);
  void reload(HealthOptions options);
  Json to_json() const;

 private:
  struct One {
    State state = State::kClosed;
    int in_a_row = 0;
    std::deque<bool> last;                                                           // true: failed
    int rests = 0;                                                                   // in a row
    TimeUs open_until_us = 0, probe_since_us = 0, heard_us = 0, last_resort_us = 0;  // monotonic
    TimeUs forbidden_us = 0;  // when it last answered 403; 0: it did not
    std::string last_error;
    DurationUs first_byte_us = 0;  // smoothed
    int64_t answered = 0, failed = 0;
    LimitState limits;
  };
  One& one(const std::string& deployment);
  Verdict verdict(const One& one, CallTokens tokens, Resort resort) const;
  void open(One& one);
  void count(One& one, bool failed);

  HealthOptions options_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, One> all_;
};

}  // namespace steward::gateway::routing
