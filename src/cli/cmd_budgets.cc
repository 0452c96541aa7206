// steward budgets: what may be spent, by whom, in what time.
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct BudgetsOptions {
  std::string limit, budget;
  std::optional<std::string> scope, name, period, zone;
  bool json = false;
};

// Ids as what people called them.
std::map<std::string, std::string> scope_names(Client& client) {
  std::map<std::string, std::string> names;
  for (const char* path : {"/admin/v1/principals", "/admin/v1/keys"}) {
    if (auto things = client.list(path)) {
      for (const auto& thing : *things) names[thing["id"]] = thing["name"];
    }
  }
  return names;
}

std::string scope_text(const std::map<std::string, std::string>& names, const std::string& scope) {
  if (scope.starts_with("ten_")) return "everybody";
  const std::string kind = scope.starts_with("key_")    ? "key"
                           : scope.starts_with("team_") ? "team"
                           : scope.starts_with("usr_")  ? "person"
                                                        : "service";
  const auto found = names.find(scope);
  return kind + " " + (found == names.end() ? scope : found->second);
}

void print(const std::vector<Json>& budgets, Client& client, const Context& context) {
  const auto names = scope_names(client);
  Table table;
  for (const char* title : {"id", "for", "name", "period"}) table.column(title);
  for (const char* title : {"limit", "spent", "reserved", "left", "overrun"}) table.column(title, Align::kRight);
  table.column("renews");
  for (const auto& budget : budgets) {
    table.row(
        {budget["id"], scope_text(names, budget["scope"]), budget["name"], budget["period"],
         "$" + budget["limit_usd"].get<std::string>(), dollars(budget["spent_microusd"].get<std::string>()),
         dollars(budget["reserved_microusd"].get<std::string>()), dollars(budget["left_microusd"].get<std::string>()),
         dollars(budget["overrun_microusd"].get<std::string>()),
         budget["period_end"].is_string() ? budget["period_end"].get<std::string>().substr(0, 16) + "Z" : "never"});
  }
  if (table.empty()) return context.line("There is no budget: 'steward budgets set USD' sets one for everybody.");
  context.print(table.text(context));
}

int set(const BudgetsOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  Json body = {{"limit_usd", options.limit},
               {"period", options.period.value_or("forever")},
               {"name", options.name.value_or("default")}};
  auto scope = find_scope(**client, options.scope.value_or("all"));
  if (!scope) return context.failed(scope.error());
  body["scope"] = *scope;
  if (options.zone) body["time_zone"] = *options.zone;
  auto budget = (*client)->post("/admin/v1/budgets", body);
  if (!budget) return context.failed(budget.error());
  if (options.json) return context.line(budget->dump(2)), kDone;
  print({*budget}, **client, context);
  return kDone;
}

int list(const BudgetsOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  auto budgets = (*client)->list("/admin/v1/budgets");
  if (!budgets) return context.failed(budgets.error());
  if (options.json) return context.line(Json(*budgets).dump(2)), kDone;
  print(*budgets, **client, context);
  return kDone;
}

int remove(const BudgetsOptions& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  if (auto done = (*client)->call("DELETE", "/admin/v1/budgets/" + percent_encoded(options.budget), Json()); !done)
    return context.failed(done.error());
  context.line("Removed.");
  return kDone;
}

}  // namespace

void add_budgets(Command& program, const Context& context) {
  Command budgets = program.sub("budgets", "Set, list and remove budgets.");
  budgets.describe(
      "A call starts only if its worst case fits what is left of every budget over it: the organisation's, the team's, "
      "the\n"
      "person's and the key's. A budget is known by what it is for and its name; setting it again changes it.");
  budgets.needs_sub();
  auto options = std::make_shared<BudgetsOptions>();
  Command set_command = budgets.sub("set", "Set a budget.");
  set_command.argument("USD", options->limit, "The most that may be spent in a period; 0: nothing that costs")
      .option("--for", options->scope, "Whom it bounds: a key, person or team by name or id, or all (the default)",
              "WHO")
      .option("--period", options->period, "day, week, month or forever (the default)", "PERIOD")
      .option("--name", options->name, "Its name, if there are several for the same (default)", "NAME")
      .option("--time-zone", options->zone, "IANA zone in which the period begins (the owner's)", "ZONE")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward budgets set 20 --period month\nsteward budgets set 0.50 --for laptop --period day\nsteward budgets "
          "set 100 --for team_01… --name trial")
      .run([options, &context] { return set(*options, context); });
  Command list_command = budgets.sub("list", "List the budgets as they stand.");
  list_command.examples("steward budgets list   # each with what is spent, under way and left");
  list_command.flag("--json", options->json, "Print JSON").run([options, &context] { return list(*options, context); });
  Command remove_command = budgets.sub("remove", "Remove a budget.");
  remove_command.examples("steward budgets remove bud_01KA4M7Q2E8ZV5T3J9W6C1XRND");
  remove_command.argument("BUDGET", options->budget, "Its id (bud_…)").run([options, &context] {
    return remove(*options, context);
  });
}

}  // namespace steward::cli
