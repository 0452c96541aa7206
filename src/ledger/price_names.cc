#include "ledger/price_names.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace steward::ledger {
namespace {

using Rows = std::span<const ShippedRow>;

const ShippedRow* exact(Rows rows, const std::string& name) {
  const auto it = std::ranges::lower_bound(rows, name, {}, &ShippedRow::name);
  return it != rows.end() && it->name == name ? &*it : nullptr;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// What a long prompt with an answer as long costs: enough to say which of two rows is dearer.
int64_t dearness(const ShippedRow& row) {
  const Json json = parse_own(row.text);
  return json.value("i", int64_t{0}) + json.value("o", int64_t{0});
}

const ShippedRow* dearer(const ShippedRow* one, const ShippedRow* other) {
  if (!one || !other) return one ? one : other;
  return dearness(*one) >= dearness(*other) ? one : other;
}

std::string_view without_latest(std::string_view model) {
  if (model.ends_with("-latest")) model.remove_suffix(std::string_view("-latest").size());
  return model;
}

// The dearest of "MODEL", "MODEL-latest" and "MODEL-date".
const ShippedRow* family(Rows rows, std::string_view provider, std::string_view model) {
  const std::string base = fmt::format("{}/{}", provider, model);
  const ShippedRow* found = nullptr;
  for (auto it = std::ranges::lower_bound(rows, base, {}, &ShippedRow::name);
       it != rows.end() && it->name.starts_with(base); ++it) {
    const std::string_view rest = it->name.substr(base.size());
    if (rest.empty() || rest == "-latest" || without_date(it->name) == base) found = dearer(found, &*it);
  }
  return found;
}

constexpr std::string_view kRegions[] = {"us.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "sa.", "us-gov."};

// Bedrock: a profile's ARN names the model last; the region that a name begins with changes the price.
const ShippedRow* find_bedrock(Rows rows, std::string_view model) {
  if (model.starts_with("arn:")) model = model.substr(model.rfind('/') + 1);
  if (const ShippedRow* row = exact(rows, fmt::format("bedrock/{}", model))) return row;
  for (std::string_view region : kRegions) {
    if (!model.starts_with(region)) continue;
    model.remove_prefix(region.size());
    break;
  }
  const ShippedRow* found = family(rows, "bedrock", model);
  for (std::string_view region : kRegions) {
    if (region != "us-gov.") found = dearer(found, family(rows, "bedrock", fmt::format("{}{}", region, model)));
  }
  return found;
}

// A gateway's word for a vendor → the vendor's provider.
constexpr std::pair<std::string_view, std::string_view> kVendors[] = {{"openai", "openai"},
                                                                      {"anthropic", "anthropic"},
                                                                      {"google", "gemini"},
                                                                      {"x-ai", "xai"},
                                                                      {"xai", "xai"},
                                                                      {"deepseek", "deepseek"},
                                                                      {"mistralai", "mistral"},
                                                                      {"mistral", "mistral"},
                                                                      {"z-ai", "zai"},
                                                                      {"zai", "zai"},
                                                                      {"moonshotai", "moonshotai"},
                                                                      {"cohere", "cohere"},
                                                                      {"qwen", "alibaba"},
                                                                      {"alibaba", "alibaba"},
                                                                      {"perplexity", "perplexity"},
                                                                      {"minimax", "minimax"}};
constexpr std::string_view kVariants[] = {":thinking", ":nitro", ":floor", ":exacto", ":extended"};

const ShippedRow* find_at_vendor(Rows rows, std::string_view model) {
  const size_t slash = model.find('/');
  if (slash == std::string_view::npos) return nullptr;
  const auto vendor =
      std::ranges::find(kVendors, model.substr(0, slash), &std::pair<std::string_view, std::string_view>::first);
  if (vendor == std::end(kVendors)) return nullptr;
  std::string name(model.substr(slash + 1));
  if (vendor->second == "anthropic") std::ranges::replace(name, '.', '-');  // claude-sonnet-4.5
  return find_row(rows, vendor->second, name);
}

const ShippedRow* find_at_gateway(Rows rows, std::string_view provider, std::string_view model) {
  for (std::string_view variant : kVariants) {
    if (model.ends_with(variant)) model.remove_suffix(variant.size());
  }
  if (const ShippedRow* row = exact(rows, fmt::format("{}/{}", provider, model))) return row;
  if (const ShippedRow* row = family(rows, provider, without_date(model))) return row;
  return find_at_vendor(rows, model);
}

}  // namespace

std::string_view without_date(std::string_view model) {
  // The shapes of dates at the end, longest first: 2025-08-07, 12-2024, 05-06, 20250929, 250929, 2507.
  static constexpr std::pair<size_t, std::string_view> kShapes[] = {{10, "dddd-dd-dd"}, {8, "dddddddd"}, {7, "dd-dddd"},
                                                                    {6, "dddddd"},      {5, "dd-dd"},    {4, "dddd"}};
  for (const auto& [length, shape] : kShapes) {
    if (model.size() <= length + 1) continue;
    const char before = model[model.size() - length - 1];
    const std::string_view end = model.substr(model.size() - length);
    const auto fits = [](char c, char want) { return want == 'd' ? is_digits(std::string_view(&c, 1)) : c == want; };
    if ((before == '-' || before == '@') && std::ranges::equal(end, shape, fits))
      return model.substr(0, model.size() - length - 1);
  }
  return model;
}

const ShippedRow* find_row(Rows rows, std::string_view provider, std::string_view model) {
  if (model.starts_with("models/")) model.remove_prefix(std::string_view("models/").size());
  if (const ShippedRow* row = exact(rows, fmt::format("{}/{}", provider, model))) return row;
  if (provider == "bedrock") return find_bedrock(rows, model);
  if (provider == "openrouter" || provider == "vercel") return find_at_gateway(rows, provider, model);
  std::string_view base = without_latest(without_date(model));
  if (const ShippedRow* row = family(rows, provider, base)) return row;
  if (provider == "anthropic" && base.ends_with("-0")) {  // claude-sonnet-4-0 is claude-sonnet-4 of some date
    base.remove_suffix(2);
    if (const ShippedRow* row = family(rows, provider, base)) return row;
  }
  return provider == "azure" ? find_row(rows, "openai", model) : nullptr;
}

}  // namespace steward::ledger
