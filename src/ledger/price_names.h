// Finding a model's row under another of its names (price_table.h tells the rules). Pure functions over any sorted
// rows, so that the rules are tested on rows of their own.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace steward::ledger {

struct ShippedRow {
  std::string_view name;  // "provider/model"; rows are sorted by it
  std::string_view text;  // JSON, docs/prices.md
};

const ShippedRow* find_row(std::span<const ShippedRow> rows, std::string_view provider, std::string_view model);

// "gpt-5-2025-08-07" → "gpt-5", "claude-sonnet-4-5@20250929" → "claude-sonnet-4-5"; without a date as it came.
std::string_view without_date(std::string_view model);

}  // namespace steward::ledger
