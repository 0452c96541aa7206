// The size of a picture, from its header alone: pixels are never decoded.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace steward::library::readers {

// Width and height in pixels, of a PNG, JPEG, GIF or WebP.
std::optional<std::pair<int64_t, int64_t>> image_size(std::string_view bytes);

}  // namespace steward::library::readers
