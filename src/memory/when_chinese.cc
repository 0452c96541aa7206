// Chinese: no spaces, so rules are tried at each character.
#include <algorithm>
#include <array>

#include "memory/when_reading.h"

namespace steward::memory {
namespace {

using date::days;
constexpr std::array<std::string_view, 10> kDigits = {"〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
constexpr int64_t kMostUnits = 1'000;

}  // namespace

bool ChineseTimes::skip(size_t& at, std::initializer_list<std::string_view> words) const {
  for (const std::string_view word : words) {
    if (!text_.substr(std::min(at, text_.size())).starts_with(word)) continue;
    at += word.size();
    return true;
  }
  return false;
}

// 12, 两, 十二, 二十, 二〇二三.
std::optional<int64_t> ChineseTimes::number(size_t& at) const {
  constexpr int kMostDigits = 4;
  size_t next = at;
  int64_t value = 0;
  int digits = 0;
  bool ten = false;
  for (; digits < kMostDigits && next < text_.size(); ++digits) {
    if (text_[next] >= '0' && text_[next] <= '9') {
      value = value * 10 + (text_[next++] - '0');
      continue;
    }
    if (skip(next, {"十"})) {
      if (ten || value > 9) return {};
      value = std::max<int64_t>(value, 1) * 10;
      ten = true;
      continue;
    }
    int64_t digit = -1;
    for (size_t i = 0; i < kDigits.size() && digit < 0; ++i) {
      if (skip(next, {kDigits[i]})) digit = static_cast<int64_t>(i);
    }
    if (digit < 0 && skip(next, {"两"})) digit = 2;
    if (digit < 0 && skip(next, {"零"})) digit = 0;
    if (digit < 0) break;
    value = ten ? value + digit : value * 10 + digit;
    if (ten) {
      ++digits;
      break;
    }
  }
  if (digits == 0) return {};
  at = next;
  return value;
}

std::optional<ChineseTimes::Found> ChineseTimes::day_word(size_t at) const {
  static constexpr std::array<std::pair<std::string_view, int>, 7> kWords = {
      {{"今天", 0}, {"今晚", 0}, {"今早", 0}, {"昨天", 1}, {"昨晚", 1}, {"大前天", 3}, {"前天", 2}}};
  for (const auto& [word, back] : kWords) {
    size_t end = at;
    if (skip(end, {word})) return Found{day_of(today_ - days(back)), end};
  }
  return {};
}

// 上周, 上上个星期, 本周, 上周三, 周末.
std::optional<ChineseTimes::Found> ChineseTimes::week(size_t at) const {
  size_t end = at;
  int back = -1;
  if (skip(end, {"上上个", "上上"})) back = 2;
  if (back < 0 && skip(end, {"上个", "上"})) back = 1;
  if (back < 0 && skip(end, {"这个", "这", "本"})) back = 0;
  const bool said = back >= 0;
  if (!skip(end, {"星期", "礼拜", "周"})) return {};
  const LocalDay day = today_ - days(7 * std::max(back, 0));
  static constexpr std::array<std::string_view, 8> kDays = {"一", "二", "三", "四", "五", "六", "日", "天"};
  for (size_t i = 0; i < kDays.size(); ++i) {
    if (!skip(end, {kDays[i]})) continue;
    const int weekday = static_cast<int>(std::min<size_t>(i, 6)) + 1;
    if (!said) return Found{newest_weekday(weekday, today_, Newest::kBegun), end};
    return Found{day_of(week_of(day).from + days(weekday - 1)), end};
  }
  if (skip(end, {"末"})) {
    const LocalDay saturday = week_of(day).from + days(5);
    return Found{said ? Days{saturday, saturday + days(2)} : weekend_before(today_, false), end};
  }
  return said ? std::optional(Found{week_of(day), end}) : std::nullopt;
}

std::optional<ChineseTimes::Found> ChineseTimes::month_or_year(size_t at) const {
  static constexpr std::array<std::pair<std::string_view, int>, 7> kMonths = {
      {{"上上个月", 2}, {"上上月", 2}, {"上个月", 1}, {"上月", 1}, {"这个月", 0}, {"本月", 0}, {"这月", 0}}};
  for (const auto& [word, back] : kMonths) {
    size_t end = at;
    if (skip(end, {word})) return Found{month_of(back_by(month_of(today_).from, Unit::kMonth, back)), end};
  }
  return {};
}

// 两周前, 三个月以前, 最近三天, 过去两年.
std::optional<ChineseTimes::Found> ChineseTimes::counted(size_t at) const {
  size_t end = at;
  const bool recent = skip(end, {"最近", "过去", "近"});
  auto count = number(end);
  if (!count && !recent && skip(end, {"几"})) count = 3;
  if (!count || *count <= 0 || *count > kMostUnits) return {};
  std::optional<Unit> unit;
  if (skip(end, {"天", "日"}))
    unit = Unit::kDay;
  else if (skip(end, {"个星期", "星期", "个礼拜", "周"}))
    unit = Unit::kWeek;
  else if (skip(end, {"个月"}))
    unit = Unit::kMonth;
  else if (skip(end, {"年"}))
    unit = Unit::kYear;
  if (!unit) return {};
  const LocalDay day = back_by(today_, *unit, *count);
  if (recent) return Found{{day, today_ + days(1)}, end};
  if (!skip(end, {"以前", "之前", "前"})) return {};
  return Found{unit_of(*unit, day), end};
}

// [year] [month [day] | season]: 2023年5月7日, 去年三月, 去年春天, 五月七号, 今年.
std::optional<ChineseTimes::Found> ChineseTimes::dated(size_t at) const {
  size_t end = at;
  std::optional<int64_t> year;
  static constexpr std::array<std::pair<std::string_view, int>, 4> kYears = {
      {{"大前年", 3}, {"前年", 2}, {"去年", 1}, {"今年", 0}}};
  for (const auto& [word, back] : kYears) {
    if (!year && skip(end, {word})) year = year_in(today_) - back;
  }
  if (!year) {
    size_t next = end;
    const auto value = number(next);
    if (value && *value >= kFirstYear && *value <= kLastYear && skip(next, {"年"})) year = value, end = next;
  }
  if (year) skip(end, {"的"});
  static constexpr std::array<std::string_view, 4> kSeasons = {"春", "夏", "秋", "冬"};
  for (int season = 0; season < 4; ++season) {
    size_t next = end;
    if (!skip(next, {kSeasons[static_cast<size_t>(season)]}) || !skip(next, {"天", "季"})) continue;
    if (year) return Found{season_of(season, static_cast<int>(*year)), next};
    return Found{newest_season(season, today_, Newest::kBegun), next};
  }
  size_t next = end;
  const auto month = number(next);
  if (month && *month >= 1 && *month <= 12 && skip(next, {"月份", "月"})) {
    size_t after = next;
    const auto day = number(after);
    const bool with_day = day && *day >= 1 && *day <= 31 && skip(after, {"日", "号"});
    if (with_day) {
      const auto span = year ? date_of(*year, *month, *day) : newest_date(*month, *day, today_);
      if (span) return Found{*span, after};
    }
    if (!year) return Found{newest_month(static_cast<int>(*month), today_, Newest::kBegun), next};
    if (const auto span = date_of(*year, *month, 0)) return Found{*span, next};
  }
  if (!year) return {};
  const auto span = date_of(*year, 0, 0);
  return span ? std::optional(Found{*span, end}) : std::nullopt;
}

std::optional<ChineseTimes::Found> ChineseTimes::span(size_t at) const {
  if (auto found = day_word(at)) return found;
  if (auto found = month_or_year(at)) return found;
  if (auto found = week(at)) return found;
  if (auto found = counted(at)) return found;
  return dated(at);
}

std::optional<Read> ChineseTimes::at_byte(size_t at) const {
  size_t begin = at;
  const bool from = skip(begin, {"从", "自"});
  const auto first = span(begin);
  if (!first) return {};
  Read out{first->days.from, first->days.to, at, first->end};
  size_t end = first->end;
  if (skip(end, {"到", "至"})) {
    if (const auto second = span(end)) {
      out.to = second->days.to;
      out.end = second->end;
      return out;
    }
  }
  end = first->end;
  if (skip(end, {"以前", "之前", "前"})) {
    out.to = out.from;
    out.from.reset();
  } else if (skip(end, {"以来"}) || (from && skip(end, {"起", "开始"}))) {
    out.to.reset();
  } else if (skip(end, {"以后", "之后", "后"})) {
    out.from = out.to;
    out.to.reset();
  }
  out.end = end;
  return out;
}

std::optional<Read> ChineseTimes::next() {
  for (; at_ < text_.size(); ++at_) {
    if ((static_cast<unsigned char>(text_[at_]) & 0xc0) == 0x80) continue;
    auto read = at_byte(at_);
    if (!read) continue;
    at_ = read->end;
    return read;
  }
  return {};
}

}  // namespace steward::memory
