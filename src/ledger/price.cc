#include "ledger/price.h"

#include <algorithm>

#include "ledger/pricing.h"

namespace steward::ledger {
namespace {

constexpr std::pair<ServiceLevel, std::string_view> kServices[] = {{ServiceLevel::kDefault, "default"},
                                                                   {ServiceLevel::kFlex, "flex"},
                                                                   {ServiceLevel::kPriority, "priority"},
                                                                   {ServiceLevel::kBatch, "batch"},
                                                                   {ServiceLevel::kFast, "fast"}};
constexpr int64_t kRegionUnit = 1'000;

int64_t cut(int64_t tokens) { return std::clamp<int64_t>(tokens, 0, kTokensLimit); }
__int128 pico(PicoUsd price) { return std::clamp<PicoUsd>(price, 0, kPriceLimit); }

// rate × to / from, rounded up: a rate in the proportion in which another one changed.
PicoUsd in_proportion(PicoUsd rate, PicoUsd from, PicoUsd to) {
  if (rate <= 0 || from <= 0 || from == to) return rate;
  const __int128 scaled = (pico(rate) * pico(to) + pico(from) - 1) / pico(from);
  return static_cast<PicoUsd>(std::min<__int128>(scaled, kPriceLimit));
}

constexpr PicoUsd Rates::* kInputRates[] = {&Rates::cached_input, &Rates::cache_write_5m, &Rates::cache_write_1h,
                                            &Rates::image_input,  &Rates::audio_input,    &Rates::cached_image,
                                            &Rates::cached_audio};
constexpr PicoUsd Rates::* kOutputRates[] = {&Rates::reasoning, &Rates::image_output, &Rates::audio_output};

// What a tier tells, and in proportion what it doesn't.
Rates completed(const Rates& told, const Rates& own) {
  Rates rates = told;
  if (rates.input == 0) rates.input = own.input;
  if (rates.output == 0) rates.output = own.output;
  for (const auto member : kInputRates) {
    if (rates.*member == 0) rates.*member = in_proportion(own.*member, own.input, rates.input);
  }
  for (const auto member : kOutputRates) {
    if (rates.*member == 0) rates.*member = in_proportion(own.*member, own.output, rates.output);
  }
  return rates;
}

const PriceTier* find_tier(const Price& price, ServiceLevel service, int64_t prompt_tokens) {
  const PriceTier* found = nullptr;
  for (const PriceTier& tier : price.tiers) {
    if (tier.service != service || (tier.above_tokens > 0 && prompt_tokens <= tier.above_tokens)) continue;
    if (!found || tier.above_tokens > found->above_tokens) found = &tier;
  }
  return found;
}

// A level's rates for short prompts, made dearer as the default's are for this long one.
void lengthen(Rates& rates, const Rates& own, const Rates& of_length) {
  for (const auto member : kInputRates) rates.*member = in_proportion(rates.*member, own.input, of_length.input);
  for (const auto member : kOutputRates) rates.*member = in_proportion(rates.*member, own.output, of_length.output);
  rates.input = in_proportion(rates.input, own.input, of_length.input);
  rates.output = in_proportion(rates.output, own.output, of_length.output);
}

void fill_untold(Rates& rates) {
  const auto fill = [](PicoUsd& rate, PicoUsd as) { rate = rate > 0 ? rate : as; };
  fill(rates.cached_input, rates.input);
  fill(rates.cache_write_5m, rates.input);
  fill(rates.cache_write_1h, rates.cache_write_5m);
  fill(rates.image_input, rates.input);
  fill(rates.audio_input, rates.input);
  fill(rates.cached_image, rates.cached_input);
  fill(rates.cached_audio, rates.cached_input);
  fill(rates.reasoning, rates.output);
  fill(rates.image_output, rates.output);
  fill(rates.audio_output, rates.output);
}

void multiply(Rates& rates, int64_t thousandths) {
  rates.input = in_proportion(rates.input, kRegionUnit, thousandths);
  rates.output = in_proportion(rates.output, kRegionUnit, thousandths);
  for (const auto member : kInputRates) rates.*member = in_proportion(rates.*member, kRegionUnit, thousandths);
  for (const auto member : kOutputRates) rates.*member = in_proportion(rates.*member, kRegionUnit, thousandths);
}

int64_t take(int64_t& left, int64_t wanted) {
  const int64_t taken = std::min(cut(wanted), left);
  left -= taken;
  return taken;
}

// Exact costs by type, in the order of `Costs`.
struct PicoCosts {
  __int128 input = 0, cached_input = 0, cache_write = 0, output = 0, reasoning = 0, image = 0, audio = 0, tools = 0,
           requests = 0;
};

void add_input(PicoCosts& costs, const Rates& rates, const Usage& usage) {
  int64_t left = cut(usage.prompt_tokens);
  costs.cache_write += take(left, usage.cache_write_1h_tokens) * pico(rates.cache_write_1h);
  costs.cache_write += take(left, usage.cache_write_5m_tokens) * pico(rates.cache_write_5m);
  int64_t cached = take(left, usage.cached_tokens);
  const int64_t cached_audio = take(cached, usage.cached_audio_tokens);
  const int64_t cached_image = take(cached, usage.cached_image_tokens);
  costs.audio += cached_audio * pico(rates.cached_audio);
  costs.image += cached_image * pico(rates.cached_image);
  costs.cached_input += cached * pico(rates.cached_input);
  costs.audio += take(left, usage.audio_input_tokens - cached_audio) * pico(rates.audio_input);
  costs.image += take(left, usage.image_input_tokens - cached_image) * pico(rates.image_input);
  costs.input += left * pico(rates.input);
}

void add_output(PicoCosts& costs, const Rates& rates, const Usage& usage) {
  int64_t left = cut(usage.completion_tokens);
  costs.reasoning += take(left, usage.reasoning_tokens) * pico(rates.reasoning);
  costs.audio += take(left, usage.audio_output_tokens) * pico(rates.audio_output);
  costs.image += take(left, usage.image_output_tokens) * pico(rates.image_output);
  costs.output += left * pico(rates.output);
}

// Whole nano-dollars that sum to the rounded sum: each type is what it adds to the running total.
Costs rounded(const PicoCosts& exact) {
  Costs costs;
  __int128 sum = 0;
  NanoUsd before = 0;
  const auto next = [&](__int128 part) {
    sum += part;
    const NanoUsd now = round_up_to_nano(sum);
    return now - std::exchange(before, now);
  };
  costs.input = next(exact.input);
  costs.cached_input = next(exact.cached_input);
  costs.cache_write = next(exact.cache_write);
  costs.output = next(exact.output);
  costs.reasoning = next(exact.reasoning);
  costs.image = next(exact.image);
  costs.audio = next(exact.audio);
  costs.tools = next(exact.tools);
  costs.requests = next(exact.requests);
  return costs;
}

Costs split_told(const Costs& by_price, NanoUsd told) {
  const NanoUsd total = by_price.total();
  if (total <= 0) return {.other = told};
  Costs costs;
  __int128 sum = 0;
  NanoUsd before = 0;
  for (const auto member : {&Costs::input, &Costs::cached_input, &Costs::cache_write, &Costs::output, &Costs::reasoning,
                            &Costs::image, &Costs::audio, &Costs::tools, &Costs::requests}) {
    sum += by_price.*member;
    const auto now = static_cast<NanoUsd>(sum * told / total);
    costs.*member = now - std::exchange(before, now);
  }
  return costs;
}

}  // namespace

Rates Price::rates() const {
  return {.input = input,
          .output = output,
          .cached_input = cached_input,
          .cache_write_5m = cache_write_5m,
          .cache_write_1h = cache_write_1h,
          .reasoning = reasoning,
          .image_input = image_input,
          .audio_input = audio_input,
          .cached_image = cached_image,
          .cached_audio = cached_audio,
          .image_output = image_output,
          .audio_output = audio_output};
}

void Price::set_rates(const Rates& rates) {
  input = rates.input;
  output = rates.output;
  cached_input = rates.cached_input;
  cache_write_5m = rates.cache_write_5m;
  cache_write_1h = rates.cache_write_1h;
  reasoning = rates.reasoning;
  image_input = rates.image_input;
  audio_input = rates.audio_input;
  cached_image = rates.cached_image;
  cached_audio = rates.cached_audio;
  image_output = rates.image_output;
  audio_output = rates.audio_output;
}

Rates rates_of(const Price& price, ServiceLevel service, int64_t prompt_tokens, std::string_view region) {
  const Rates own = price.rates();
  const PriceTier* of_length = find_tier(price, ServiceLevel::kDefault, prompt_tokens);
  const PriceTier* of_level = service == ServiceLevel::kDefault ? of_length : find_tier(price, service, prompt_tokens);
  const PriceTier* tier = of_level ? of_level : of_length;
  Rates rates = tier ? completed(tier->rates, own) : own;
  if (of_level && of_length && of_level->above_tokens < of_length->above_tokens)
    lengthen(rates, own, completed(of_length->rates, own));
  fill_untold(rates);
  const auto factor = price.regions.find(region);
  if (factor != price.regions.end()) multiply(rates, factor->second);
  return rates;
}

std::string_view unpriced_tool(const Price& price, const ToolCalls& calls) {
  for (const auto& [tool, count] : calls) {
    if (count > 0 && !price.tools.contains(tool)) return tool;
  }
  return {};
}

NanoUsd cost_of(const Price& price, const Usage& usage) { return costs_of(price, usage).total(); }

Costs costs_of(const Price& price, const Usage& usage) {
  const Rates rates = rates_of(price, usage.service, usage.prompt_tokens, usage.region);
  PicoCosts exact;
  add_input(exact, rates, usage);
  add_output(exact, rates, usage);
  for (const auto& [tool, calls] : usage.tool_calls) {
    if (const auto it = price.tools.find(tool); it != price.tools.end()) exact.tools += cut(calls) * pico(it->second);
  }
  exact.requests = cut(usage.requests) * pico(price.request);
  const Costs costs = rounded(exact);
  return price.shipped && usage.told_cost ? split_told(costs, std::max<NanoUsd>(*usage.told_cost, 0)) : costs;
}

std::string_view to_text(ServiceLevel service) {
  for (const auto& [known, text] : kServices) {
    if (known == service) return text;
  }
  return "default";
}

std::optional<ServiceLevel> service_from_text(std::string_view text) {
  for (const auto& [service, known] : kServices) {
    if (known == text) return service;
  }
  return std::nullopt;
}

}  // namespace steward::ledger
