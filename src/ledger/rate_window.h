// What a key used in the last minute: a sliding window. In any 60 seconds at most `requests_per_minute` calls are
// admitted, and their tokens come to at most `tokens_per_minute`: a call counts with its worst case while it is under
// way and with its real use once it is settled. Refused calls don't count.
//
// Time is cut into tenths of a second, so that a window holds at most some 600 entries however many calls there are; an
// entry counts for 60 seconds from the end of its tenth, which can only be late, never early. Entries from a future
// that the wall clock was set back from count for a minute at most.
#pragma once
#include <deque>

#include "ledger/ledger.h"

namespace steward::ledger {

inline constexpr DurationUs kRateSliceUs = 100'000;
inline constexpr int64_t kRateSlices = 600;

inline int64_t rate_slice(TimeUs time) { return time / kRateSliceUs; }

class RateWindow {
 public:
  struct Entry {
    int64_t slice = 0;
    int64_t requests = 0;
    int64_t tokens = 0;
  };
  void add(TimeUs time, int64_t requests, int64_t tokens);
  void correct(TimeUs time, int64_t token_difference);  // nothing if its slice is gone
  void drop_older(TimeUs now);
  bool empty() const { return entries_.empty(); }
  const std::deque<Entry>& entries() const { return entries_; }

  int64_t requests(TimeUs now) const;
  int64_t tokens(TimeUs now) const;
  // How long until at most `allowed` remain counted; 0 if so now.
  DurationUs until_requests(TimeUs now, int64_t allowed) const;
  DurationUs until_tokens(TimeUs now, int64_t allowed) const;

 private:
  template <class Value>
  int64_t sum(TimeUs now, Value value) const;
  template <class Value>
  DurationUs until(TimeUs now, int64_t allowed, Value value) const;
  std::deque<Entry> entries_;  // by slice
};

}  // namespace steward::ledger
