// How fast one caller may call tools: a model that is caught in a loop must not keep the server busy. A bucket of calls
// that fills evenly. Bounded: of too many callers those are forgotten that have not called for longest. In memory
// alone. Any thread.
#pragma once
#include <mutex>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"

namespace steward::server::mcp {

class Pace {
 public:
  static constexpr int kAtOnce = 240;                   // a bucket's size
  static constexpr DurationUs kEachUs = kSecondUs / 4;  // a call comes back
  static constexpr size_t kMostCallers = 10'000;        // that are remembered
  explicit Pace(Clock& clock) : clock_(clock) {}
  Status take(const Id& caller);  // kRateLimited says when to come again

 private:
  Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<Id, TimeUs> full_at_;  // when its bucket is full again
};

}  // namespace steward::server::mcp
