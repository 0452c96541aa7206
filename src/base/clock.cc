#include "base/clock.h"

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

namespace steward {

TimeUs SystemClock::now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TimeUs SystemClock::monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string to_rfc3339(TimeUs time_us) {
  using namespace std::chrono;
  const sys_time<microseconds> t{microseconds{time_us}};
  const auto day = floor<days>(t);
  const year_month_day ymd{day};
  const hh_mm_ss time{t - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

namespace {

// Reads exactly `digits` decimal digits at `pos`, which it moves; -1 if they are not there.
int take_number(std::string_view text, size_t& pos, size_t digits) {
  if (pos + digits > text.size()) return -1;
  int value = 0;
  for (size_t i = 0; i < digits; ++i, ++pos) {
    if (text[pos] < '0' || text[pos] > '9') return -1;
    value = value * 10 + (text[pos] - '0');
  }
  return value;
}

bool take_char(std::string_view text, size_t& pos, std::string_view any_of) {
  if (pos >= text.size() || any_of.find(text[pos]) == std::string_view::npos) return false;
  ++pos;
  return true;
}

// The part after the point, in microseconds; further digits are dropped.
int64_t take_fraction_us(std::string_view text, size_t& pos) {
  int64_t us = 0, unit = 100'000;
  for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, unit /= 10) us += (text[pos] - '0') * unit;
  return us;
}

}  // namespace

Result<TimeUs> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] {
    return fail(ErrorCode::kInvalidRequest, fmt::format("'{}' is not a time such as 2026-11-25T04:21:00Z.", text));
  };
  size_t pos = 0;
  const int y = take_number(text, pos, 4);
  if (y < 0 || !take_char(text, pos, "-")) return bad();
  const int m = take_number(text, pos, 2);
  if (m < 0 || !take_char(text, pos, "-")) return bad();
  const int d = take_number(text, pos, 2);
  const year_month_day ymd{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}};
  if (d < 0 || !ymd.ok()) return bad();
  TimeUs result = duration_cast<microseconds>(sys_days{ymd}.time_since_epoch()).count();
  if (pos == text.size()) return result;  // a date alone is its midnight, UTC
  if (!take_char(text, pos, "Tt ")) return bad();
  const int hour = take_number(text, pos, 2);
  if (hour < 0 || hour > 23 || !take_char(text, pos, ":")) return bad();
  const int minute = take_number(text, pos, 2);
  if (minute < 0 || minute > 59) return bad();
  int second = 0;
  if (take_char(text, pos, ":")) second = take_number(text, pos, 2);
  if (second < 0 || second > 60) return bad();
  result += ((hour * 60LL + minute) * 60 + second) * kSecondUs;
  if (take_char(text, pos, ".")) result += take_fraction_us(text, pos);
  if (take_char(text, pos, "Zz")) return pos == text.size() ? Result<TimeUs>(result) : bad();
  if (pos >= text.size() || (text[pos] != '+' && text[pos] != '-')) return bad();
  const int sign = text[pos++] == '+' ? 1 : -1;
  const int off_h = take_number(text, pos, 2);
  if (off_h < 0 || off_h > 23 || !take_char(text, pos, ":")) return bad();
  const int off_m = take_number(text, pos, 2);
  if (off_m < 0 || off_m > 59 || pos != text.size()) return bad();
  return result - sign * (off_h * 60LL + off_m) * 60 * kSecondUs;
}

}  // namespace steward
