// Bytes to UTF-8, whatever they were written in.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace steward::library::readers {

// By byte order mark, by what an HTML page says of itself, as UTF-8 if it is that, else as ICU judges by the frequency
// of characters. Nothing where the bytes are no text (they hold zeros or other control characters).
std::optional<std::string> to_utf8(std::string_view bytes);

// By a charset's name ("windows-1252"); nothing where ICU doesn't know it.
std::optional<std::string> converted(std::string_view bytes, const std::string& charset);

}  // namespace steward::library::readers
