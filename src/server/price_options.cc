#include "server/price_options.h"

#include "base/config_providers.h"
#include "base/text.h"
#include "ledger/price_text.h"
#include "ledger/pricing.h"

namespace steward::server {
namespace {

// One [prices.NAME]: reads its values, and keeps the first problem.
class PriceReader {
 public:
  PriceReader(const Config& config, std::string name) : config_(config), name_(std::move(name)) {}

  Result<ledger::Price> read() {
    ledger::Rates rates;
    for (const auto& each : ledger::rate_names())
      rates.*(each.rate) = parse(each.name, config_.text(key(each.name)), ledger::parse_usd_per_million);
    // Nobody said that cached input is cheaper, and 0 would be taken for "not told" by every tier.
    if (rates.cached_input == 0) rates.cached_input = rates.input;
    ledger::Price price;
    price.set_rates(rates);
    price.request = parse("request", config_.text(key("request")), ledger::parse_usd_per_call);
    price.from = parse("from", config_.text(key("from")), parse_from);
    for (const auto& [tool, usd] : table("tools")) price.tools[tool] = parse("tools", usd, ledger::parse_usd_per_call);
    for (const auto& [region, factor] : table("regions"))
      price.regions[region] = parse("regions", factor, ledger::parse_factor);
    for (const auto& tier : config_.list(key("tiers"))) price.tiers.push_back(parse("tiers", tier, ledger::parse_tier));
    price.source = "config";
    if (auto ok = ledger::check_price(price); !ok) note("", ok.error());
    if (problem_) return fail(std::move(*problem_));
    return price;
  }

 private:
  std::string key(std::string_view word) const { return fmt::format("prices.{}.{}", name_, word); }
  std::map<std::string, std::string> table(std::string_view word) const {
    return config_.at(key(word)).value.get<std::map<std::string, std::string>>();
  }
  void note(std::string_view word, const Error& error) {
    if (problem_) return;
    problem_.emplace(ErrorCode::kConfig,
                     fmt::format("[prices.\"{}\"]{}{}: {}", name_, word.empty() ? "" : " ", word, error.message));
  }
  template <class Parse>
  auto parse(std::string_view word, const std::string& text, Parse read) -> typename decltype(read(text))::value_type {
    if (text.empty()) return {};
    auto value = read(text);
    if (!value) return note(word, value.error()), typename decltype(read(text))::value_type{};
    return std::move(*value);
  }

  const Config& config_;
  std::string name_;
  std::optional<Error> problem_;
};

std::string_view host_of(std::string_view url) {
  const size_t start = url.find("://");
  if (start == std::string_view::npos) return {};
  url.remove_prefix(start + 3);
  return url.substr(0, url.find_first_of("/:?"));
}

}  // namespace

Result<std::map<std::string, ledger::Price>> default_prices(const Config& config) {
  std::map<std::string, ledger::Price> out;
  for (const auto& name : config.names("prices")) {
    auto price = PriceReader(config, name).read();
    if (!price) return fail(std::move(price.error()));
    out[name] = std::move(*price);
  }
  return out;
}

std::map<std::string, std::string> provider_kinds(const Config& config) {
  std::map<std::string, std::string> kinds;
  for (const auto& name : config.names("providers")) {
    std::string kind = config.text(fmt::format("providers.{}.like", name));
    if (kind.empty() && !find_known_provider(name)) {
      const std::string url = config.text(fmt::format("providers.{}.base_url", name));
      for (const KnownProvider& known : known_providers()) {
        if (!host_of(url).empty() && host_of(known.base_url) == host_of(url) && host_of(url) != "localhost")
          kind = known.name;
      }
    }
    kinds[name] = kind.empty() ? name : kind;
  }
  return kinds;
}

Result<TimeUs> parse_from(std::string_view text) {
  if (text.empty()) return 0;
  constexpr size_t kDayLength = 10;  // "2026-12-01"
  auto time = parse_rfc3339(text.size() == kDayLength ? std::string(text) + "T00:00:00Z" : std::string(text));
  if (!time || *time < 0)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' is no day (2026-12-01) and no moment (2026-12-01T00:00:00Z).", text),
                {{"param", "from"}});
  return *time;
}

}  // namespace steward::server
