// JSON of others that is looked into and passed on: nesting is bounded before a tree is built, for copying and writing
// a tree goes down its levels on the stack, and a million brackets would end the process.
#pragma once
#include <string_view>

#include "base/json_fwd.h"

namespace steward {

constexpr size_t kMaxForeignDepth = 256;  // of what a provider sends or a caller quotes

// As Json::parse(text, nullptr, false); what is nested deeper than kMaxForeignDepth is discarded like other garbage.
Json parse_bounded(std::string_view text);

}  // namespace steward
