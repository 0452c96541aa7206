#include "memory/calendar.h"

#include <date/tz.h>

namespace steward::memory {
namespace {

using date::days;
using date::months;
using date::year_month_day;
using date::years;

constexpr int kMonthsOfSeason = 3;
constexpr int kFirstMonth[] = {3, 6, 9, 12};

year_month_day fields(LocalDay day) { return year_month_day(day); }

// The 31st of a month without one is its last day.
LocalDay clamped(year_month_day ymd) {
  return ymd.ok() ? LocalDay(ymd) : LocalDay(ymd.year() / ymd.month() / date::last);
}

LocalDay first_of(int64_t year, int64_t month) {
  return LocalDay(date::year(static_cast<int>(year)) / date::month(static_cast<unsigned>(month)) / 1);
}

bool fits(const Days& span, LocalDay today, Newest which) {
  return which == Newest::kEnded ? span.to <= today : span.from <= today;
}

}  // namespace

Days day_of(LocalDay day) { return {day, day + days(1)}; }

Days week_of(LocalDay day) {
  const LocalDay monday = day - (date::weekday(day) - date::Monday);
  return {monday, monday + days(7)};
}

Days month_of(LocalDay day) {
  const auto ymd = fields(day);
  const auto first = ymd.year() / ymd.month() / 1;
  return {LocalDay(first), LocalDay(first + months(1))};
}

Days year_of(LocalDay day) {
  const auto first = fields(day).year() / 1 / 1;
  return {LocalDay(first), LocalDay(first + years(1))};
}

Days weekend_before(LocalDay day, bool ended) {
  LocalDay saturday = week_of(day).from + days(5);
  while (ended ? saturday + days(2) > day : saturday > day) saturday -= days(7);
  return {saturday, saturday + days(2)};
}

Days unit_of(Unit unit, LocalDay day) {
  switch (unit) {
    case Unit::kDay: return day_of(day);
    case Unit::kWeek: return week_of(day);
    case Unit::kMonth: return month_of(day);
    case Unit::kYear: return year_of(day);
    case Unit::kWeekend: return weekend_before(day + days(1), false);
  }
  return day_of(day);
}

LocalDay back_by(LocalDay day, Unit unit, int64_t count) {
  const int n = static_cast<int>(count);
  switch (unit) {
    case Unit::kDay: return day - days(n);
    case Unit::kWeek:
    case Unit::kWeekend: return day - days(7 * n);
    case Unit::kMonth: return clamped(fields(day) - months(n));
    case Unit::kYear: return clamped(fields(day) - years(n));
  }
  return day;
}

std::optional<Days> date_of(int64_t year, int64_t month, int64_t day) {
  if (year < kFirstYear || year > kLastYear || month < 0 || month > 12 || day < 0 || day > 31) return {};
  if (month == 0) return year_of(first_of(year, 1));
  if (day == 0) return month_of(first_of(year, month));
  const auto ymd = date::year(static_cast<int>(year)) / static_cast<unsigned>(month) / static_cast<unsigned>(day);
  return ymd.ok() ? std::optional(day_of(LocalDay(ymd))) : std::nullopt;
}

int year_in(LocalDay day) { return static_cast<int>(fields(day).year()); }
int month_in(LocalDay day) { return static_cast<int>(static_cast<unsigned>(fields(day).month())); }

Days season_of(int season, int year) {
  const LocalDay first = first_of(year, kFirstMonth[season]);
  return {first, LocalDay(fields(first) + months(kMonthsOfSeason))};
}

Days newest_season(int season, LocalDay today, Newest which) {
  int year = year_in(today);
  while (!fits(season_of(season, year), today, which)) --year;
  return season_of(season, year);
}

Days newest_month(int month, LocalDay today, Newest which) {
  int year = year_in(today);
  while (!fits(month_of(first_of(year, month)), today, which)) --year;
  return month_of(first_of(year, month));
}

Days newest_weekday(int weekday, LocalDay today, Newest which) {
  LocalDay day = week_of(today).from + days(weekday - 1);
  while (!fits(day_of(day), today, which)) day -= days(7);
  return day_of(day);
}

std::optional<Days> newest_date(int64_t month, int64_t day, LocalDay today) {
  constexpr int kLeap = 8;  // years at most between two of a 29th of February
  for (int year = year_in(today); year > year_in(today) - kLeap; --year) {
    const auto span = date_of(year, month, day);
    if (span && span->from <= today) return span;
  }
  return {};
}

TimeUs instant_of(LocalDay day, const date::time_zone* zone) {
  using std::chrono::microseconds;
  if (!zone) return std::chrono::duration_cast<microseconds>(day.time_since_epoch()).count();
  return std::chrono::duration_cast<microseconds>(
             zone->to_sys(std::chrono::time_point_cast<std::chrono::seconds>(day), date::choose::earliest)
                 .time_since_epoch())
      .count();
}

LocalDay local_day_of(TimeUs time, const date::time_zone* zone) {
  const date::sys_seconds at(std::chrono::seconds(time >= 0 ? time / kSecondUs : (time - kSecondUs + 1) / kSecondUs));
  if (!zone) return LocalDay(date::floor<days>(at).time_since_epoch());
  return date::floor<days>(zone->to_local(at));
}

}  // namespace steward::memory
