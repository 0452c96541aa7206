#include "base/money.h"

#include <fmt/format.h>

#include <limits>

#include "base/text.h"

namespace steward {

__int128 price_pico(int64_t units, PicoUsd price) { return static_cast<__int128>(units) * price; }

NanoUsd round_up_to_nano(__int128 pico) {
  const __int128 nano = pico <= 0 ? pico / 1000 : (pico + 999) / 1000;
  constexpr __int128 kMost = std::numeric_limits<NanoUsd>::max();
  return static_cast<NanoUsd>(nano > kMost ? kMost : nano);
}

namespace {
// value / 10^decimals without trailing zeros, at least `least` decimals.
std::string decimal(int64_t value, int decimals, size_t least) {
  const bool negative = value < 0;
  uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  uint64_t unit = 1;
  for (int i = 0; i < decimals; ++i) unit *= 10;
  std::string fraction = fmt::format("{:0{}}", magnitude % unit, decimals);
  while (fraction.size() > least && fraction.ends_with('0')) fraction.pop_back();
  return fmt::format("{}{}{}{}", negative ? "-" : "", magnitude / unit, fraction.empty() ? "" : ".", fraction);
}
}  // namespace

std::string to_usd_string(NanoUsd amount) {
  const std::string text = decimal(amount, 9, 2);
  return text.starts_with('-') ? "-$" + text.substr(1) : "$" + text;
}

std::string to_microusd_decimal(NanoUsd amount) { return decimal(amount, 3, 0); }

Result<NanoUsd> parse_usd(std::string_view text) {
  const std::string_view given = text;
  const auto bad = [&] {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' is not an amount in US dollars such as 5 or 0.25.", given));
  };
  text = trim(text);
  if (text.starts_with('$')) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || whole.size() > 9 || fraction.size() > 9 || (point != std::string_view::npos && fraction.empty()))
    return bad();
  NanoUsd value = 0;
  for (char c : whole) {
    if (c < '0' || c > '9') return bad();
    value = value * 10 + (c - '0');
  }
  for (size_t i = 0; i < 9; ++i) {
    const char c = i < fraction.size() ? fraction[i] : '0';
    if (c < '0' || c > '9') return bad();
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace steward
