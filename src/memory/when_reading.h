// The two readers of time expressions: one of English words, one of Chinese characters. Inside memory only.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memory/calendar.h"

namespace steward::memory {

// A span that was read; open on a side where the text says "before" or "since".
struct Read {
  std::optional<LocalDay> from, to;
  size_t begin = 0, end = 0;  // bytes
};

// The first expression that begins at or after `at`; none: there is no more.
class EnglishTimes {
 public:
  EnglishTimes(std::string_view text, LocalDay today);
  std::optional<Read> next();

 private:
  struct Token {
    std::string word;  // lower case
    size_t begin, end;
    bool capital;
  };
  struct Found {
    Days days;
    size_t next;  // token after it
  };
  std::optional<Found> span(size_t at) const;
  std::optional<Found> relative(size_t at) const;  // "two weeks ago", "yesterday"
  std::optional<Found> named(size_t at) const;     // "last spring", "this month", "last two weeks"
  std::optional<Found> absolute(size_t at) const;  // "May 7, 2023", "in 2023"
  std::optional<Found> month_first(size_t at) const;
  std::optional<Found> day_first(size_t at) const;
  std::optional<Found> numeric(size_t at) const;  // 2023-05-07
  std::optional<Read> between(size_t at) const;   // "between May and July", "from … to …"
  std::optional<Read> at_token(size_t at) const;
  Read read(size_t first, const Found& found) const;
  const std::string& word(size_t at) const;
  bool is(size_t at, std::initializer_list<std::string_view> words) const;
  bool month_is_meant(size_t at) const;

  std::string_view text_;
  LocalDay today_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

class ChineseTimes {
 public:
  ChineseTimes(std::string_view text, LocalDay today) : text_(text), today_(today) {}
  std::optional<Read> next();

 private:
  struct Found {
    Days days;
    size_t end;  // byte after it
  };
  std::optional<Found> span(size_t at) const;
  std::optional<Found> day_word(size_t at) const;
  std::optional<Found> week(size_t at) const;
  std::optional<Found> month_or_year(size_t at) const;
  std::optional<Found> counted(size_t at) const;  // 两周前, 最近三天
  std::optional<Found> dated(size_t at) const;    // 2023年5月7日, 去年三月, 三月
  std::optional<Read> at_byte(size_t at) const;
  bool skip(size_t& at, std::initializer_list<std::string_view> words) const;
  std::optional<int64_t> number(size_t& at) const;

  std::string_view text_;
  LocalDay today_;
  size_t at_ = 0;
};

}  // namespace steward::memory
