// Models worth fetching, by what they need: data for `steward models recommend`. Repositories and
// quantizations were found in November 2026 in published listings and in programs that fetch them, but for the 8B's and
// 14B's Q4_K_M, of which the repository alone was found; sizes are approximate (the hub tells a file's exact size at
// the pull). What a model needs in memory is its file and a context of 8,192 tokens, roughly. All may be used freely
// (licence beside each).
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace steward::engine {

struct RecommendedModel {
  std::string_view name, repository, license, good_for;
  uint64_t parameters;
  uint64_t file_bytes;
  uint64_t memory_bytes;
};

const std::vector<RecommendedModel>& recommended_models();  // from small to large

}  // namespace steward::engine
