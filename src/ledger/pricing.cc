#include "ledger/pricing.h"

#include <limits>

namespace steward::ledger {
namespace {

constexpr __int128 kPicoPerNano = 1'000;

int64_t tokens(int64_t n) { return std::clamp<int64_t>(n, 0, kTokensLimit); }
__int128 pico(PicoUsd price) { return std::clamp<PicoUsd>(price, 0, kPriceLimit); }
PicoUsd cached_price(const Price& price) { return price.cached_input > 0 ? price.cached_input : price.input; }

// Input at its dearest, whatever turns out to be cached, and the request.
__int128 fixed_pico(const Price& price, int64_t input_tokens) {
  return tokens(input_tokens) * pico(std::max(price.input, cached_price(price))) + pico(price.request);
}

}  // namespace

NanoUsd cost_of(const Price& price, const Usage& usage) {
  const int64_t prompt = tokens(usage.prompt_tokens);
  const int64_t cached = std::min(tokens(usage.cached_tokens), prompt);
  const __int128 total = (prompt - cached) * pico(price.input) + cached * pico(cached_price(price)) +
                         tokens(usage.completion_tokens) * pico(price.output) + pico(price.request);
  return round_up_to_nano(total);
}

NanoUsd worst_cost(const Price& price, int64_t input_tokens, int64_t n, int64_t output_tokens) {
  const __int128 output = static_cast<__int128>(std::clamp<int64_t>(n, 1, kChoicesLimit)) * tokens(output_tokens);
  return round_up_to_nano(fixed_pico(price, input_tokens) + output * pico(price.output));
}

int64_t output_that_fits(const Price& price, int64_t input_tokens, int64_t n, NanoUsd left, int64_t cap) {
  if (fixed_pico(price, input_tokens) == 0 && price.output <= 0) return cap;  // free, whatever is left
  const __int128 room = static_cast<__int128>(left) * kPicoPerNano - fixed_pico(price, input_tokens);
  if (room < 0) return -1;
  const __int128 each = static_cast<__int128>(std::clamp<int64_t>(n, 1, kChoicesLimit)) * pico(price.output);
  if (each == 0) return cap;
  return static_cast<int64_t>(std::min<__int128>(room / each, cap));
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
