#include "ledger/period.h"

#include <date/tz.h>

namespace steward::ledger {
namespace {

using SysUs = date::sys_time<std::chrono::microseconds>;

SysUs at(TimeUs time) { return SysUs(std::chrono::microseconds(time)); }
TimeUs to_us(SysUs time) { return time.time_since_epoch().count(); }

// A local midnight that is skipped begins where the gap ends; one that comes twice begins at the first.
TimeUs first_instant(date::local_days day, const date::time_zone* zone) {
  const auto info = zone->get_info(date::local_seconds(day));
  if (info.result == date::local_info::nonexistent) return to_us(info.second.begin);
  return to_us(
      SysUs(std::chrono::duration_cast<std::chrono::microseconds>(date::local_seconds(day).time_since_epoch()) -
            info.first.offset));
}

date::local_days first_day(Period period, date::local_days day) {
  if (period == Period::kWeek) return day - (date::weekday(day) - date::Monday);
  if (period == Period::kMonth) {
    const date::year_month_day ymd(day);
    return date::local_days(ymd.year() / ymd.month() / 1);
  }
  return day;
}

date::local_days next_first_day(Period period, date::local_days first) {
  if (period == Period::kWeek) return first + date::weeks(1);
  if (period == Period::kMonth) {
    const date::year_month_day ymd(first);
    return date::local_days((ymd.year() / ymd.month() + date::months(1)) / 1);
  }
  return first + date::days(1);
}

}  // namespace

const date::time_zone* find_zone(std::string_view name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

Span period_at(Period period, const date::time_zone* zone, TimeUs time) {
  if (period == Period::kForever) return {0, 0};
  date::local_days first = first_day(period, date::floor<date::days>(zone->to_local(at(time))));
  // Where clocks go back over midnight the local day comes twice: what counts is that it has begun.
  while (true) {
    const date::local_days next = next_first_day(period, first);
    const TimeUs end = first_instant(next, zone);
    if (time < end) return {first_instant(first, zone), end};
    first = next;
  }
}

std::string local_day(const date::time_zone* zone, TimeUs time) {
  return date::format("%F", date::floor<date::days>(zone->to_local(at(time))));
}

std::string local_time(const date::time_zone* zone, TimeUs time) {
  const auto local = zone->to_local(date::floor<std::chrono::minutes>(at(time)));
  return date::format("%a %d %b %Y %H:%M", local) + " (" + zone->name() + ")";
}

std::string_view to_text(Period period) {
  switch (period) {
    case Period::kDay: return "day";
    case Period::kWeek: return "week";
    case Period::kMonth: return "month";
    case Period::kForever: return "forever";
  }
  return "forever";
}

Period period_from_text(std::string_view text) {
  for (Period period : {Period::kDay, Period::kWeek, Period::kMonth}) {
    if (to_text(period) == text) return period;
  }
  return Period::kForever;
}

}  // namespace steward::ledger
