#include "base/id.h"

#include <array>

namespace steward {
namespace {
constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}

std::string ulid(TimeUs time_us, std::string_view random10) {
  const uint64_t ms = static_cast<uint64_t>(time_us / 1000);
  std::array<uint8_t, 16> raw{};
  for (int i = 0; i < 6; ++i) raw[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  for (int i = 0; i < 10; ++i) raw[6 + i] = static_cast<uint8_t>(random10[i]);
  std::string out(26, '0');
  for (int digit = 0; digit < 26; ++digit) {  // 130 bits: two zero bits stand before the 128
    uint32_t value = 0;
    for (int b = 0; b < 5; ++b) {
      const int bit = digit * 5 + b - 2;
      value = value << 1 | (bit < 0 ? 0 : (raw[bit / 8] >> (7 - bit % 8)) & 1);
    }
    out[digit] = kCrockford[value];
  }
  return out;
}

Id IdMaker::make(std::string_view prefix) {
  std::string id(prefix);
  id += '_';
  id += ulid(clock_.now_us(), random_.bytes(10));
  return id;
}

bool is_id(std::string_view text, std::string_view prefix) {
  if (text.size() != prefix.size() + 27 || !text.starts_with(prefix) || text[prefix.size()] != '_') return false;
  for (char c : text.substr(prefix.size() + 1)) {
    if (kCrockford.find(c) == std::string_view::npos) return false;
  }
  return text[prefix.size() + 1] <= '7';  // 48 bits of time
}

}  // namespace steward
