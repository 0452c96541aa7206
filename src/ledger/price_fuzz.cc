// Prices, factors, tiers, model names and time zones as people and files write them: refused, or the same after they
// were written and read again; rates are never negative, and a period holds the moment that it was asked for.
#include <cstdlib>

#include "ledger/period.h"
#include "ledger/price_table.h"
#include "ledger/price_text.h"
#include "ledger/pricing.h"

namespace {

using namespace steward;
using namespace steward::ledger;

constexpr TimeUs kNow = 1'764'000'000'000'000;

void hold(bool law) {
  if (!law) std::abort();
}

void rates(std::string_view text) {
  if (const auto rate = parse_usd_per_million(text)) {
    const auto again = parse_usd_per_million(usd_per_million(*rate));
    hold(*rate >= 0 && (*rate > kPriceLimit || (again && *again == *rate)));
  }
  if (const auto price = parse_usd_per_call(text)) {
    const auto again = parse_usd_per_call(usd_per_call(*price));
    hold(*price >= 0 && again && *again == *price);
  }
  if (const auto factor = parse_factor(text)) hold(*factor >= 0 && *factor <= kRegionLimit);
}

void tiers(std::string_view text) {
  const auto tier = parse_tier(text);
  if (!tier) return;
  Price price;
  price.tiers.push_back(*tier);
  if (!check_price(price)) return;
  const auto again = parse_tier(to_text(*tier));
  hold(again && *again == *tier);
  price.input = price.output = 1'000;
  Usage usage;
  usage.prompt_tokens = 300'000;
  usage.completion_tokens = 1'000;
  usage.service = tier->service;
  hold(costs_of(price, usage).input >= 0);
}

void names(std::string_view text) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto found = find_shipped(text.substr(0, slash), text.substr(std::min(slash + 1, text.size())), kNow);
  if (found) hold(found->price.input >= 0 && found->price.output >= 0);
}

void zones(std::string_view text) {
  const auto* zone = find_zone(text);
  if (zone == nullptr) return;
  for (const Period period : {Period::kDay, Period::kWeek, Period::kMonth})
    hold(period_at(period, zone, kNow).holds(kNow));
  (void)local_time(zone, kNow);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  rates(text);
  tiers(text);
  names(text);
  zones(text);
  return 0;
}
