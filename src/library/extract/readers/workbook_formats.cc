#include "library/extract/readers/workbook_formats.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <map>

#include "base/text.h"
#include "library/extract/readers/xml.h"

namespace steward::library::readers {
namespace {

constexpr double kSecondsADay = 86'400;
constexpr double kLastDay = 2'958'465;  // 9999-12-31
constexpr int kLeapError = 60;          // serial 60 is a 29 February 1900 that never was

// ECMA-376 part 1, 18.8.30.
NumberForm form_of_builtin(int id) {
  if (id == 9 || id == 10) return NumberForm::kPercent;
  if (id == 22) return NumberForm::kDateTime;
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58)) return NumberForm::kDate;
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47)) return NumberForm::kTime;
  return NumberForm::kPlain;
}

// Without what stands for itself: quoted text, escaped characters, colours and conditions; [h] stays h.
std::string letters_of(std::string_view code) {
  std::string out;
  for (size_t i = 0; i < code.size() && code[i] != ';'; ++i) {
    if (code[i] == '"') {
      i = std::min(code.find('"', i + 1), code.size() - 1);
    } else if (code[i] == '\\' || code[i] == '_' || code[i] == '*') {
      ++i;
    } else if (code[i] == '[') {
      const size_t close = std::min(code.find(']', i), code.size() - 1);
      const std::string inside = to_lower_ascii(code.substr(i + 1, close - i - 1));
      if (!inside.empty() && inside.find_first_not_of("hms") == std::string::npos) out += 'h';
      i = close;
    } else {
      out += code[i];
    }
  }
  return to_lower_ascii(out);
}

std::string date_text(int64_t days) {
  const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::days{days}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

std::string time_text(int64_t seconds) {
  return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string moment_text(double serial, NumberForm form, bool from_1904) {
  const auto all = static_cast<int64_t>(std::llround(serial * kSecondsADay));
  const auto day_seconds = static_cast<int64_t>(kSecondsADay);
  if (form == NumberForm::kTime) return time_text(all);
  int64_t days = all / day_seconds;
  if (!from_1904 && days < kLeapError) ++days;
  // 1899-12-30 and 1904-01-01, counted from 1970-01-01.
  const std::string date = date_text(days - (from_1904 ? 24'107 : 25'569));
  return form == NumberForm::kDate ? date : date + ' ' + time_text(all % day_seconds);
}

}  // namespace

NumberForm form_of_code(std::string_view code) {
  const std::string letters = letters_of(code);
  if (letters.find("general") != std::string::npos) return NumberForm::kPlain;
  const auto has = [&](const char* any) { return letters.find_first_of(any) != std::string::npos; };
  const bool time = has("hs"), date = has("yd") || (has("m") && !time);
  if (date) return time ? NumberForm::kDateTime : NumberForm::kDate;
  if (time) return NumberForm::kTime;
  return has("%") ? NumberForm::kPercent : NumberForm::kPlain;
}

std::vector<NumberForm> read_forms(Archive& archive, const std::string& styles) {
  std::map<std::string, NumberForm> own;
  std::vector<NumberForm> out;
  bool cells = false;
  for (Xml xml(archive, styles); xml.next();) {
    if (xml.name() == "cellXfs") cells = xml.node() == Xml::Node::kStart;
    if (xml.node() != Xml::Node::kStart) continue;
    if (xml.name() == "numFmt") own[xml.attribute("numFmtId")] = form_of_code(xml.attribute("formatCode"));
    if (!cells || xml.name() != "xf") continue;
    const std::string id = xml.attribute("numFmtId");
    int number = 0;
    std::from_chars(id.data(), id.data() + id.size(), number);
    out.push_back(own.contains(id) ? own[id] : form_of_builtin(number));
  }
  return out;
}

std::string written(const std::string& number, NumberForm form, bool from_1904) {
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(value)) return number;
  if (form == NumberForm::kPercent) return fmt::format("{:.15g}%", value * 100);
  if (form != NumberForm::kPlain && value >= 0 && value <= kLastDay) return moment_text(value, form, from_1904);
  // Files keep 17 digits, programs show 15: 0.1 + 0.2 is stored as 0.30000000000000004. Some write 1 as 1.0.
  const bool whole = number.find_first_of(".eE") == std::string::npos;
  return whole && number.size() <= 15 ? number : fmt::format("{:.15g}", value);
}

}  // namespace steward::library::readers
