// Looks at what a server stands on and can't mend: the wall clock, its own time on the processor, and its descriptors.
// A clock that stepped, a process that stood still and a table of descriptors that is nearly full are told for a while
// by /readyz and `steward doctor`, since each explains what would else look like a fault of something else.
//
// Any thread.
#pragma once
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/trouble.h"

namespace steward::server {

inline constexpr DurationUs kWatchEveryUs = kSecondUs;  // how often look() is called by the housekeeper
inline constexpr DurationUs kStepUs = 2 * kSecondUs;    // a wall clock that moves so far against the steady one
inline constexpr DurationUs kStallUs = 3 * kSecondUs;   // the housekeeper woke so much too late
inline constexpr DurationUs kToldForUs = 600 * kSecondUs;

struct Descriptors {
  uint64_t open = 0, limit = 0;  // open is the limit when not even their folder could be opened
};
Descriptors count_descriptors();

class HostWatch {
 public:
  HostWatch(Clock& clock, Log log) : clock_(clock), log_(std::move(log)) {}
  enum class From { kHousekeeper, kRequest };
  void look(From from);
  std::vector<Trouble> troubles();  // looks first

 private:
  struct Told {
    Trouble trouble;
    TimeUs until = 0;  // steady clock
  };
  void look_at_clock(TimeUs wall, TimeUs steady);
  void tell(Told& place, Trouble trouble, TimeUs steady);

  Clock& clock_;
  Log log_;
  std::mutex mutex_;
  bool begun_ = false;
  TimeUs offset_ = 0;      // wall less steady
  TimeUs last_round_ = 0;  // steady
  Told step_, stall_;
};

}  // namespace steward::server
