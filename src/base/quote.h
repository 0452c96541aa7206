// Words of somebody's inside a text for a model: each line after "> ", so that none of them can pass for what stands
// around them. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace steward {

std::string quoted_lines(std::string_view text);  // without an end of line after the last

}  // namespace steward
