// Budget periods in a person's time zone. A period starts at the first instant of its local day (which is not always
// midnight: where clocks leap at midnight, the day begins at one), weeks start on Monday. Periods lie end to end: no
// instant is in two, none is in none.
#pragma once
#include <string_view>

#include "ledger/ledger.h"

namespace date {
class time_zone;
}

namespace steward::ledger {

struct Span {
  TimeUs start = 0;
  TimeUs end = 0;  // 0: never
  bool holds(TimeUs time) const { return time >= start && (end == 0 || time < end); }
};

const date::time_zone* find_zone(std::string_view name);  // null if there is none
Span period_at(Period period, const date::time_zone* zone, TimeUs time);
std::string local_day(const date::time_zone* zone, TimeUs time);   // "2026-11-25"
std::string local_time(const date::time_zone* zone, TimeUs time);  // "Mon 30 Nov 2026 00:00 (Europe/Berlin)"

std::string_view to_text(Period period);  // "day"
Period period_from_text(std::string_view text);

}  // namespace steward::ledger
