#include "ledger/price_table.h"

#include <algorithm>

#include "base/clock.h"
#include "base/json.h"
#include "ledger/price_names.h"

namespace steward::ledger {
namespace {

// A release of the price file that rows are from, and its day; the newest first.
struct Release {
  std::string_view version, date;
};

#define STEWARD_TEXT(literal) std::string_view(literal, sizeof(literal) - 1)
#define STEWARD_RELEASE(version, date) {version, date},
#define STEWARD_MODELS \
  }                    \
  ;                    \
  constexpr ShippedRow kRows[] = {
#define STEWARD_MODEL(name, text) {STEWARD_TEXT(name), STEWARD_TEXT(text)},
constexpr Release kReleases[] = {
#include "ledger/price_table.inc"
};  // namespace
#undef STEWARD_RELEASE
#undef STEWARD_MODELS
#undef STEWARD_MODEL
#undef STEWARD_TEXT

constexpr std::pair<std::string_view, PicoUsd Rates::*> kRateNames[] = {
    {"i", &Rates::input},          {"o", &Rates::output},          {"c", &Rates::cached_input},
    {"w", &Rates::cache_write_5m}, {"w1", &Rates::cache_write_1h}, {"r", &Rates::reasoning},
    {"ii", &Rates::image_input},   {"ai", &Rates::audio_input},    {"ci", &Rates::cached_image},
    {"ca", &Rates::cached_audio},  {"io", &Rates::image_output},   {"ao", &Rates::audio_output}};

Rates read_rates(const Json& row) {
  Rates rates;
  for (const auto& [name, member] : kRateNames) rates.*member = row.value(std::string(name), PicoUsd{0});
  return rates;
}

Told told(const std::string& yes, const std::string& no, char flag) {
  if (yes.contains(flag)) return Told::kYes;
  return no.contains(flag) ? Told::kNo : Told::kNotTold;
}

ModelFacts read_facts(std::string_view name, const Json& row) {
  const std::string yes = row.value("y", ""), no = row.value("n", "");
  ModelFacts facts;
  facts.model = name;
  facts.mode = row.value("m", "chat");
  facts.context_tokens = row.value("ctx", int64_t{0});
  facts.output_tokens = row.value("max", int64_t{0});
  facts.vision = told(yes, no, 'v');
  facts.documents = told(yes, no, 'd');
  facts.audio_input = told(yes, no, 'a');
  facts.audio_output = told(yes, no, 'A');
  facts.tools = told(yes, no, 't');
  facts.reasoning = told(yes, no, 'r');
  facts.json_schema = told(yes, no, 'j');
  facts.web_search = told(yes, no, 'w');
  return facts;
}

// [[weekdays, from, to], …] in minutes of the day, UTC.
bool is_within(const Json& hours, TimeUs now) {
  constexpr int64_t kMinuteUs = 60 * kSecondUs, kDayMinutes = 24 * 60;
  const int64_t minutes = now / kMinuteUs;
  const int64_t weekday = (minutes / kDayMinutes + 3) % 7 + 1;  // 1970 began on a Thursday
  const int64_t minute = minutes % kDayMinutes;
  return std::ranges::any_of(hours, [&](const Json& span) {
    return span[0].get<std::string>().contains(static_cast<char>('0' + weekday)) && minute >= span[1].get<int64_t>() &&
           minute < span[2].get<int64_t>();
  });
}

const Release& release_of(const Json& row) {
  const auto* found = std::ranges::find(kReleases, row.value("v", ""), &Release::version);
  return found == std::end(kReleases) ? kReleases[0] : *found;
}

Price read_price(const Json& row, TimeUs now) {
  Rates rates = read_rates(row);
  if (row.contains("off") && is_within(row["off"]["h"], now)) {
    const Rates off = read_rates(row["off"]);
    for (const auto& [name, member] : kRateNames) rates.*member = off.*member > 0 ? off.*member : rates.*member;
  }
  Price price;
  price.set_rates(rates);
  price.request = row.value("q", PicoUsd{0});
  if (row.contains("t")) price.tools = row["t"].get<std::map<std::string, PicoUsd, std::less<>>>();
  if (row.contains("g")) price.regions = row["g"].get<std::map<std::string, int64_t, std::less<>>>();
  for (const Json& tier : row.value("x", Json::array())) {
    price.tiers.push_back({.service = service_from_text(tier.value("s", "default")).value_or(ServiceLevel::kDefault),
                           .above_tokens = tier.value("a", int64_t{0}),
                           .rates = read_rates(tier)});
  }
  const Release& release = release_of(row);
  const std::string file = fmt::format("litellm {}", release.version), page = row.value("u", "");
  price.source = page.empty() ? file : fmt::format("{} ({})", page, file);
  price.from = parse_rfc3339(fmt::format("{}T00:00:00Z", release.date)).value_or(0);
  price.shipped = true;
  return price;
}

}  // namespace

std::optional<ShippedModel> find_shipped(std::string_view provider, std::string_view model, TimeUs now) {
  const ShippedRow* row = find_row(kRows, provider, model);
  if (!row) return std::nullopt;
  const Json json = parse_own(row->text);
  return ShippedModel{read_price(json, now), read_facts(row->name, json)};
}

std::vector<std::pair<std::string, Price>> shipped_prices(std::string_view provider, TimeUs now) {
  std::vector<std::pair<std::string, Price>> all;
  for (const ShippedRow& row : kRows) {
    if (!provider.empty() && row.name.substr(0, row.name.find('/')) != provider) continue;
    all.emplace_back(row.name, read_price(parse_own(row.text), now));
  }
  return all;
}

}  // namespace steward::ledger
