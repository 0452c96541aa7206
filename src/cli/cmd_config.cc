// steward config, reload and secrets.
#include "base/config.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/secret_input.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct ConfigOptions {
  std::string key, value, config_file;
  bool json = false, all = false;
};

std::string value_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// With a server, what is in force there; without, what a start would find.
int show(const ConfigOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto values = (*client)->list("/admin/v1/config");
  if (!values) return context.failed(values.error());
  if (options.json) return context.line(Json(*values).dump(2)), kDone;
  Table table;
  for (const char* title : {"key", "value", "origin", "where"}) table.column(title);
  for (const auto& value : *values) {
    const std::string origin = value["origin"];
    const bool fits = options.key.empty() || value["key"].get<std::string>().starts_with(options.key);
    if (!fits || (origin == "flag" && value["key"] == "log.level" && (*client)->in_process())) continue;
    table.row({value["key"], value_text(value["value"]), origin,
               value["where"].is_string() ? value["where"].get<std::string>() : ""});
  }
  if (table.empty())
    return context.failed(Error(ErrorCode::kNotFound, fmt::format("No key begins with '{}'.", options.key)));
  context.print(table.text(context));
  return kDone;
}

void tell_reload(const Json& report, const Context& context) {
  const auto words = [](const Json& list) {
    std::vector<std::string> out;
    for (const auto& word : list) out.push_back(word.get<std::string>());
    return join(out, ", ");
  };
  if (!report["applied"].empty()) context.line("Applied: " + words(report["applied"]));
  if (!report["needs_restart"].empty()) context.line("Holds from the next start: " + words(report["needs_restart"]));
  if (report["applied"].empty() && report["needs_restart"].empty()) context.line("Nothing had changed.");
}

int reload(const ConfigOptions& options, const Context& context) {
  auto client = Client::connect(context, Client::Need::kRunning);
  if (!client) return context.failed(client.error());
  auto report = (*client)->post("/admin/v1/config/reload", Json::object());
  if (!report) return context.failed(report.error());
  if (options.json) return context.line(report->dump(2)), kDone;
  tell_reload(*report, context);
  return kDone;
}

int change(const ConfigOptions& options, const Context& context, bool set) {
  Json body;
  if (set) {
    const auto path = split_config_key(options.key);
    const auto* known = path ? find_config_key(path->section, path->name) : nullptr;
    if (known == nullptr)
      return context.failed(Error(ErrorCode::kConfig,
                                  fmt::format("There is no key '{}': 'steward config show' lists them.", options.key)));
    auto value = parse_config_text(*known, options.value);
    if (!value)
      return context.failed(Error(ErrorCode::kConfig, fmt::format("{} {}.", options.key, value.error().message)));
    body = {{"value", *value}};
  }
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto report = (*client)->call(set ? "PUT" : "DELETE", "/admin/v1/config/" + percent_encoded(options.key), body);
  if (!report) return context.failed(report.error());
  tell_reload(*report, context);
  return kDone;
}

server::SecretStore store(const Context& context) {
  const auto file = context.environment.find("STEWARD_MASTER_KEY_FILE");
  return {journal::HomePaths(context.home), file == context.environment.end() ? "" : file->second, context.random};
}

int set_secret(const ConfigOptions& options, const Context& context) {
  if (auto made = journal::prepare_home(journal::HomePaths(context.home)); !made) return context.failed(made.error());
  if (auto done = store(context).set(options.key, read_secret(context, "Secret")); !done)
    return context.failed(done.error());
  context.line(fmt::format("Sealed. Name it in the configuration: key_secret = \"{}\".", options.key));
  return kDone;
}

}  // namespace

void add_config(Command& program, const Context& context) {
  auto options = std::make_shared<ConfigOptions>();
  Command config = program.sub("config", "Show the configuration, and change it.");
  config.needs_sub();
  auto prefix = std::make_shared<std::optional<std::string>>();
  Command show_command = config.sub("show", "Every value in force, with where it comes from.");
  show_command.argument("PREFIX", *prefix, "Only keys that begin so").flag("--json", options->json, "Print JSON");
  show_command.examples("steward config show\nsteward config show limits").run([options, prefix, &context] {
    options->key = prefix->value_or("");
    return show(*options, context);
  });
  Command set_command = config.sub("set", "Set a key that can change at once (over the file, under the environment).");
  set_command.argument("KEY", options->key, "As in 'steward config show'")
      .argument("VALUE", options->value, "Its value");
  set_command.examples("steward config set limits.queue_length 500\nsteward config set budgets.new_key_limit_usd 5");
  set_command.run([options, &context] { return change(*options, context, true); });
  Command unset_command = config.sub("unset", "Take such a setting back.");
  unset_command.examples("steward config unset log.format");
  unset_command.argument("KEY", options->key, "As in 'steward config show'").run([options, &context] {
    return change(*options, context, false);
  });
  Command docs_command = config.sub("docs", "Print docs/configuration.md, made from the table of keys.");
  docs_command.examples("steward config docs > configuration.md");
  docs_command.run([&context] { return context.print(config_docs()), kDone; });

  Command reload_command = program.sub("reload", "Make the running server read its configuration again.");
  reload_command.examples("steward reload   # after the file was changed; streams under way go on");
  reload_command
      .describe("What can change at once does, without dropping a call; the rest is named. An error changes nothing.")
      .flag("--json", options->json, "Print JSON")
      .run([options, &context] { return reload(*options, context); });

  Command secrets = program.sub("secrets", "Seal secrets in the home, for key_secret in the configuration.");
  secrets.needs_sub();
  Command set_secret_command =
      secrets.sub("set", "Seal a secret; it is read from the terminal or from standard input.");
  set_secret_command.argument("NAME", options->key, "What it is called")
      .examples("steward secrets set openai\nsteward secrets set lab < lab.key");
  set_secret_command.run([options, &context] { return set_secret(*options, context); });
  Command list_command = secrets.sub("list", "Names of the secrets (never what they are).");
  list_command.examples("steward secrets list");
  list_command.run([&context] {
    for (const auto& name : store(context).names()) context.line(name);
    return kDone;
  });
  Command remove_command = secrets.sub("remove", "Remove a secret.");
  remove_command.examples("steward secrets remove openai");
  remove_command.argument("NAME", options->key, "What it is called").run([options, &context] {
    auto done = store(context).remove(options->key);
    return done ? kDone : context.failed(done.error());
  });
}

}  // namespace steward::cli
