// steward keys: API keys, made, shown once, limited, rotated, revoked.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct KeysOptions {
  std::string name, key;
  bool admin = false, json = false, all = false;
  std::optional<std::string> owner, team, expires, budget, period, overlap, content;
  std::vector<std::string> models, endpoints, tags;
  std::optional<int64_t> rpm, tpm, concurrency;
  std::optional<double> weight;
};

Result<Json> spec_of(const KeysOptions& options, const Context& context) {
  Json body = Json::object();
  if (options.owner) body["owner"] = *options.owner;
  if (options.team) body["team"] = *options.team;
  if (!options.models.empty()) body["models"] = options.models;
  if (!options.endpoints.empty()) body["endpoints"] = options.endpoints;
  if (options.rpm) body["limits"]["requests_per_minute"] = *options.rpm;
  if (options.tpm) body["limits"]["tokens_per_minute"] = *options.tpm;
  if (options.concurrency) body["limits"]["concurrency"] = *options.concurrency;
  if (options.content) body["content"] = *options.content;
  if (options.weight) body["weight"] = *options.weight;
  if (options.expires) {
    auto time = parse_when(*options.expires, context.clock.now_us());
    if (!time) return fail(time.error());
    body["expires_at"] = *time == 0 ? Json(nullptr) : Json(to_rfc3339(*time));
  }
  for (const auto& tag : options.tags) {
    const size_t equals = tag.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::kConfig, fmt::format("--tag takes NAME=VALUE, not '{}'.", tag));
    body["tags"][tag.substr(0, equals)] = tag.substr(equals + 1);
  }
  return body;
}

std::string joined(const Json& list) {
  std::vector<std::string> words;
  for (const auto& word : list) words.push_back(word.get<std::string>());
  return words.empty() ? "all" : join(words, ", ");
}

std::string limit_text(const Json& key) {
  std::string out;
  const Json& limits = key["limits"];
  const auto add = [&](const char* name, const char* unit) {
    if (const int64_t value = limits.value(name, int64_t{0}); value > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", thousands(value), unit);
  };
  add("requests_per_minute", "requests/min");
  add("tokens_per_minute", "tokens/min");
  add("concurrency", "at once");
  return out.empty() ? "none" : out;
}

void show(const Json& key, const Context& context) {
  const auto line = [&](std::string_view name, const std::string& value) {
    context.line(fmt::format("{:<11} {}", name, value));
  };
  line("id", key["id"]);
  line("name", key["name"]);
  line("visible", key["visible"]);
  line("status", key["status"]);
  line("owner", key["owner"]);
  if (key["team"].is_string()) line("team", key["team"]);
  line("scope", key["admin"].get<bool>() ? "admin and models" : "models");
  line("models", joined(key["models"]));
  line("endpoints", joined(key["endpoints"]));
  line("limits", limit_text(key));
  line("content", key["content"] == "metadata" ? "metadata only" : key["content"].get<std::string>());
  line("weight", fmt::format("{}", key["weight"].get<double>()));
  line("created", key["created_at"].is_string() ? key["created_at"].get<std::string>() : "");
  line("expires", key["expires_at"].is_string() ? key["expires_at"].get<std::string>() : "never");
  if (!key["tags"].empty()) line("tags", key["tags"].dump());
}

int tell(const Result<Json>& key, const KeysOptions& options, const Context& context) {
  if (!key) return context.failed(key.error());
  if (options.json) return context.line(key->dump(2)), kDone;
  show(*key, context);
  if (key->contains("secret")) {
    context.line(fmt::format("\nsecret      {}", context.bold((*key)["secret"].get<std::string>())));
    context.line("It is shown this once. Give it as 'Authorization: Bearer …'.");
  }
  return kDone;
}

int make(const KeysOptions& options, const Context& context) {
  auto body = spec_of(options, context);
  if (!body) return context.failed(body.error());
  (*body)["name"] = options.name;
  if (options.admin) (*body)["admin"] = true;
  if (options.budget) {
    (*body)["budget"]["limit_usd"] = *options.budget;
    (*body)["budget"]["period"] = options.period.value_or("forever");
  }
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  return tell((*client)->post("/admin/v1/keys", *body), options, context);
}

int list(const KeysOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto keys = (*client)->list("/admin/v1/keys");
  if (!keys) return context.failed(keys.error());
  Json shown = Json::array();
  Table table;
  for (const char* title : {"id", "name", "visible", "scope", "models", "limits", "expires", "status"})
    table.column(title);
  for (const auto& key : *keys) {
    if (!options.all && key["status"] != "active") continue;
    shown.push_back(key);
    table.row({key["id"], key["name"], key["visible"].get<std::string>(), key["admin"].get<bool>() ? "admin" : "models",
               joined(key["models"]), limit_text(key),
               key["expires_at"].is_string() ? key["expires_at"].get<std::string>().substr(0, 10) : "never",
               key["status"]});
  }
  if (options.json) return context.line(shown.dump(2)), kDone;
  if (table.empty()) return context.line("There is no key yet: 'steward keys new NAME' makes one."), kDone;
  context.print(table.text(context));
  return kDone;
}

// show, limit, rotate and revoke name a key by its id, its name, or the beginning of its secret.
int act(const KeysOptions& options, const Context& context, const std::string& method, const std::string& action,
        const Json& body) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto id = find_key_id(**client, options.key);
  if (!id) return context.failed(id.error());
  return tell((*client)->call(method, "/admin/v1/keys/" + percent_encoded(*id) + action, body), options, context);
}

int limit(const KeysOptions& options, const Context& context) {
  auto body = spec_of(options, context);
  if (!body) return context.failed(body.error());
  if (body->empty())
    return context.failed(
        Error(ErrorCode::kConfig, "Say what to change, for example --rpm 60. '--help' lists it all."));
  return act(options, context, "PATCH", "", *body);
}

int rotate(const KeysOptions& options, const Context& context) {
  auto overlap = parse_span(options.overlap.value_or("0"));
  if (!overlap) return context.failed(overlap.error());
  return act(options, context, "POST", "/rotate", Json{{"overlap_s", *overlap / kSecondUs}});
}

void add_spec_options(Command& command, const std::shared_ptr<KeysOptions>& options) {
  command.option("--owner", options->owner, "Whose key it is (usr_… or svc_…)", "ID")
      .option("--team", options->team, "The team whose budgets it counts to", "ID")
      .option("--model", options->models, "A model it may use, or a beginning as in gpt-*; repeat for more", "NAME")
      .option("--endpoint", options->endpoints, "chat, completions, embeddings, models or memory; repeat for more",
              "NAME")
      .option("--rpm", options->rpm, "Requests a minute; 0: no limit")
      .option("--tpm", options->tpm, "Tokens a minute; 0: no limit")
      .option("--concurrency", options->concurrency, "Calls at once; 0: no limit")
      .option("--weight", options->weight, "Share of a busy model against other keys (1)")
      .option("--content", options->content, "What is kept of its calls: metadata (the default), none, or 30d", "WHAT")
      .option("--expires", options->expires, "When it ends: 30d, 2026-12-31, or never", "WHEN")
      .option("--tag", options->tags, "A note for your own accounts; repeat for more", "NAME=VALUE")
      .flag("--json", options->json, "Print JSON");
}

}  // namespace

void add_keys(Command& program, const Context& context) {
  Command keys = program.sub("keys", "Make, list, limit, rotate and revoke API keys.");
  keys.needs_sub();
  auto options = std::make_shared<KeysOptions>();

  Command make_command = keys.sub("new", "Make a key. Its secret is shown once.");
  make_command.argument("NAME", options->name, "What it is for");
  make_command.flag("--admin", options->admin, "Scope admin: it may also use /admin/v1");
  make_command.option("--budget", options->budget, "What it may spend, in US dollars", "USD");
  make_command.option("--period", options->period, "… each day, week, month, or forever (the default)", "PERIOD");
  add_spec_options(make_command, options);
  make_command.examples(
      "steward keys new laptop\nsteward keys new website --model 'smollm2*' --rpm 60 --budget 5 --period month\n"
      "steward keys new ops --admin --expires 90d --json");
  make_command.run([options, &context] { return make(*options, context); });

  Command list_command = keys.sub("list", "List the keys.");
  list_command.examples("steward keys list   # each with its visible beginning, its scope and whether it is good");
  list_command.flag("--all", options->all, "Revoked and expired ones too").flag("--json", options->json, "Print JSON");
  list_command.run([options, &context] { return list(*options, context); });

  const std::string which = "Its id, its name, or how its secret begins";
  Command show_command = keys.sub("show", "Show a key.");
  show_command.examples("steward keys show laptop");
  show_command.argument("KEY", options->key, which).flag("--json", options->json, "Print JSON");
  show_command.run([options, &context] { return act(*options, context, "GET", "", Json()); });

  Command limit_command = keys.sub("limit", "Change what a key may do.");
  limit_command.argument("KEY", options->key, which);
  add_spec_options(limit_command, options);
  limit_command.examples(
      "steward keys limit laptop --rpm 60 --concurrency 2\nsteward keys limit website --expires never");
  limit_command.run([options, &context] { return limit(*options, context); });

  Command rotate_command = keys.sub("rotate", "Give a key a new secret.");
  rotate_command.argument("KEY", options->key, which)
      .option("--overlap", options->overlap, "How long the old one still holds: 10m, 24h, 7d (0)", "TIME");
  rotate_command.flag("--json", options->json, "Print JSON").examples("steward keys rotate website --overlap 24h");
  rotate_command.run([options, &context] { return rotate(*options, context); });

  Command revoke_command = keys.sub("revoke", "End a key at once and for good.");
  revoke_command.examples("steward keys revoke laptop   # its calls under way end, new ones are refused");
  revoke_command.argument("KEY", options->key, which).flag("--json", options->json, "Print JSON");
  revoke_command.run([options, &context] { return act(*options, context, "POST", "/revoke", Json::object()); });
}

}  // namespace steward::cli
