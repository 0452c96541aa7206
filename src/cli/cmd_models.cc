// steward models: what is here, what would fit, and what it costs.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/memory.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct Options {
  std::string name;
  std::optional<std::string> provider, input, output, cached;
  bool json = false;
};

std::string size_text(const Json& model) {
  const uint64_t bytes = model.value("file_bytes", uint64_t{0});
  return bytes == 0 ? "" : human_bytes(bytes);
}

int list(const Options& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto models = (*client)->list("/admin/v1/models");
  if (!models) return context.failed(models.error());
  if (options.json) return context.line(Json(*models).dump(2)), kDone;
  Table table;
  for (const char* title : {"name", "from", "kind", "parameters", "quantization", "size", "context", "state"})
    table.column(title);
  for (const auto& model : *models) {
    const int64_t tokens = model.value("context_tokens", int64_t{0});
    std::string state = model["state"];
    if (model.contains("problem")) state += ": " + model["problem"].get<std::string>();
    table.row({model["name"],
               model.value("shipped", false)  ? "Steward"
               : model["provider"] == "local" ? "this machine"
                                              : model["provider"].get<std::string>(),
               model["kind"], count_text(model.value("parameters", uint64_t{0})), model.value("quantization", ""),
               size_text(model), tokens > 0 ? thousands(tokens) : "", state});
  }
  if (table.empty())
    return context.line("No model is here: 'steward models recommend' says which would fit this machine."), kDone;
  context.print(table.text(context));
  return kDone;
}

Table price_table(const std::vector<Json>& prices) {
  Table table;
  for (const char* title : {"provider", "model"}) table.column(title);
  for (const char* title : {"input $/M tokens", "output $/M tokens", "cached $/M tokens"})
    table.column(title, Align::kRight);
  table.column("set by");
  for (const auto& price : prices) {
    table.row({price["provider"], price["model"], price["input_usd_per_million"], price["output_usd_per_million"],
               price["cached_input_usd_per_million"], price["source"]});
  }
  return table;
}

int price(const Options& options, const std::optional<std::string>& name, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  std::vector<Json> shown;
  if (name && options.input) {
    Json body = {
        {"model", *name}, {"provider", options.provider.value_or("local")}, {"input_usd_per_million", *options.input}};
    if (options.output) body["output_usd_per_million"] = *options.output;
    if (options.cached) body["cached_input_usd_per_million"] = *options.cached;
    auto price = (*client)->post("/admin/v1/prices", body);
    if (!price) return context.failed(price.error());
    shown.push_back(*price);
  } else {
    auto prices = (*client)->list("/admin/v1/prices");
    if (!prices) return context.failed(prices.error());
    for (auto& price : *prices) {
      if (!name || price["model"] == *name) shown.push_back(std::move(price));
    }
  }
  if (options.json) return context.line(Json(shown).dump(2)), kDone;
  if (shown.empty())
    return context.line(
               "No price is set. Models on this machine cost 0 until one is; others can't be used under a budget."),
           kDone;
  context.print(price_table(shown).text(context));
  return kDone;
}

}  // namespace

void add_models(Command& program, const Context& context) {
  auto options = std::make_shared<Options>();
  Command models = program.sub("models", "List, add, fetch and price models.");
  models.needs_sub();
  Command list_command = models.sub("list", "Every model, here and at providers.");
  list_command.flag("--json", options->json, "Print JSON").run([options, &context] { return list(*options, context); });
  add_model_files(models, context);
  auto name = std::make_shared<std::optional<std::string>>();
  Command price_command = models.sub("price", "Show prices, or set one.");
  price_command.argument("MODEL", *name, "The model; without it, all prices")
      .option("--input", options->input, "US dollars for a million tokens of input; sets the price", "USD")
      .option("--output", options->output, "US dollars for a million tokens of output", "USD")
      .option("--cached", options->cached, "US dollars for a million cached tokens of input (as input)", "USD")
      .option("--provider", options->provider, "Whose model it is (local)", "NAME")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward models price\nsteward models price gpt-4.1-mini --provider openai --input 0.40 --output "
          "1.60\nsteward models price smollm2-135m-instruct --input 0.05 --output 0.10")
      .run([options, name, &context] { return price(*options, *name, context); });
}

}  // namespace steward::cli
