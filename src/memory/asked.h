// A call of /v1/memory/search, read and checked; the list of its fields is closed. Pure.
#pragma once
#include "base/json.h"
#include "memory/question.h"
#include "memory/recall.h"

namespace steward::memory {

struct Asked {
  std::string query;
  size_t limit = 10;      // pieces
  size_t budget = 4'000;  // about so many tokens in all
  std::optional<Order> order;
  Reach reach;  // scope, after and before; who asks is not in it
};
inline constexpr size_t kMostPieces = 50, kMostTokens = 200'000;

Result<Asked> read_asked(const Json& body);

}  // namespace steward::memory
