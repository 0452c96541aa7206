#include "gateway/form/reasoning.h"

#include <algorithm>

namespace steward::gateway {
namespace {

constexpr std::pair<std::string_view, int64_t> kEfforts[] = {{"none", 0},       {"minimal", 1'024}, {"low", 4'096},
                                                             {"medium", 8'192}, {"high", 24'576},   {"xhigh", 32'768},
                                                             {"max", 65'536}};

}  // namespace

std::optional<int64_t> budget_of_effort(std::string_view effort) {
  for (const auto& [word, budget] : kEfforts) {
    if (word == effort) return budget;
  }
  return std::nullopt;
}

std::string_view effort_of_budget(int64_t budget_tokens) {
  if (budget_tokens < 0) return "";
  for (const auto& [word, budget] : kEfforts) {
    if (budget >= budget_tokens) return word;
  }
  return "max";
}

std::string effort_asked(const Thinking& thinking) {
  if (thinking.enabled == false) return "none";
  if (!thinking.effort.empty()) return thinking.effort;
  if (thinking.budget_tokens) return std::string(effort_of_budget(*thinking.budget_tokens));
  return thinking.enabled == true ? "medium" : "";
}

std::optional<int64_t> budget_asked(const Thinking& thinking, int64_t max_output) {
  std::optional<int64_t> budget = thinking.budget_tokens;
  if (!budget) budget = budget_of_effort(effort_asked(thinking));
  if (thinking.enabled == false) budget = 0;
  if (!budget || *budget < 0) return std::nullopt;
  return max_output > 0 ? std::clamp<int64_t>(*budget, 0, max_output - 1) : *budget;
}

}  // namespace steward::gateway
