#include "ledger/price_record.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json.h"

namespace steward::ledger {
namespace {

template <class Struct>
using Member = std::pair<std::string_view, int64_t Struct::*>;

constexpr Member<Price> kPriceMembers[] = {
    {"cache_write_5m", &Price::cache_write_5m}, {"cache_write_1h", &Price::cache_write_1h},
    {"reasoning", &Price::reasoning},           {"image_input", &Price::image_input},
    {"audio_input", &Price::audio_input},       {"cached_image", &Price::cached_image},
    {"cached_audio", &Price::cached_audio},     {"image_output", &Price::image_output},
    {"audio_output", &Price::audio_output}};
constexpr Member<Rates> kRateMembers[] = {{"input", &Rates::input},
                                          {"output", &Rates::output},
                                          {"cached_input", &Rates::cached_input},
                                          {"cache_write_5m", &Rates::cache_write_5m},
                                          {"cache_write_1h", &Rates::cache_write_1h},
                                          {"reasoning", &Rates::reasoning},
                                          {"image_input", &Rates::image_input},
                                          {"audio_input", &Rates::audio_input},
                                          {"cached_image", &Rates::cached_image},
                                          {"cached_audio", &Rates::cached_audio},
                                          {"image_output", &Rates::image_output},
                                          {"audio_output", &Rates::audio_output}};
constexpr Member<Usage> kUsageMembers[] = {
    {"cache_write_5m_tokens", &Usage::cache_write_5m_tokens}, {"cache_write_1h_tokens", &Usage::cache_write_1h_tokens},
    {"image_input_tokens", &Usage::image_input_tokens},       {"audio_input_tokens", &Usage::audio_input_tokens},
    {"cached_image_tokens", &Usage::cached_image_tokens},     {"cached_audio_tokens", &Usage::cached_audio_tokens},
    {"image_output_tokens", &Usage::image_output_tokens},     {"audio_output_tokens", &Usage::audio_output_tokens}};
constexpr Member<Costs> kCostMembers[] = {{"input", &Costs::input},
                                          {"cached_input", &Costs::cached_input},
                                          {"cache_write", &Costs::cache_write},
                                          {"output", &Costs::output},
                                          {"reasoning", &Costs::reasoning},
                                          {"image", &Costs::image},
                                          {"audio", &Costs::audio},
                                          {"tools", &Costs::tools},
                                          {"requests", &Costs::requests},
                                          {"other", &Costs::other}};

// Numbers are written as they are; names that others chose go through the JSON library.
class Writer {
 public:
  void number(std::string_view name, int64_t value) { fmt::format_to(std::back_inserter(begin(name)), "{}", value); }
  void text(std::string_view name, std::string_view value) { begin(name) += dump(Json(std::string(value))); }
  void raw(std::string_view name, std::string_view json) { begin(name) += json; }
  template <class Struct, size_t N>
  void members(const Struct& from, const Member<Struct> (&all)[N]) {
    for (const auto& [name, member] : all) {
      if (from.*member != 0) number(name, from.*member);
    }
  }
  std::string object() && { return out_.empty() ? "{}" : out_ + '}'; }
  std::string object_if_any() && { return out_.empty() ? "" : out_ + '}'; }

 private:
  std::string& begin(std::string_view name) {
    fmt::format_to(std::back_inserter(out_), "{}\"{}\":", out_.empty() ? '{' : ',', name);
    return out_;
  }
  std::string out_;
};

std::string numbers_text(const std::map<std::string, int64_t, std::less<>>& numbers) {
  Json all = Json::object();
  for (const auto& [name, value] : numbers) all[name] = value;
  return dump(all);
}

std::string tiers_text(const std::vector<PriceTier>& tiers) {
  std::string out = "[";
  for (const PriceTier& tier : tiers) {
    Writer writer;
    if (tier.service != ServiceLevel::kDefault) writer.text("service", to_text(tier.service));
    if (tier.above_tokens != 0) writer.number("above_tokens", tier.above_tokens);
    writer.members(tier.rates, kRateMembers);
    if (out.size() > 1) out += ',';
    out += std::move(writer).object();
  }
  return out + ']';
}

}  // namespace

std::string more_of(const Price& price) {
  Writer writer;
  writer.members(price, kPriceMembers);
  if (!price.tools.empty()) writer.raw("tools", numbers_text(price.tools));
  if (!price.tiers.empty()) writer.raw("tiers", tiers_text(price.tiers));
  if (!price.regions.empty()) writer.raw("regions", numbers_text(price.regions));
  if (price.shipped) writer.raw("shipped", "true");
  return std::move(writer).object_if_any();
}

std::string more_of(const Usage& usage) {
  Writer writer;
  writer.members(usage, kUsageMembers);
  if (!usage.tool_calls.empty()) writer.raw("tool_calls", numbers_text(usage.tool_calls));
  if (usage.requests != 1) writer.number("requests", usage.requests);
  if (usage.service != ServiceLevel::kDefault) writer.text("service", to_text(usage.service));
  if (!usage.region.empty()) writer.text("region", usage.region);
  if (usage.told_cost) writer.number("told_nano", *usage.told_cost);
  return std::move(writer).object_if_any();
}

std::string costs_text(const Costs& costs) {
  Writer writer;
  writer.members(costs, kCostMembers);
  return std::move(writer).object();
}

namespace {
using simdjson::ondemand::object;
using simdjson::ondemand::value;

template <class Struct, size_t N>
bool read_member(Struct& into, const Member<Struct> (&all)[N], std::string_view name, value& from) {
  const auto member = std::ranges::find(all, name, &Member<Struct>::first);
  if (member == std::end(all)) return false;
  into.*(member->second) = from.get_int64();
  return true;
}

std::map<std::string, int64_t, std::less<>> read_numbers(value& from) {
  std::map<std::string, int64_t, std::less<>> numbers;
  for (auto field : from.get_object()) {
    std::string name(std::string_view(field.unescaped_key()));
    numbers.emplace(std::move(name), int64_t(field.value().get_int64()));
  }
  return numbers;
}

ServiceLevel read_service(value& from) {
  return service_from_text(std::string_view(from.get_string())).value_or(ServiceLevel::kDefault);
}

PriceTier read_tier(object from) {
  PriceTier tier;
  for (auto field : from) {
    const std::string_view name = field.unescaped_key();
    value each = field.value();
    if (name == "service")
      tier.service = read_service(each);
    else if (name == "above_tokens")
      tier.above_tokens = each.get_int64();
    else
      read_member(tier.rates, kRateMembers, name, each);
  }
  return tier;
}
}  // namespace

struct MoreReader::Parser {
  simdjson::ondemand::parser parser;
  simdjson::padded_string padded;
  simdjson::ondemand::document document;
  object open(std::string_view text) {
    padded = simdjson::padded_string(text);
    document = parser.iterate(padded);
    return document.get_object();
  }
};

MoreReader::MoreReader() : parser_(std::make_unique<Parser>()) {}
MoreReader::~MoreReader() = default;

void MoreReader::price(Price& price, std::string_view more) {
  if (more.empty()) return;
  for (auto field : parser_->open(more)) {
    const std::string_view name = field.unescaped_key();
    value each = field.value();
    if (read_member(price, kPriceMembers, name, each)) continue;
    if (name == "tools")
      price.tools = read_numbers(each);
    else if (name == "regions")
      price.regions = read_numbers(each);
    else if (name == "shipped")
      price.shipped = each.get_bool();
    else if (name == "tiers")
      for (auto tier : each.get_array()) price.tiers.push_back(read_tier(tier.get_object()));
  }
}

void MoreReader::usage(Usage& usage, std::string_view more) {
  if (more.empty()) return;
  for (auto field : parser_->open(more)) {
    const std::string_view name = field.unescaped_key();
    value each = field.value();
    if (read_member(usage, kUsageMembers, name, each)) continue;
    if (name == "tool_calls")
      usage.tool_calls = read_numbers(each);
    else if (name == "requests")
      usage.requests = each.get_int64();
    else if (name == "service")
      usage.service = read_service(each);
    else if (name == "region")
      usage.region = std::string_view(each.get_string());
    else if (name == "told_nano")
      usage.told_cost = int64_t(each.get_int64());
  }
}

Costs MoreReader::costs(std::string_view text) {
  Costs costs;
  for (auto field : parser_->open(text)) {
    const std::string_view name = field.unescaped_key();
    value each = field.value();
    read_member(costs, kCostMembers, name, each);
  }
  return costs;
}

}  // namespace steward::ledger
