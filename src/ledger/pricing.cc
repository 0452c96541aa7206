#include "ledger/pricing.h"

#include <limits>

#include "base/text.h"

namespace steward::ledger {
namespace {

constexpr __int128 kPicoPerNano = 1'000;

int64_t tokens(int64_t n) { return std::clamp<int64_t>(n, 0, kTokensLimit); }
__int128 pico(PicoUsd price) { return std::clamp<PicoUsd>(price, 0, kPriceLimit); }
__int128 choices(int64_t n) { return std::clamp<int64_t>(n, 1, kChoicesLimit); }

// The dearest that a token may be charged at, and what is charged whatever the tokens.
struct Dearest {
  PicoUsd input = 0, output = 0;
  __int128 beside = 0;
};

void raise(PicoUsd& dearest, std::initializer_list<PicoUsd> rates) { dearest = std::max(dearest, std::max(rates)); }

void raise(Dearest& dearest, const Rates& rates, const MayUse& may_use) {
  raise(dearest.input, {rates.input, rates.cached_input});
  if (may_use.cache_writes != CacheWrites::kNone) raise(dearest.input, {rates.cache_write_5m});
  if (may_use.cache_writes == CacheWrites::kAny) raise(dearest.input, {rates.cache_write_1h});
  if (may_use.image_input) raise(dearest.input, {rates.image_input, rates.cached_image});
  if (may_use.audio_input) raise(dearest.input, {rates.audio_input, rates.cached_audio});
  raise(dearest.output, {rates.output, rates.reasoning});
  if (may_use.image_output) raise(dearest.output, {rates.image_output});
  if (may_use.audio_output) raise(dearest.output, {rates.audio_output});
}

std::vector<ServiceLevel> levels_of(const MayUse& may_use) {
  if (may_use.service) return {ServiceLevel::kDefault, *may_use.service};
  return {ServiceLevel::kDefault, ServiceLevel::kFlex, ServiceLevel::kPriority, ServiceLevel::kBatch,
          ServiceLevel::kFast};
}

std::vector<std::string> regions_of(const Price& price, const MayUse& may_use) {
  if (may_use.region) return {*may_use.region};
  std::vector<std::string> all{""};
  for (const auto& [region, factor] : price.regions) all.push_back(region);
  return all;
}

// A prompt may turn out shorter than its bound, so every shorter tier can be reached too (some charge less above).
std::vector<int64_t> lengths_of(const Price& price, int64_t input_tokens) {
  std::vector<int64_t> lengths{0, input_tokens};
  for (const PriceTier& tier : price.tiers) {
    if (tier.above_tokens < input_tokens) lengths.push_back(tier.above_tokens);
  }
  return lengths;
}

Dearest dearest_of(const Price& price, int64_t input_tokens, const MayUse& may_use) {
  Dearest dearest;
  if (price.tiers.empty() && price.regions.empty()) {
    raise(dearest, rates_of(price, ServiceLevel::kDefault, input_tokens), may_use);
  } else {
    for (const auto& region : regions_of(price, may_use)) {
      for (ServiceLevel level : levels_of(may_use)) {
        for (int64_t length : lengths_of(price, input_tokens))
          raise(dearest, rates_of(price, level, length, region), may_use);
      }
    }
  }
  dearest.beside = tokens(may_use.requests) * pico(price.request);
  for (const auto& [tool, calls] : may_use.tool_calls) {
    if (const auto it = price.tools.find(tool); it != price.tools.end())
      dearest.beside += tokens(calls) * pico(it->second);
  }
  return dearest;
}

}  // namespace

NanoUsd worst_cost(const Price& price, int64_t input_tokens, int64_t n, int64_t output_tokens, const MayUse& may_use) {
  const Dearest dearest = dearest_of(price, input_tokens, may_use);
  return round_up_to_nano(tokens(input_tokens) * pico(dearest.input) +
                          choices(n) * tokens(output_tokens) * pico(dearest.output) + dearest.beside);
}

int64_t output_that_fits(const Price& price, int64_t input_tokens, int64_t n, NanoUsd left, int64_t cap,
                         const MayUse& may_use) {
  const Dearest dearest = dearest_of(price, input_tokens, may_use);
  const __int128 fixed = tokens(input_tokens) * pico(dearest.input) + dearest.beside;
  const __int128 each = choices(n) * pico(dearest.output);
  if (fixed == 0 && each == 0) return cap;  // free, whatever is left
  const __int128 room = static_cast<__int128>(left) * kPicoPerNano - fixed;
  if (room < 0) return -1;
  if (each == 0) return cap;
  return static_cast<int64_t>(std::min<__int128>(room / each, cap));
}

namespace {
Status check_rates(const Rates& rates) {
  for (PicoUsd rate : {rates.input, rates.output, rates.cached_input, rates.cache_write_5m, rates.cache_write_1h,
                       rates.reasoning, rates.image_input, rates.audio_input, rates.cached_image, rates.cached_audio,
                       rates.image_output, rates.audio_output}) {
    if (rate < 0 || rate > kPriceLimit)
      return fail(ErrorCode::kInvalidRequest, "A price lies from $0 to $1,000 a token or request.",
                  {{"param", "price"}});
  }
  return {};
}

Status check_names(const std::map<std::string, int64_t, std::less<>>& named, std::string_view param, int64_t limit) {
  constexpr size_t kNameLimit = 100;  // bytes
  if (named.size() > kPriceNamesLimit)
    return fail(ErrorCode::kInvalidRequest, fmt::format("A price names at most {} {}.", kPriceNamesLimit, param),
                {{"param", param}});
  for (const auto& [name, value] : named) {
    if (name.empty() || name.size() > kNameLimit || !is_valid_utf8(name))
      return fail(ErrorCode::kInvalidRequest, fmt::format("A name among the {} is not valid.", param),
                  {{"param", param}});
    if (value < 0 || value > limit)
      return fail(ErrorCode::kInvalidRequest, fmt::format("What '{}' costs lies out of bounds.", name),
                  {{"param", param}});
  }
  return {};
}
}  // namespace

Status check_price(const Price& price) {
  if (auto ok = check_rates(price.rates()); !ok) return ok;
  if (price.request < 0 || price.request > kPriceLimit)
    return fail(ErrorCode::kInvalidRequest, "A price lies from $0 to $1,000 a token or request.", {{"param", "price"}});
  if (price.tiers.size() > kTiersLimit)
    return fail(ErrorCode::kInvalidRequest, fmt::format("A price has at most {} tiers.", kTiersLimit),
                {{"param", "tiers"}});
  for (const PriceTier& tier : price.tiers) {
    if (auto ok = check_rates(tier.rates); !ok) return ok;
    if (tier.above_tokens < 0 || tier.above_tokens > kTokensLimit)
      return fail(ErrorCode::kInvalidRequest, "A tier begins above a number of tokens.", {{"param", "tiers"}});
    if (tier.service == ServiceLevel::kDefault && tier.above_tokens == 0)
      return fail(ErrorCode::kInvalidRequest,
                  "A tier has a service level (flex, priority, batch, fast), a length of the prompt above which it "
                  "holds, or both.",
                  {{"param", "tiers"}});
  }
  if (auto ok = check_names(price.tools, "tools", kPriceLimit); !ok) return ok;
  return check_names(price.regions, "regions", kRegionLimit);
}

void PriceBook::set(const std::string& model_key, const Price& price) {
  auto& dated = prices_[model_key];
  const auto it = std::ranges::lower_bound(dated, price.from, {}, &Price::from);
  if (it != dated.end() && it->from == price.from)
    *it = price;
  else
    dated.insert(it, price);
}

const Price* PriceBook::exact(std::string_view model_key, TimeUs now) const {
  const auto it = prices_.find(std::string(model_key));
  if (it == prices_.end()) return nullptr;
  const auto after = std::ranges::upper_bound(it->second, now, {}, &Price::from);
  return after == it->second.begin() ? nullptr : &*std::prev(after);
}

const Price* PriceBook::find(std::string_view provider, std::string_view model, TimeUs now) const {
  const std::string whole = fmt::format("{}/{}", provider, model);
  if (const Price* whole_name = exact(whole, now)) return whole_name;
  for (size_t length = whole.size(); length > provider.size(); --length) {
    if (const Price* prefix = exact(whole.substr(0, length) + "*", now)) return prefix;
  }
  return nullptr;
}

}  // namespace steward::ledger
