// steward usage: what was called, how much of it, and what it cost.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct Options {
  std::string by = "model";
  std::optional<std::string> from, to, key, model, zone;
  bool json = false, csv = false;
};

std::string query_of(const Options& options, const std::optional<Id>& key) {
  std::string out = "/admin/v1/usage?group_by=" + url_part(options.by);
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) out += fmt::format("&{}={}", name, url_part(*value));
  };
  add("from", options.from);
  add("to", options.to);
  add("key", key);
  add("model", options.model);
  add("time_zone", options.zone);
  return out;
}

std::map<std::string, std::string> key_names(Client& client) {
  std::map<std::string, std::string> names;
  if (auto keys = client.list("/admin/v1/keys")) {
    for (const auto& key : *keys) names[key["id"]] = key["name"];
  }
  return names;
}

Table table_of(const Json& usage, const std::vector<std::string>& groups,
               const std::map<std::string, std::string>& names, bool for_people) {
  Table table;
  for (const auto& group : groups) table.column(group);
  for (const char* title : {"calls", "failed", "input", "cached", "output", for_people ? "cost" : "cost_microusd"})
    table.column(title, Align::kRight);
  const auto row = [&](std::vector<std::string> cells, const Json& sums) {
    for (const char* name : {"calls", "failed", "prompt_tokens", "cached_tokens", "completion_tokens"}) {
      const int64_t value = sums[name].get<int64_t>();
      cells.push_back(for_people ? thousands(value) : std::to_string(value));
    }
    const std::string cost = sums["cost_microusd"];
    cells.push_back(for_people ? dollars(cost) : cost);
    table.row(std::move(cells));
  };
  for (const auto& line : usage["data"]) {
    std::vector<std::string> cells;
    for (const auto& group : groups) {
      std::string value = line["group"].value(group, "");
      if (const auto named = names.find(value); for_people && group == "key" && named != names.end())
        value = named->second;
      cells.push_back(value.empty() && for_people ? "-" : value);
    }
    row(std::move(cells), line);
  }
  if (for_people && !groups.empty() && usage["data"].size() > 1) {
    std::vector<std::string> cells(groups.size());
    cells[0] = "total";
    row(std::move(cells), usage["total"]);
  }
  return table;
}

int usage(const Options& options, const Context& context) {
  auto client = Client::connect(context);
  if (!client) return context.failed(client.error());
  std::optional<Id> key;
  if (options.key) {
    auto found = find_key_id(**client, *options.key);
    if (!found) return context.failed(found.error());
    key = *found;
  }
  auto usage = (*client)->get(query_of(options, key));
  if (!usage) return context.failed(usage.error());
  if (options.json) return context.line(usage->dump(2)), kDone;
  std::vector<std::string> groups;
  for (const auto word : split(options.by, ',')) {
    if (!trim(word).empty()) groups.emplace_back(trim(word));
  }
  const bool people = !options.csv;
  const Table table =
      table_of(*usage, groups, people ? key_names(**client) : std::map<std::string, std::string>{}, people);
  if (options.csv) return context.print(table.csv()), kDone;
  if (table.empty()) return context.line("Nothing was called in that time."), kDone;
  context.print(table.text(context));
  return kDone;
}

}  // namespace

void add_usage(Command& program, const Context& context) {
  auto options = std::make_shared<Options>();
  Command command = program.sub("usage", "Sum up calls, tokens and cost.");
  command
      .option("--by", options->by, "Any of key, model, day, endpoint, team, owner, with commas between them (model)",
              "WHAT")
      .option("--from", options->from, "First day, as 2026-11-01", "DAY")
      .option("--to", options->to, "The day before which it ends", "DAY")
      .option("--key", options->key, "Only this key, by id or name", "KEY")
      .option("--model", options->model, "Only this model", "NAME")
      .option("--time-zone", options->zone, "IANA zone of the days (UTC)", "ZONE")
      .flag("--json", options->json, "Print JSON; amounts are decimal micro-dollars")
      .flag("--csv", options->csv, "Print CSV; the column cost_microusd is in decimal micro-dollars")
      .examples("steward usage\nsteward usage --by day,key --from 2026-11-01\nsteward usage --by key --csv > usage.csv")
      .run([options, &context] { return usage(*options, context); });
}

}  // namespace steward::cli
