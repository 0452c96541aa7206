// Time, handed in so that a test can own it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace steward {

using TimeUs = int64_t;      // microseconds since 1970-01-01T00:00:00Z
using DurationUs = int64_t;  // microseconds

inline constexpr DurationUs kSecondUs = 1'000'000;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeUs now_us() = 0;        // wall clock, UTC; may step
  virtual TimeUs monotonic_us() = 0;  // never steps back; no relation to the wall clock
};

class SystemClock final : public Clock {
 public:
  TimeUs now_us() override;
  TimeUs monotonic_us() override;
};

// A clock that stands still until it is moved. Thread-compatible: the test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeUs start_us = 1'764'000'000'000'000) : now_us_(start_us) {}
  TimeUs now_us() override { return now_us_; }
  TimeUs monotonic_us() override { return now_us_; }
  void advance_us(DurationUs us) { now_us_ += us; }

 private:
  TimeUs now_us_;
};

std::string to_rfc3339(TimeUs time_us);  // "2026-11-25T04:21:00.123456Z"
Result<TimeUs> parse_rfc3339(std::string_view text);

}  // namespace steward
