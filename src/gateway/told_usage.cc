#include "gateway/told_usage.h"

#include <cmath>

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr int kMaxDepth = 8;  // of a usage block; what lies deeper is no count

bool is_count(std::string_view name) { return name.ends_with("tokens") || name.ends_with("okenCount"); }

bool can_be(const Json& value) {
  if (value.is_null() || value.is_structured()) return true;
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= static_cast<uint64_t>(kMostToldTokens);
  if (value.is_number_integer()) return false;  // read as signed: below zero
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return number >= 0 && number <= static_cast<double>(kMostToldTokens) && std::floor(number) == number;
}

bool block_can_be(const Json& block, int depth) {
  if (depth > kMaxDepth) return true;
  if (block.is_array()) {
    return std::ranges::all_of(block, [&](const Json& one) { return block_can_be(one, depth + 1); });
  }
  if (!block.is_object()) return true;
  for (const auto& [name, value] : block.items()) {
    if (is_count(name) && !can_be(value)) return false;
    if (value.is_structured() && !block_can_be(value, depth + 1)) return false;
  }
  return true;
}

}  // namespace

bool told_usage_can_be(const Json& event) {
  for (const Json* block : {&peek(event, "usage"), &peek(peek(event, "x_groq"), "usage"), &peek(event, "usageMetadata"),
                            &peek(peek(event, "response"), "usage"), &peek(peek(event, "message"), "usage")}) {
    if (!block_can_be(*block, 0)) return false;
  }
  return true;
}

bool told_usage_can_be(const ledger::Usage& usage) {
  const auto within = [](int64_t count) { return count >= 0 && count <= kMostToldTokens; };
  return within(usage.prompt_tokens) && within(usage.completion_tokens);
}

}  // namespace steward::gateway
