// steward models price: what a model costs, and setting it.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"
#include "ledger/price_text.h"

namespace steward::cli {
namespace {

struct PriceOptions {
  std::optional<std::string> name, provider, from, request, shipped;
  std::map<std::string, std::optional<std::string>> rates;  // by the name of the rate
  std::vector<std::string> tools, regions, tiers;
  bool json = false;
};

bool sets(const PriceOptions& options) {
  const bool rate = std::ranges::any_of(options.rates, [](const auto& each) { return each.second.has_value(); });
  return rate || options.request || !options.tools.empty() || !options.regions.empty() || !options.tiers.empty() ||
         options.from;
}

// "KIND=USD" pairs.
Result<Json> pairs_of(const std::vector<std::string>& texts, std::string_view option) {
  Json out = Json::object();
  for (const auto& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::kInvalidRequest, fmt::format("'{} {}' is not of the form NAME=NUMBER.", option, text));
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

Result<Json> body_of(const PriceOptions& options) {
  if (!options.name) return fail(ErrorCode::kInvalidRequest, "Whose price? Name the model.");
  Json body = {{"model", *options.name}, {"provider", options.provider.value_or("local")}};
  for (const auto& [name, usd] : options.rates) {
    if (usd) body[fmt::format("{}_usd_per_million", name)] = *usd;
  }
  for (const char* name : {"input", "output"}) {
    if (!options.rates.at(name))
      return fail(ErrorCode::kInvalidRequest, fmt::format("'--{} USD' is needed too: 0 where it costs nothing.", name));
  }
  if (options.request) body["request_usd"] = *options.request;
  if (options.from) body["from"] = *options.from;
  auto tools = pairs_of(options.tools, "--tool");
  if (!tools) return tools;
  if (!tools->empty()) body["tools_usd"] = std::move(*tools);
  auto regions = pairs_of(options.regions, "--region");
  if (!regions) return regions;
  if (!regions->empty()) body["regions"] = std::move(*regions);
  if (!options.tiers.empty()) body["tiers"] = options.tiers;
  return body;
}

std::string rate_of(const Json& price, std::string_view name) {
  return price.value(fmt::format("{}_usd_per_million", name), "");
}

// What beside the common rates a price says, in a few words.
std::string more_of(const Json& price) {
  std::vector<std::string> words;
  for (const auto& each : ledger::rate_names()) {
    const bool shown =
        each.name == "input" || each.name == "output" || each.name == "cached_input" || each.name == "cache_write";
    if (const std::string usd = rate_of(price, each.name); !shown && !usd.empty())
      words.push_back(fmt::format("{} {}", each.name, usd));
  }
  for (const auto& [tool, usd] : price.value("tools_usd", Json::object()).items())
    words.push_back(fmt::format("{} ${} a call", tool, usd.get<std::string>()));
  for (const Json& tier : price.value("tiers", Json::array())) {
    std::string when = tier.value("service", "");
    if (tier.contains("above_tokens"))
      when += fmt::format("{}above {}", when.empty() ? "" : " ", thousands(tier["above_tokens"].get<int64_t>()));
    words.push_back(fmt::format("{}: {} / {}", when, rate_of(tier, "input"), rate_of(tier, "output")));
  }
  return join(words, "; ");
}

Table table_of(const std::vector<Json>& prices, bool whole) {
  Table table;
  for (const char* title : {"provider", "model"}) table.column(title);
  for (const char* title : {"input $/M tokens", "output $/M tokens", "cached $/M tokens", "cache write $/M tokens"})
    table.column(title, Align::kRight);
  table.column("from");
  table.column("set by");
  if (whole) table.column("besides");
  for (const auto& price : prices) {
    const std::string from = price["from"].is_string() ? price["from"].get<std::string>().substr(0, 10) : "";
    std::vector<std::string> row{price["provider"],
                                 price["model"],
                                 rate_of(price, "input"),
                                 rate_of(price, "output"),
                                 rate_of(price, "cached_input"),
                                 rate_of(price, "cache_write"),
                                 from,
                                 price["source"]};
    if (whole) row.push_back(more_of(price));
    table.row(std::move(row));
  }
  return table;
}

// Without a model all that was set; with one its own, and where none was set the one that a call would have.
Result<std::vector<Json>> show(Client& client, const PriceOptions& options) {
  std::string path = "/admin/v1/prices";
  if (options.shipped) path += "?shipped=" + percent_encoded(*options.shipped);
  auto prices = client.list(path);
  if (!prices) return fail(prices.error());
  std::vector<Json> shown;
  for (auto& price : *prices) {
    const bool provider = !options.provider || price["provider"] == *options.provider;
    if (provider && (!options.name || price["model"] == *options.name)) shown.push_back(std::move(price));
  }
  if (shown.empty() && options.name && options.provider) {
    auto holds = client.get(fmt::format("/admin/v1/price?provider={}&model={}", percent_encoded(*options.provider),
                                        percent_encoded(*options.name)));
    if (!holds) return fail(holds.error());
    shown.push_back(std::move(*holds));
  }
  return shown;
}

Result<std::vector<Json>> set(Client& client, const PriceOptions& options) {
  auto body = body_of(options);
  if (!body) return fail(body.error());
  auto price = client.post("/admin/v1/prices", *body);
  if (!price) return fail(price.error());
  return std::vector{std::move(*price)};
}

int price(const PriceOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto shown = sets(options) ? set(**client, options) : show(**client, options);
  if (!shown) return context.failed(shown.error());
  if (options.json) return context.line(Json(*shown).dump(2)), kDone;
  if (shown->empty())
    return context.line(
               "No price was set. Models on this machine cost 0 until one is; those of known providers cost what the "
               "shipped table says ('steward models price --shipped openai'); others can't be used under a budget."),
           kDone;
  context.print(table_of(*shown, options.name.has_value()).text(context));
  return kDone;
}

// The option of a rate: "--cache-write"; "--cached" is short for "--cached-input".
std::string option_of(std::string_view rate) {
  std::string name(rate);
  std::ranges::replace(name, '_', '-');
  return rate == "cached_input" ? "--cached-input,--cached" : "--" + name;
}

}  // namespace

void add_price(Command& models, const Context& context) {
  auto options = std::make_shared<PriceOptions>();
  Command command = models.sub("price", "Show prices, or set one.");
  command.argument("MODEL", options->name, "The model; without it, all prices that were set");
  for (const auto& each : ledger::rate_names())
    command.option(option_of(each.name), options->rates[std::string(each.name)],
                   fmt::format("US dollars for a million tokens {}", each.meaning), "USD");
  command.option("--request", options->request, "US dollars for one call", "USD")
      .option("--tool", options->tools, "US dollars for one call of a tool at the provider; any number", "KIND=USD")
      .option("--tier", options->tiers,
              "Other rates: 'batch: input=0.75 output=6', 'above 200000: input=6'; any number", "TIER")
      .option("--region", options->regions, "What the rates are multiplied with in a region; any number", "NAME=FACTOR")
      .option("--from", options->from, "The day or moment from which it holds (now)", "DATE")
      .option("--provider", options->provider, "Whose model it is (local)", "NAME")
      .option("--shipped", options->shipped, "Lists the shipped table's rows of a provider instead, or of all", "NAME")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward models price\nsteward models price --shipped anthropic\nsteward models price gpt-4.1-mini "
          "--provider openai --input 0.40 --output 1.60\nsteward models price claude-x --provider anthropic --input 3 "
          "--output 15 --cached 0.30 --cache-write 3.75 --tier 'batch: input=1.50 output=7.50' --from 2026-12-01")
      .run([options, &context] { return price(*options, context); });
}

}  // namespace steward::cli
