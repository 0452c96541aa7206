// steward usage: what was called, how much of it, and what it cost.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/lookup.h"
#include "cli/table.h"

namespace steward::cli {
namespace {

struct UsageOptions {
  std::string by = "model";
  std::optional<std::string> from, to, key, model, zone;
  bool json = false, csv = false, cost = false;
};

std::string query_of(const UsageOptions& options, const std::optional<Id>& key) {
  std::string out = "/admin/v1/usage?group_by=" + percent_encoded(options.by);
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (value) out += fmt::format("&{}={}", name, percent_encoded(*value));
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

constexpr std::string_view kTypes[] = {"input", "cached_input", "cache_write", "output",   "reasoning",
                                       "image", "audio",        "tools",       "requests", "other"};

// What of the cost was spent on a type, in decimal micro-dollars; "0" if nothing.
std::string cost_of(const Json& sums, std::string_view type) {
  return sums["cost_by_type_microusd"].value(std::string(type), "0");
}

// With --cost: a column for each type that anything was spent on (all of them for programs).
std::vector<std::string_view> types_of(const Json& usage, const UsageOptions& options) {
  std::vector<std::string_view> types;
  for (const std::string_view type : kTypes) {
    if (options.cost && (options.csv || cost_of(usage["total"], type) != "0")) types.push_back(type);
  }
  return types;
}

void add_columns(Table& table, const std::vector<std::string_view>& types, bool for_people) {
  for (const char* title : {"calls", "failed", "input", "cached", "output"}) table.column(title, Align::kRight);
  if (!for_people) {
    for (const char* title : {"cache_write", "reasoning", "tool_calls", "estimated", "unpriced"})
      table.column(title, Align::kRight);
  }
  for (const std::string_view type : types)
    table.column(for_people ? fmt::format("$ {}", type) : fmt::format("cost_{}_microusd", type), Align::kRight);
  table.column(for_people ? "cost" : "cost_microusd", Align::kRight);
}

// A tilde: some of these calls were counted here, because their provider told nothing. A plus: the cost of some, or of
// the tools that they used, is not known, so it is not in the sum.
std::string cost_cell(const Json& sums) {
  const int64_t calls = sums["calls"].get<int64_t>(), unpriced = sums["unpriced"].get<int64_t>();
  const std::string cost = sums["cost_microusd"].get<std::string>();
  if (calls > 0 && unpriced == calls && cost == "0") return "no price";
  const bool estimated = sums["estimated"].get<int64_t>() > 0;
  return (estimated ? "~" : "") + dollars(cost) + (unpriced > 0 ? "+" : "");
}

void add_cells(std::vector<std::string>& cells, const Json& sums, const std::vector<std::string_view>& types,
               bool for_people) {
  std::vector<std::string> names{"calls", "failed", "prompt_tokens", "cached_tokens", "completion_tokens"};
  if (!for_people)
    names.insert(names.end(), {"cache_write_tokens", "reasoning_tokens", "tool_calls", "estimated", "unpriced"});
  for (const auto& name : names) {
    const int64_t value = sums[name].get<int64_t>();
    cells.push_back(for_people ? thousands(value) : std::to_string(value));
  }
  for (const std::string_view type : types)
    cells.push_back(for_people ? dollars(cost_of(sums, type)) : cost_of(sums, type));
  cells.push_back(for_people ? cost_cell(sums) : sums["cost_microusd"].get<std::string>());
}

Table table_of(const Json& usage, const std::vector<std::string>& groups,
               const std::map<std::string, std::string>& names, const UsageOptions& options) {
  const bool for_people = !options.csv;
  const auto types = types_of(usage, options);
  Table table;
  for (const auto& group : groups) table.column(group);
  add_columns(table, types, for_people);
  const auto row = [&](std::vector<std::string> cells, const Json& sums) {
    add_cells(cells, sums, types, for_people);
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

int usage(const UsageOptions& options, const Context& context) {
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
  const auto names = options.csv ? std::map<std::string, std::string>{} : key_names(**client);
  const Table table = table_of(*usage, groups, names, options);
  if (options.csv) return context.print(table.csv()), kDone;
  if (table.empty()) return context.line("Nothing was called in that time."), kDone;
  context.print(table.text(context));
  if (const int64_t estimated = (*usage)["total"]["estimated"].get<int64_t>(); estimated > 0)
    context.line(fmt::format("~ {} of the calls counted here: their provider told no usage.", thousands(estimated)));
  if (const int64_t unpriced = (*usage)["total"]["unpriced"].get<int64_t>(); unpriced > 0)
    context.line(
        fmt::format("{} of the calls in no sum, or not all of them: nobody told what their model, or a tool that they "
                    "used, costs. Set it with "
                    "'steward models price MODEL --provider NAME --input … --output …'.",
                    thousands(unpriced)));
  return kDone;
}

}  // namespace

void add_usage(Command& program, const Context& context) {
  auto options = std::make_shared<UsageOptions>();
  Command command = program.sub("usage", "Sum up calls, tokens and cost.");
  command
      .option("--by", options->by, "Any of key, model, day, endpoint, team, owner, with commas between them (model)",
              "WHAT")
      .option("--from", options->from, "First day, as 2026-11-01", "DAY")
      .option("--to", options->to, "The day before which it ends", "DAY")
      .option("--key", options->key, "Only this key, by id or name", "KEY")
      .option("--model", options->model, "Only this model", "NAME")
      .option("--time-zone", options->zone, "IANA zone of the days (UTC)", "ZONE")
      .flag("--cost", options->cost, "What the cost was spent on: input, cache, output, reasoning, tools, …")
      .flag("--json", options->json, "Print JSON; amounts are decimal micro-dollars")
      .flag("--csv", options->csv, "Print CSV; the column cost_microusd is in decimal micro-dollars")
      .examples(
          "steward usage\nsteward usage --by day,key --from 2026-11-01\nsteward usage --by model --cost\nsteward usage "
          "--by key --csv > usage.csv")
      .run([options, &context] { return usage(*options, context); });
}

}  // namespace steward::cli
