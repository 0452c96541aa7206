#include "gateway/routing/durations.h"

#include <charconv>

#include "base/text.h"

namespace steward::gateway::routing {
namespace {

struct Unit {
  std::string_view name;
  double us;
};
// "ms" before "m": the longest name that fits is meant.
constexpr Unit kUnits[] = {{"us", 1},   {"ms", 1e3},   {"min", 60e6}, {"s", 1e6},
                           {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6}};

std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (problem != std::errc() || !(number >= 0) || number > 1e12) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<DurationUs> parse_duration(std::string_view text) {
  text = trim(text);
  double total = 0;
  bool first = true;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    double us = 1e6;
    if (!text.empty()) {
      const Unit* found = nullptr;
      for (const auto& unit : kUnits) {
        if (text.starts_with(unit.name) && (found == nullptr || unit.name.size() > found->name.size())) found = &unit;
      }
      if (found == nullptr) return std::nullopt;
      us = found->us;
      text.remove_prefix(found->name.size());
    } else if (!first) {
      return std::nullopt;  // "1m30": half a unit is a guess
    }
    total += *number * us;
    first = false;
  }
  if (first || total > static_cast<double>(kMaxDurationUs)) return std::nullopt;
  return static_cast<DurationUs>(total + 0.5);
}

std::string duration_text(DurationUs us) {
  if (us < 0) us = 0;
  if (us < kSecondUs) return fmt::format("{} ms", (us + 999) / 1000);
  if (us < 60 * kSecondUs) {
    std::string text = fmt::format("{:.1f}", static_cast<double>(us) / 1e6);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text + " s";
  }
  const int64_t seconds = us / kSecondUs;
  if (seconds < 3600) {
    return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60)
                             : fmt::format("{} min {} s", seconds / 60, seconds % 60);
  }
  return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace steward::gateway::routing
