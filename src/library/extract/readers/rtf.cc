#include "library/extract/readers/rtf.h"

#include <charconv>
#include <map>
#include <set>

#include "library/extract/readers/charset.h"

namespace steward::library::readers {
namespace {

constexpr size_t kDeepest = 10'000;  // groups within groups; what is deeper is left out

// Destinations that hold no text of the document.
const std::set<std::string_view> kLeftOut = {"fonttbl",           "colortbl",    "stylesheet", "info",      "pict",
                                             "fldinst",           "themedata",   "object",     "listtable", "generator",
                                             "datafield",         "xmlnstbl",    "rsidtbl",    "bkmkstart", "bkmkend",
                                             "listoverridetable", "latentstyles"};

const std::map<std::string_view, std::string_view> kWritten = {
    {"par", "\n"},           {"line", "\n"},          {"sect", "\n"},        {"page", "\n"},
    {"tab", "\t"},           {"cell", "\t"},          {"row", "\n"},         {"emdash", "\u2014"},
    {"endash", "\u2013"},    {"bullet", "\u2022"},    {"lquote", "\u2018"},  {"rquote", "\u2019"},
    {"ldblquote", "\u201c"}, {"rdblquote", "\u201d"}, {"emspace", "\u2003"}, {"enspace", "\u2002"}};

struct Group {
  bool left_out = false;
  int skip = 1;  // characters after \u that stand in for it in older programs
};

class Rtf {
 public:
  Rtf(std::string_view bytes, TextOut& out) : bytes_(bytes), out_(out) {}

  void write() {
    while (at_ < bytes_.size() && !out_.full()) {
      const char c = bytes_[at_++];
      if (c == '{') {
        open();
      } else if (c == '}') {
        close();
      } else if (c == '\\') {
        control();
      } else if (c != '\r' && c != '\n') {
        byte(c);
      }
    }
    flush();
  }

 private:
  void open() {
    flush();
    if (groups_.size() < kDeepest)
      groups_.push_back(groups_.back());
    else
      ++too_deep_;
  }
  void close() {
    flush();
    to_skip_ = 0;
    if (too_deep_ > 0)
      --too_deep_;
    else if (groups_.size() > 1)
      groups_.pop_back();
  }
  bool silent() const { return groups_.back().left_out || too_deep_ > 0; }

  // A byte in the document's code page, kept until the next thing that isn't one: characters may take several.
  void byte(char c) {
    if (to_skip_ > 0)
      --to_skip_;
    else if (!silent())
      pending_ += c;
  }
  void text(std::string_view utf8) {
    flush();
    if (!silent()) out_.add(utf8);
  }
  void flush() {
    if (pending_.empty()) return;
    const std::string bytes = std::exchange(pending_, {});
    out_.add(converted(bytes, fmt::format("windows-{}", code_page_))
                 .value_or(converted(bytes, "windows-1252").value_or("")));
  }

  void control() {
    if (at_ >= bytes_.size()) return;
    const char c = bytes_[at_];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return word();
    ++at_;
    if (c == '\'') {
      hexadecimal();
    } else if (c == '*') {
      groups_.back().left_out = true;  // a destination that may be passed over if it isn't known
    } else if (c == '~') {
      text("\u00a0");
    } else if (c == '_') {
      text("-");
    } else if (c == '\n' || c == '\r') {
      text("\n");
    } else if (c == '\\' || c == '{' || c == '}') {
      byte(c);
    }
  }

  void hexadecimal() {
    int value = 0;
    const auto digits = bytes_.substr(at_, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    at_ += digits.size();
    if (error == std::errc() && end == digits.data() + digits.size()) byte(static_cast<char>(value));
  }

  void word() {
    const size_t from = at_;
    while (at_ < bytes_.size() && std::isalpha(static_cast<unsigned char>(bytes_[at_]))) ++at_;
    const auto name = bytes_.substr(from, at_ - from);
    int value = 0;
    const auto [end, error] = std::from_chars(bytes_.data() + at_, bytes_.data() + bytes_.size(), value);
    const bool has_value = end != bytes_.data() + at_;
    at_ = static_cast<size_t>(end - bytes_.data());
    if (at_ < bytes_.size() && bytes_[at_] == ' ') ++at_;
    if (error == std::errc::result_out_of_range) value = 0;
    obey(name, value, has_value);
  }

  void obey(std::string_view name, int value, bool has_value) {
    if (kLeftOut.contains(name)) {
      groups_.back().left_out = true;
    } else if (name == "u") {
      character(value);
    } else if (name == "uc") {
      groups_.back().skip = std::clamp(value, 0, 100);
    } else if (name == "ansicpg" && has_value && value > 0) {
      code_page_ = value;
    } else if (name == "bin") {
      at_ += std::min(static_cast<size_t>(std::max(value, 0)), bytes_.size() - at_);
    } else if (const auto written = kWritten.find(name); written != kWritten.end()) {
      if (to_skip_ > 0)
        --to_skip_;
      else
        text(written->second);
    }
  }

  // UTF-16 units, negative beyond 32,767; a pair comes as two of them.
  void character(int value) {
    const auto unit = static_cast<char16_t>(value < 0 ? value + 65'536 : value);
    to_skip_ = groups_.back().skip;
    const char bytes[] = {static_cast<char>(unit & 0xff), static_cast<char>(unit >> 8)};
    if (unit >= 0xd800 && unit < 0xdc00) {
      flush();
      high_.assign(bytes, 2);
      return;
    }
    if (unit < 0xdc00 || unit >= 0xe000) high_.clear();
    text(converted(high_ + std::string(bytes, 2), "UTF-16LE").value_or(""));
    high_.clear();
  }

  std::string_view bytes_;
  TextOut& out_;
  size_t at_ = 0, too_deep_ = 0;
  int code_page_ = 1252, to_skip_ = 0;
  std::string pending_, high_;
  std::vector<Group> groups_ = {Group{}};
};

}  // namespace

void write_rtf(std::string_view bytes, TextOut& out) { Rtf(bytes, out).write(); }

}  // namespace steward::library::readers
