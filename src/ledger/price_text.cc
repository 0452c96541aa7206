#include "ledger/price_text.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "ledger/pricing.h"

namespace steward::ledger {
namespace {

constexpr RateName kRates[] = {
    {"input", &Rates::input, "of input"},
    {"output", &Rates::output, "of output"},
    {"cached_input", &Rates::cached_input, "of input that came from the provider's cache"},
    {"cache_write", &Rates::cache_write_5m, "of input written to the provider's cache (for 5 minutes)"},
    {"cache_write_1h", &Rates::cache_write_1h, "of input written to the provider's cache for an hour or longer"},
    {"reasoning", &Rates::reasoning, "of reasoning"},
    {"image_input", &Rates::image_input, "of images in the prompt"},
    {"audio_input", &Rates::audio_input, "of audio in the prompt"},
    {"cached_image", &Rates::cached_image, "of cached images"},
    {"cached_audio", &Rates::cached_audio, "of cached audio"},
    {"image_output", &Rates::image_output, "of images in the answer"},
    {"audio_output", &Rates::audio_output, "of audio in the answer"}};

std::unexpected<Error> invalid(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidRequest,
              fmt::format("'{}' is no tier: {} (like 'batch above 200000: input=1.25 output=7.50')", text, why),
              {{"param", "tiers"}});
}

std::string decimal(NanoUsd amount) {
  std::string text = fmt::format("{}.{:09}", amount / kNanoPerUsd, amount % kNanoPerUsd);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t i = 0; i < text.size();) {
    const size_t start = text.find_first_not_of(" ,\t", i);
    if (start == std::string_view::npos) break;
    i = std::min(text.find_first_of(" ,\t", start), text.size());
    words.push_back(text.substr(start, i - start));
  }
  return words;
}

// "batch above 200000"
Status read_head(std::string_view whole, std::string_view head, PriceTier& tier) {
  const auto words = words_of(head);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "above" && i + 1 < words.size()) {
      const std::string_view number = words[++i];
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), tier.above_tokens);
      if (error != std::errc() || end != number.data() + number.size() || tier.above_tokens <= 0)
        return invalid(whole, fmt::format("'{}' is no number of tokens", number));
    } else if (const auto service = service_from_text(words[i])) {
      tier.service = *service;
    } else {
      return invalid(whole, fmt::format("'{}' is no service level (flex, priority, batch, fast)", words[i]));
    }
  }
  if (tier.service == ServiceLevel::kDefault && tier.above_tokens == 0)
    return invalid(whole, "it names neither a service level nor a length");
  return {};
}

}  // namespace

std::span<const RateName> rate_names() { return kRates; }

const RateName* find_rate(std::string_view name) {
  const auto it = std::ranges::find(kRates, name, &RateName::name);
  return it == std::end(kRates) ? nullptr : &*it;
}

// Nano-dollars a million tokens are thousandths of a pico-dollar a token.
Result<PicoUsd> parse_usd_per_million(std::string_view text) {
  const auto nano = parse_usd(text);
  if (!nano) return fail(nano.error());
  return (*nano + 999) / 1000;
}

Result<PicoUsd> parse_usd_per_call(std::string_view text) {
  const auto nano = parse_usd(text);
  if (!nano) return fail(nano.error());
  if (*nano > kPriceLimit / 1000) return fail(ErrorCode::kInvalidRequest, "A call costs at most $1,000,000.");
  return *nano * 1000;
}

Result<int64_t> parse_factor(std::string_view text) {
  const auto billionths = parse_usd(text);
  if (!billionths || *billionths < 0 || *billionths > kRegionLimit * 1'000'000)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' is no factor; one is written like 1.1, to three decimals.", text));
  return (*billionths + 999'999) / 1'000'000;
}

Result<PriceTier> parse_tier(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return invalid(text, "a colon divides when it holds from its rates");
  PriceTier tier;
  if (auto ok = read_head(text, text.substr(0, colon), tier); !ok) return fail(ok.error());
  for (const std::string_view word : words_of(text.substr(colon + 1))) {
    const size_t equals = word.find('=');
    const RateName* rate = equals == std::string_view::npos ? nullptr : find_rate(word.substr(0, equals));
    if (!rate) return invalid(text, fmt::format("'{}' is no rate", word));
    const auto usd = parse_usd_per_million(word.substr(equals + 1));
    if (!usd || *usd < 0) return invalid(text, fmt::format("'{}' is no number of dollars", word.substr(equals + 1)));
    tier.rates.*(rate->rate) = *usd;
  }
  if (tier.rates == Rates()) return invalid(text, "it has no rates");
  return tier;
}

std::string to_text(const PriceTier& tier) {
  std::string out = tier.service == ServiceLevel::kDefault ? "" : std::string(to_text(tier.service));
  if (tier.above_tokens > 0) out += fmt::format("{}above {}", out.empty() ? "" : " ", tier.above_tokens);
  out += ':';
  for (const RateName& each : kRates) {
    if (tier.rates.*(each.rate) > 0) out += fmt::format(" {}={}", each.name, usd_per_million(tier.rates.*(each.rate)));
  }
  return out;
}

std::string usd_per_million(PicoUsd rate) { return decimal(rate * 1000); }
std::string usd_per_call(PicoUsd price) { return decimal(price / 1000); }

}  // namespace steward::ledger
