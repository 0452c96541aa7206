// JSON of others that is looked into and passed on: nesting is bounded before a tree is built, for copying and writing
// a tree goes down its levels on the stack, and a million brackets would end the process. So is the number of values:
// the largest batch of embeddings that a provider answers has some three million.
#pragma once
#include <string_view>

#include "base/json_fwd.h"

namespace steward {

constexpr size_t kMaxForeignDepth = 256;            // of what a provider sends or a caller quotes
constexpr size_t kMaxJsonValues = size_t{4} << 20;  // in one text, of callers too

// A discarded value where the text is no JSON, is nested deeper than kMaxForeignDepth or has more than kMaxJsonValues.
Json parse_bounded(std::string_view text);

}  // namespace steward
