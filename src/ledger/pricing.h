// What a call may cost at most and which price holds for it: exact integers, rounded up once per call.
//
// A price is looked up in this order: the owner's for exactly this model, the owner's for the longest matching
// "prefix*", the configuration's likewise; then the shipped table's (price_table.h); then 0 for a local model; else it
// is unknown, which is never taken for zero.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "ledger/ledger.h"

namespace steward::ledger {

// Numbers from outside are cut to these before they are multiplied, so that nothing overflows; both lie far above
// anything real.
inline constexpr int64_t kTokensLimit = 1'000'000'000'000;
inline constexpr PicoUsd kPriceLimit = 1'000'000'000'000'000;  // $1,000 a token
inline constexpr int64_t kChoicesLimit = 100'000;
inline constexpr size_t kTiersLimit = 32;         // of one price
inline constexpr size_t kPriceNamesLimit = 32;    // tools, and regions, of one price
inline constexpr int64_t kRegionLimit = 100'000;  // thousandths: a hundredfold

// No use within the bounds costs more: every token at the dearest rate it can be charged at, in the dearest tier that
// so long a prompt reaches, with all the tool calls.
NanoUsd worst_cost(const Price& price, int64_t input_tokens, int64_t n, int64_t output_tokens,
                   const MayUse& may_use = {});
// The most output tokens per choice so that worst_cost is at most `left`; -1 if not even none fits.
int64_t output_that_fits(const Price& price, int64_t input_tokens, int64_t n, NanoUsd left, int64_t cap,
                         const MayUse& may_use = {});
Status check_price(const Price& price);  // kInvalidRequest: a rate, a tier, a name or a factor is out of bounds

// Prices as they were set, with the date from which each holds. Keys are "provider/model" or "provider/prefix*".
class PriceBook {
 public:
  void set(const std::string& model_key, const Price& price);
  const Price* exact(std::string_view model_key, TimeUs now) const;
  const Price* find(std::string_view provider, std::string_view model, TimeUs now) const;
  const std::map<std::string, std::vector<Price>>& all() const { return prices_; }

 private:
  std::map<std::string, std::vector<Price>> prices_;  // by date
};

}  // namespace steward::ledger
