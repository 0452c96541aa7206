// Calendar arithmetic for time expressions: spans of local days and what they are in UTC. Weeks begin on Monday;
// seasons are those of the northern half of the earth, whole months each. Inside memory only. Pure.
#pragma once
#include <date/date.h>

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace date {
class time_zone;
}

namespace steward::memory {

using LocalDay = date::local_days;

struct Days {  // [from, to)
  LocalDay from, to;
};

enum class Unit { kDay, kWeek, kMonth, kYear, kWeekend };

inline constexpr int kFirstYear = 1970, kLastYear = 2100;

Days day_of(LocalDay day);
Days week_of(LocalDay day);
Days month_of(LocalDay day);
Days year_of(LocalDay day);
Days weekend_before(LocalDay day, bool ended);  // the last one that has ended, or has begun
Days unit_of(Unit unit, LocalDay day);
LocalDay back_by(LocalDay day, Unit unit, int64_t count);  // the same day that many units earlier

std::optional<Days> date_of(int64_t year, int64_t month,
                            int64_t day);  // 0: the whole month, or year; none: no such day
int year_in(LocalDay day);
int month_in(LocalDay day);

// season 0 to 3: spring, summer, autumn, winter; a winter has the year in which it begins.
Days season_of(int season, int year);
// The newest of these that has ended by `today`, or has begun by then.
enum class Newest { kEnded, kBegun };
Days newest_season(int season, LocalDay today, Newest which);
Days newest_month(int month, LocalDay today, Newest which);
Days newest_weekday(int weekday, LocalDay today, Newest which);  // 1: Monday … 7: Sunday
std::optional<Days> newest_date(int64_t month, int64_t day, LocalDay today);

// Local midnight as an instant; `zone` null: UTC.
TimeUs instant_of(LocalDay day, const date::time_zone* zone);
LocalDay local_day_of(TimeUs time, const date::time_zone* zone);

}  // namespace steward::memory
