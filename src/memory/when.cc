#include "memory/when.h"

#include <algorithm>

#include "base/text.h"
#include "memory/when_reading.h"

namespace steward::memory {

std::vector<When> times_in(std::string_view text, TimeUs asked_at, const date::time_zone* zone) {
  text = text.substr(0, kMaxTimedBytes);
  text.remove_suffix(incomplete_utf8_tail(text));
  const LocalDay today = local_day_of(asked_at, zone);
  std::vector<Read> all;
  EnglishTimes english(text, today);
  while (all.size() < kMaxTimes) {
    auto read = english.next();
    if (!read) break;
    all.push_back(*read);
  }
  ChineseTimes chinese(text, today);
  for (size_t found = 0; found < kMaxTimes; ++found) {
    auto read = chinese.next();
    if (!read) break;
    all.push_back(*read);
  }
  std::ranges::sort(all, {}, &Read::begin);
  std::vector<When> out;
  for (const Read& read : all) {
    if (out.size() == kMaxTimes || (!out.empty() && read.begin < out.back().end)) continue;
    When when{.begin = read.begin, .end = read.end};
    if (read.from) when.from = instant_of(*read.from, zone);
    if (read.to) when.to = instant_of(*read.to, zone);
    if (when.from < when.to) out.push_back(when);
  }
  return out;
}

}  // namespace steward::memory
