#include "library/extract/readers/image.h"

namespace steward::library::readers {
namespace {

using Size = std::optional<std::pair<int64_t, int64_t>>;

// Bytes at a place, or 0 beyond the end; the callers look at the length first where that matters.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  size_t size() const { return bytes_.size(); }
  int64_t at(size_t i) const { return i < bytes_.size() ? static_cast<unsigned char>(bytes_[i]) : 0; }
  int64_t big2(size_t i) const { return at(i) << 8 | at(i + 1); }
  int64_t big4(size_t i) const { return big2(i) << 16 | big2(i + 2); }
  int64_t little2(size_t i) const { return at(i) | at(i + 1) << 8; }
  int64_t little3(size_t i) const { return little2(i) | at(i + 2) << 16; }

 private:
  std::string_view bytes_;
};

Size sized(int64_t width, int64_t height) {
  constexpr int64_t kMost = 1'000'000;  // no format's pictures are larger in practice
  if (width <= 0 || height <= 0 || width > kMost || height > kMost) return std::nullopt;
  return std::pair(width, height);
}

Size png(std::string_view bytes) {
  const Bytes b(bytes);
  return b.size() >= 33 && bytes.substr(12, 4) == "IHDR" ? sized(b.big4(16), b.big4(20)) : std::nullopt;
}

// Segments up to the first frame header (ITU T.81, B.1 and B.2.2).
Size jpeg(std::string_view bytes) {
  const Bytes b(bytes);
  for (size_t at = 2; at + 9 < b.size();) {
    if (b.at(at) != 0xff) return std::nullopt;
    const int64_t marker = b.at(at + 1);
    if (marker == 0xff) {
      ++at;  // fill bytes
    } else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
      return sized(b.big2(at + 7), b.big2(at + 5));
    } else if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
    } else if (marker == 0xd9 || marker == 0xda) {
      return std::nullopt;
    } else {
      at += 2 + static_cast<size_t>(b.big2(at + 2));
    }
  }
  return std::nullopt;
}

Size webp(std::string_view bytes) {
  const Bytes b(bytes);
  if (b.size() < 30) return std::nullopt;
  const auto chunk = bytes.substr(12, 4);
  if (chunk == "VP8X") return sized(b.little3(24) + 1, b.little3(27) + 1);
  if (chunk == "VP8 ") return sized(b.little2(26) & 0x3fff, b.little2(28) & 0x3fff);
  if (chunk != "VP8L" || b.at(20) != 0x2f) return std::nullopt;
  const int64_t bits = b.little2(21) | b.little2(23) << 16;
  return sized((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
}

}  // namespace

Size image_size(std::string_view bytes) {
  const Bytes b(bytes);
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return png(bytes);
  if (bytes.starts_with("\xff\xd8\xff")) return jpeg(bytes);
  if (bytes.starts_with("GIF8")) return b.size() >= 13 ? sized(b.little2(6), b.little2(8)) : std::nullopt;
  if (b.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return webp(bytes);
  return std::nullopt;
}

}  // namespace steward::library::readers
