// Percent-encoding (RFC 3986): only unreserved characters - letters, digits, "-", "_", "." and "~" - stay as they are,
// each other byte becomes %XX. For one segment of a path, one value of a query, or a file's name in a header (RFC 8187
// allows as much). Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace steward {

std::string percent_encoded(std::string_view text);

}  // namespace steward
