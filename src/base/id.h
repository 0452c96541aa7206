// Ids: a prefix that names the kind, an underscore, and a ULID (48 bits of milliseconds, 80 random bits, Crockford base
// 32), so that ids sort by the time they were made: "run_01JDKX0Z8N5Y3W6Q4R2T1V0B9C". Made before the append, by
// whoever decides, never by storage.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace steward {

using Id = std::string;

// Makes ids from the clock and randomness it was given. Ids made by one maker within a millisecond are not ordered
// among themselves.
class IdMaker {
 public:
  IdMaker(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  Id make(std::string_view prefix);  // prefix without underscore: "run"

 private:
  Clock& clock_;
  Random& random_;
};

bool is_id(std::string_view text, std::string_view prefix);   // the prefix, '_' and 26 Crockford characters
std::string ulid(TimeUs time_us, std::string_view random10);  // 10 raw bytes

}  // namespace steward
