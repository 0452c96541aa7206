// Prices as people write them: US dollars for a million tokens, a tier as "batch: input=0.75 output=6" or "above
// 200000: input=6". The names of rates are those of the configuration, the admin API and the command line alike.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "ledger/price.h"

namespace steward::ledger {

struct RateName {
  std::string_view name;  // "cache_write"
  PicoUsd Rates::* rate;
  std::string_view meaning;  // "tokens written to the provider's cache (5 minutes)"
};
std::span<const RateName> rate_names();
const RateName* find_rate(std::string_view name);

Result<PicoUsd> parse_usd_per_million(std::string_view text);  // rounded up: never to nothing
Result<PicoUsd> parse_usd_per_call(std::string_view text);     // of a request or a tool call
Result<int64_t> parse_factor(std::string_view text);           // "1.1" → 1100
Result<PriceTier> parse_tier(std::string_view text);
std::string to_text(const PriceTier& tier);
std::string usd_per_million(PicoUsd rate);  // "0.075"
std::string usd_per_call(PicoUsd price);    // "0.01"

}  // namespace steward::ledger
