// steward models: what is here, what would fit, and what it costs.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/memory.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct ModelsOptions {
  std::string name;
  std::optional<std::string> provider;
  bool json = false;
};

std::string size_text(const Json& model) {
  const uint64_t bytes = model.value("file_bytes", uint64_t{0});
  return bytes == 0 ? "" : human_bytes(bytes);
}

int list(const ModelsOptions& options, const Context& context) {
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

}  // namespace

void add_models(Command& program, const Context& context) {
  auto options = std::make_shared<ModelsOptions>();
  Command models = program.sub("models", "List, add, fetch and price models.");
  models.needs_sub();
  Command list_command = models.sub("list", "Every model, here and at providers.");
  list_command.examples("steward models list   # those here and those of every provider");
  list_command.flag("--json", options->json, "Print JSON").run([options, &context] { return list(*options, context); });
  add_model_files(models, context);
  add_price(models, context);
}

}  // namespace steward::cli
