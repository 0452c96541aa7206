// English: tokens of letters and digits, and rules that are tried at each, the longest first.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "memory/when_reading.h"

namespace steward::memory {
namespace {

using date::days;
constexpr int64_t kMostUnits = 1'000;  // "5000 years ago" is no time that anybody remembers

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

std::optional<int64_t> digits(std::string_view word) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 0) return {};
  return value;
}

std::optional<int64_t> count_of(std::string_view word) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"};
  for (size_t i = 1; i < kNames.size(); ++i) {
    if (word == kNames[i]) return static_cast<int64_t>(i);
  }
  if (word == "a" || word == "an") return 1;
  const auto value = digits(word);
  return value && *value > 0 && *value <= kMostUnits ? value : std::nullopt;
}

std::optional<Unit> unit_named(std::string_view word) {
  if (word.ends_with('s')) word.remove_suffix(1);
  if (word == "day") return Unit::kDay;
  if (word == "week") return Unit::kWeek;
  if (word == "weekend") return Unit::kWeekend;
  if (word == "month") return Unit::kMonth;
  if (word == "year") return Unit::kYear;
  return {};
}

int month_named(std::string_view word) {  // 0: none
  static constexpr std::array<std::string_view, 12> kNames = {"january",   "february", "march",    "april",
                                                              "may",       "june",     "july",     "august",
                                                              "september", "october",  "november", "december"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (word == kNames[i] || (word.size() == 3 && kNames[i].starts_with(word)) || (i == 8 && word == "sept"))
      return static_cast<int>(i) + 1;
  }
  return 0;
}

int season_named(std::string_view word) {  // -1: none
  static constexpr std::array<std::string_view, 5> kNames = {"spring", "summer", "autumn", "winter", "fall"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (word == kNames[i]) return i == 4 ? 2 : static_cast<int>(i);
  }
  return -1;
}

int weekday_named(std::string_view word) {  // 0: none
  static constexpr std::array<std::string_view, 7> kNames = {"monday", "tuesday",  "wednesday", "thursday",
                                                             "friday", "saturday", "sunday"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (word == kNames[i]) return static_cast<int>(i) + 1;
  }
  return 0;
}

// "7", "7th"; 0: none.
int64_t day_named(std::string_view word) {
  for (const std::string_view ending : {"st", "nd", "rd", "th"}) {
    if (word.size() > 2 && word.ends_with(ending)) {
      word.remove_suffix(2);
      break;
    }
  }
  const auto value = digits(word);
  return value && *value >= 1 && *value <= 31 && word.size() <= 2 ? *value : 0;
}

int64_t year_named(std::string_view word) {  // 0: none
  const auto value = word.size() == 4 ? digits(word) : std::nullopt;
  return value && *value >= kFirstYear && *value <= kLastYear ? *value : 0;
}

}  // namespace

EnglishTimes::EnglishTimes(std::string_view text, LocalDay today) : text_(text), today_(today) {
  for (size_t at = 0; at < text.size();) {
    if (!is_word_byte(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && is_word_byte(text[at])) ++at;
    const bool capital = text[begin] >= 'A' && text[begin] <= 'Z';
    tokens_.push_back({to_lower_ascii(text.substr(begin, at - begin)), begin, at, capital});
  }
}

const std::string& EnglishTimes::word(size_t at) const {
  static const std::string kNone;
  return at < tokens_.size() ? tokens_[at].word : kNone;
}

bool EnglishTimes::is(size_t at, std::initializer_list<std::string_view> words) const {
  return at < tokens_.size() && std::ranges::find(words, tokens_[at].word) != words.end();
}

// "May" and "March" are months where something beside them says so; the others wherever they stand in full.
bool EnglishTimes::month_is_meant(size_t at) const {
  const bool ambiguous = word(at) == "may" || word(at) == "march" || word(at).size() <= 4;
  if (year_named(word(at + 1)) != 0) return true;
  const bool beside = at > 0 && is(at - 1, {"in", "last", "this", "since", "before", "after", "during", "until", "till",
                                            "by", "of", "early", "late", "mid", "between", "to", "from", "and"});
  return ambiguous ? beside && tokens_[at].capital : true;
}

std::optional<EnglishTimes::Found> EnglishTimes::relative(size_t at) const {
  if (is(at, {"today", "tonight"})) return Found{day_of(today_), at + 1};
  if (is(at, {"yesterday"})) return Found{day_of(today_ - days(1)), at + 1};
  if (is(at, {"last"}) && is(at + 1, {"night"})) return Found{day_of(today_ - days(1)), at + 2};
  if (is(at, {"this"}) && is(at + 1, {"morning", "afternoon", "evening"})) return Found{day_of(today_), at + 2};
  if (is(at, {"day"}) && is(at + 1, {"before"}) && is(at + 2, {"yesterday"}))
    return Found{day_of(today_ - days(2)), at + 3};
  size_t next = at;
  std::optional<int64_t> count;
  if (is(at, {"a"}) && is(at + 1, {"couple", "few"})) {
    count = word(at + 1) == "couple" ? 2 : 3;
    next = at + 2 + (is(at + 2, {"of"}) ? 1 : 0);
  } else {
    count = count_of(word(at));
    next = at + 1;
  }
  if (!count || !is(next + 1, {"ago", "earlier", "back"})) return {};
  if (is(next, {"hour", "hours", "minute", "minutes"})) return Found{day_of(today_), next + 2};
  const auto unit = unit_named(word(next));
  if (!unit) return {};
  const LocalDay day = back_by(today_, *unit, *count);
  return Found{*unit == Unit::kWeekend ? weekend_before(back_by(today_, *unit, *count - 1), true) : unit_of(*unit, day),
               next + 2};
}

std::optional<EnglishTimes::Found> EnglishTimes::named(size_t at) const {
  const bool last = is(at, {"last", "past", "previous"}), current = is(at, {"this", "current"});
  if (!last && !current) return {};
  const size_t next = at + 1;
  if (last && count_of(word(next)) && unit_named(word(next + 1))) {
    const LocalDay from = back_by(today_, *unit_named(word(next + 1)), *count_of(word(next)));
    return Found{{from, today_ + days(1)}, next + 2};
  }
  if (last && is(next, {"few", "couple"}) && unit_named(word(next + 1)))
    return Found{{back_by(today_, *unit_named(word(next + 1)), 3), today_ + days(1)}, next + 2};
  const Newest which = last ? Newest::kEnded : Newest::kBegun;
  if (const auto unit = unit_named(word(next)); unit && !word(next).ends_with('s')) {
    if (*unit == Unit::kWeekend) return Found{weekend_before(today_, last), next + 1};
    return Found{unit_of(*unit, last ? back_by(unit_of(*unit, today_).from, *unit, 1) : today_), next + 1};
  }
  if (const int weekday = weekday_named(word(next))) return Found{newest_weekday(weekday, today_, which), next + 1};
  if (const int season = season_named(word(next)); season >= 0)
    return Found{newest_season(season, today_, which), next + 1};
  const int month = month_named(word(next));
  if (month == 0 || !month_is_meant(next)) return {};
  return Found{newest_month(month, today_, which), next + 1};
}

// "May 7", "May 7th, 2023", "May 2023", "May of 2023", "May".
std::optional<EnglishTimes::Found> EnglishTimes::month_first(size_t at) const {
  const int month = month_named(word(at));
  if (month == 0) return {};
  size_t next = at + 1;
  const int64_t day = day_named(word(next));
  if (day > 0) ++next;
  const size_t of = next + (is(next, {"of"}) ? 1 : 0);
  if (const int64_t year = year_named(word(of))) {
    const auto span = date_of(year, month, day);
    return span ? std::optional(Found{*span, of + 1}) : std::nullopt;
  }
  if (day > 0) {
    const auto span = newest_date(month, day, today_);
    return span ? std::optional(Found{*span, next}) : std::nullopt;
  }
  if (!month_is_meant(at)) return {};
  return Found{newest_month(month, today_, Newest::kBegun), next};
}

// "7 May 2023", "the 7th of May".
std::optional<EnglishTimes::Found> EnglishTimes::day_first(size_t at) const {
  const int64_t day = day_named(word(at));
  const size_t next = at + 1 + (is(at + 1, {"of"}) ? 1 : 0);
  const int month = day > 0 ? month_named(word(next)) : 0;
  if (month == 0) return {};
  const int64_t year = year_named(word(next + 1));
  const auto span = year > 0 ? date_of(year, month, day) : newest_date(month, day, today_);
  if (!span) return {};
  return Found{*span, next + (year > 0 ? 2 : 1)};
}

// 2023-05-07, 2023/5, 2023.
std::optional<EnglishTimes::Found> EnglishTimes::numeric(size_t at) const {
  const int64_t year = year_named(word(at));
  if (year == 0) return {};
  const auto joined = [&](size_t token) {
    const char between = token < tokens_.size() ? text_[tokens_[token].begin - 1] : ' ';
    return token < tokens_.size() && tokens_[token].begin == tokens_[token - 1].end + 1 &&
           (between == '-' || between == '/');
  };
  const auto month = joined(at + 1) && word(at + 1).size() <= 2 ? digits(word(at + 1)) : std::nullopt;
  if (month && *month >= 1 && *month <= 12) {
    const int64_t day = joined(at + 2) ? day_named(word(at + 2)) : 0;
    if (const auto span = date_of(year, *month, day)) return Found{*span, at + (day > 0 ? 3 : 2)};
  }
  const bool meant = at > 0 && is(at - 1, {"in", "of", "since", "before", "after", "during", "year", "by", "from", "to",
                                           "until", "till", "and", "between", "early", "late"});
  if (!meant) return {};
  return Found{*date_of(year, 0, 0), at + 1};
}

std::optional<EnglishTimes::Found> EnglishTimes::absolute(size_t at) const {
  if (auto found = month_first(at)) return found;
  if (auto found = day_first(at)) return found;
  if (auto found = numeric(at)) return found;
  if (const int season = season_named(word(at)); season >= 0) {
    const size_t of = at + 1 + (is(at + 1, {"of"}) ? 1 : 0);
    if (const int64_t year = year_named(word(of))) return Found{season_of(season, static_cast<int>(year)), of + 1};
    const bool meant =
        at > 0 && (is(at - 1, {"in", "during", "since", "before", "after"}) ||
                   (is(at - 1, {"the"}) && at > 1 && is(at - 2, {"in", "during", "since", "before", "after"})));
    if (meant) return Found{newest_season(season, today_, Newest::kBegun), at + 1};
  }
  if (const int weekday = weekday_named(word(at)))
    return Found{newest_weekday(weekday, today_, Newest::kBegun), at + 1};
  return {};
}

std::optional<EnglishTimes::Found> EnglishTimes::span(size_t at) const {
  if (auto found = relative(at)) return found;
  if (auto found = named(at)) return found;
  return absolute(at);
}

std::optional<Read> EnglishTimes::between(size_t at) const {
  const bool pair = is(at, {"between"});
  if (!pair && !is(at, {"from"})) return {};
  const auto first = span(at + 1);
  if (!first) return {};
  if (!(pair ? is(first->next, {"and"}) : is(first->next, {"to", "until", "till"}))) return {};
  const auto second = span(first->next + 1);
  if (!second) return {};
  // "between May and July 2023": of that year, both.
  LocalDay begins = first->days.from;
  while (begins > second->days.from) begins = back_by(begins, Unit::kYear, 1);
  return Read{begins, second->days.to, tokens_[at].begin, tokens_[second->next - 1].end};
}

Read EnglishTimes::read(size_t first, const Found& found) const {
  Read out{found.days.from, found.days.to, tokens_[first].begin, tokens_[found.next - 1].end};
  size_t before = first;
  if (before > 0 && is(before - 1, {"the"})) --before;
  if (before == 0) return out;
  --before;
  if (is(before, {"before"}) || (is(before, {"to"}) && before > 0 && is(before - 1, {"prior"}))) {
    out.to = out.from;
    out.from.reset();
  } else if (is(before, {"until", "till", "by"})) {
    out.from.reset();
  } else if (is(before, {"after"})) {
    out.from = out.to;
    out.to.reset();
  } else if (is(before, {"since"})) {
    out.to.reset();
  } else {
    return out;
  }
  out.begin = tokens_[before].begin;
  return out;
}

std::optional<Read> EnglishTimes::at_token(size_t at) const {
  if (auto read = between(at)) return read;
  if (auto found = span(at)) return read(at, *found);
  return {};
}

std::optional<Read> EnglishTimes::next() {
  for (; at_ < tokens_.size(); ++at_) {
    auto read = at_token(at_);
    if (!read) continue;
    while (at_ < tokens_.size() && tokens_[at_].begin < read->end) ++at_;
    return read;
  }
  return {};
}

}  // namespace steward::memory
