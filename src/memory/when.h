// Time expressions: "two weeks ago", "last spring", "before March", "in 2023", 上周, 去年三月, as spans of time, read
// against the moment of asking and the asker's zone.
//
// What is named by itself and could lie on several sides of now ("in March", "on Friday", 三月) is the newest that has
// begun: memory looks back. "Last" is the newest that has ended, "two weeks ago" the week in which that day lies, "the
// last two weeks" the time from then until now. Words that are none of a time ("may", "march", "second") are read as
// such only where what stands beside them says so. Whatever the text, the answer is bounded and nothing fails: it is
// fed what people type. Pure; any thread.
#pragma once
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace date {
class time_zone;
}

namespace steward::memory {

inline constexpr TimeUs kEver = std::numeric_limits<TimeUs>::min(), kAlways = std::numeric_limits<TimeUs>::max();

struct When {
  TimeUs from = kEver, to = kAlways;  // [from, to)
  size_t begin = 0, end = 0;          // bytes in the text: what said so
  bool holds(TimeUs time) const { return time >= from && time < to; }
};

inline constexpr size_t kMaxTimes = 4;           // of one text
inline constexpr size_t kMaxTimedBytes = 4'096;  // of a text; the rest isn't looked at

// In the order of the text; none overlap. `zone` null: UTC.
std::vector<When> times_in(std::string_view text, TimeUs asked_at, const date::time_zone* zone);

}  // namespace steward::memory
