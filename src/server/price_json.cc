#include "server/price_json.h"

#include "ledger/price_text.h"
#include "ledger/pricing.h"
#include "server/admin_json.h"
#include "server/fields.h"
#include "server/price_options.h"

namespace steward::server {
namespace {

constexpr int64_t kMaxPico = 1'000'000'000'000;  // a dollar a token

void add_rates(Json& out, const ledger::Rates& rates) {
  for (const auto& each : ledger::rate_names()) {
    const PicoUsd rate = rates.*(each.rate);
    const bool always = each.name == "input" || each.name == "output" || each.name == "cached_input";
    if (rate == 0 && !always) continue;
    out[fmt::format("{}_pico", each.name)] = rate;
    out[fmt::format("{}_usd_per_million", each.name)] = ledger::usd_per_million(rate);
  }
}

Json tier_json(const ledger::PriceTier& tier) {
  Json out = Json::object();
  if (tier.service != ledger::ServiceLevel::kDefault) out["service"] = ledger::to_text(tier.service);
  if (tier.above_tokens > 0) out["above_tokens"] = tier.above_tokens;
  for (const auto& each : ledger::rate_names()) {
    if (tier.rates.*(each.rate) > 0)
      out[fmt::format("{}_usd_per_million", each.name)] = ledger::usd_per_million(tier.rates.*(each.rate));
  }
  return out;
}

std::optional<PicoUsd> read_rate(Fields& fields, std::string_view kind) {
  const std::string in_pico = fmt::format("{}_pico", kind), in_usd = fmt::format("{}_usd_per_million", kind);
  const auto pico = fields.integer(in_pico, 0, kMaxPico);
  const auto usd = read_usd(fields, in_usd);
  if (pico && usd) fields.problem(in_pico, fmt::format("and '{}' can't both be given", in_usd));
  if (pico) return pico;
  if (usd) return (*usd + 999) / 1000;
  return std::nullopt;
}

ledger::PriceTier read_tier(Fields& outer, const Json& body) {
  ledger::PriceTier tier;
  if (body.is_string()) {
    auto parsed = ledger::parse_tier(body.get<std::string>());
    if (!parsed) outer.problem("tiers", parsed.error().message);
    return parsed.value_or(tier);
  }
  Fields fields(body);
  if (const auto service = fields.text("service")) {
    const auto level = ledger::service_from_text(*service);
    if (!level) fields.problem("service", "is default, flex, priority, batch or fast");
    tier.service = level.value_or(ledger::ServiceLevel::kDefault);
  }
  tier.above_tokens = fields.integer("above_tokens", 0, ledger::kTokensLimit).value_or(0);
  for (const auto& each : ledger::rate_names()) tier.rates.*(each.rate) = read_rate(fields, each.name).value_or(0);
  if (auto good = fields.finish(); !good) outer.problem("tiers", good.error().message);
  return tier;
}

template <class Parse>
std::map<std::string, int64_t, std::less<>> read_named(Fields& fields, const std::string& name, Parse parse) {
  std::map<std::string, int64_t, std::less<>> out;
  const Json* given = fields.object(name);
  if (given == nullptr) return out;
  for (const auto& [key, value] : given->items()) {
    const auto read = parse(value.is_string() ? value.get<std::string>() : value.dump());
    if (read)
      out[key] = *read;
    else
      fields.problem(name, read.error().message);
  }
  return out;
}

Json named_json(const std::map<std::string, int64_t, std::less<>>& values, std::string (*text)(int64_t)) {
  Json out = Json::object();
  for (const auto& [name, value] : values) out[name] = text(value);
  return out;
}

std::string factor_text(int64_t thousandths) {
  std::string text = fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

TimeUs read_from(Fields& fields, TimeUs now) {
  const auto given = fields.text("from");
  if (!given) return now;
  auto from = parse_from(*given);
  if (!from) fields.problem("from", "must be a day such as 2026-12-31 or a time such as 2026-12-31T00:00:00Z");
  return from.value_or(0) == 0 ? now : *from;
}

Json costs_json(const ledger::Costs& costs) {
  Json out = Json::object();
  const auto add = [&](const char* name, NanoUsd cost) {
    if (cost != 0) out[name] = to_microusd_decimal(cost);
  };
  add("input", costs.input);
  add("cached_input", costs.cached_input);
  add("cache_write", costs.cache_write);
  add("output", costs.output);
  add("reasoning", costs.reasoning);
  add("image", costs.image);
  add("audio", costs.audio);
  add("tools", costs.tools);
  add("requests", costs.requests);
  add("other", costs.other);
  return out;
}

}  // namespace

Json price_json(const std::string& provider_and_model, const ledger::Price& price) {
  const size_t slash = provider_and_model.find('/');
  Json out = {{"provider", provider_and_model.substr(0, slash)},
              {"model", slash == std::string::npos ? "" : provider_and_model.substr(slash + 1)}};
  add_rates(out, price.rates());
  out["request_pico"] = price.request;
  if (!price.tools.empty()) out["tools_usd"] = named_json(price.tools, ledger::usd_per_call);
  if (!price.regions.empty()) out["regions"] = named_json(price.regions, factor_text);
  if (!price.tiers.empty()) {
    for (const auto& tier : price.tiers) out["tiers"].push_back(tier_json(tier));
  }
  out["source"] = price.source;
  out["shipped"] = price.shipped;
  out["from"] = time_json(price.from);
  return out;
}

ledger::Price read_price(Fields& fields, TimeUs now) {
  ledger::Rates rates;
  for (const auto& each : ledger::rate_names()) {
    const auto rate = read_rate(fields, each.name);
    // An unknown price is an error, never a zero.
    if (!rate && (each.name == "input" || each.name == "output"))
      fields.problem(fmt::format("{}_pico", each.name),
                     fmt::format("or '{}_usd_per_million' is needed (0 where it costs nothing)", each.name));
    rates.*(each.rate) = rate.value_or(0);
  }
  if (rates.cached_input == 0) rates.cached_input = rates.input;
  ledger::Price price;
  price.set_rates(rates);
  const auto request_usd = read_usd(fields, "request_usd");
  price.request = fields.integer("request_pico", 0, ledger::kPriceLimit)
                      .value_or(std::min(request_usd.value_or(0), ledger::kPriceLimit / 1000) * 1000);
  price.tools = read_named(fields, "tools_usd", ledger::parse_usd_per_call);
  price.regions = read_named(fields, "regions", ledger::parse_factor);
  if (const Json* tiers = fields.any("tiers")) {
    if (!tiers->is_array()) fields.problem("tiers", "must be a list");
    for (const Json& tier : *tiers) price.tiers.push_back(read_tier(fields, tier));
  }
  price.source = "owner";
  price.from = read_from(fields, now);
  return price;
}

Json usage_json(const ledger::UsageRow& row) {
  return {{"group", row.group},
          {"calls", row.calls},
          {"failed", row.failed},
          {"estimated", row.estimated},
          {"unpriced", row.unpriced},
          {"prompt_tokens", row.prompt_tokens},
          {"cached_tokens", row.cached_tokens},
          {"cache_write_tokens", row.cache_write_tokens},
          {"completion_tokens", row.completion_tokens},
          {"reasoning_tokens", row.reasoning_tokens},
          {"tool_calls", row.tool_calls},
          {"cost_microusd", to_microusd_decimal(row.cost)},
          {"cost_by_type_microusd", costs_json(row.costs)},
          {"overrun_microusd", to_microusd_decimal(row.overrun)}};
}

void add_up(ledger::UsageRow& total, const ledger::UsageRow& row) {
  for (const auto member :
       {&ledger::UsageRow::calls, &ledger::UsageRow::failed, &ledger::UsageRow::estimated, &ledger::UsageRow::unpriced,
        &ledger::UsageRow::prompt_tokens, &ledger::UsageRow::cached_tokens, &ledger::UsageRow::cache_write_tokens,
        &ledger::UsageRow::completion_tokens, &ledger::UsageRow::reasoning_tokens, &ledger::UsageRow::tool_calls,
        &ledger::UsageRow::cost, &ledger::UsageRow::overrun})
    total.*member += row.*member;
  for (const auto member :
       {&ledger::Costs::input, &ledger::Costs::cached_input, &ledger::Costs::cache_write, &ledger::Costs::output,
        &ledger::Costs::reasoning, &ledger::Costs::image, &ledger::Costs::audio, &ledger::Costs::tools,
        &ledger::Costs::requests, &ledger::Costs::other})
    total.costs.*member += row.costs.*member;
}

}  // namespace steward::server
