#include "base/text.h"
#include "ledger/price_table.h"
#include "server/admin.h"
#include "server/admin_json.h"
#include "server/options.h"
#include "server/page.h"
#include "server/people_api.h"
#include "server/price_json.h"

namespace steward::server {
namespace {

Task<Result<Reply>> list_budgets(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  auto budgets = co_await core.ledger->budgets(call.caller.tenant);
  if (!budgets) co_return fail(budgets.error());
  std::ranges::sort(*budgets, {}, &ledger::Budget::id);
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& budget : *budgets) rows.emplace_back(budget.id, budget_json(budget));
  co_return page_of(rows, *query);
}

Task<Result<Reply>> set_budget(Core& core, AdminCall call) {
  Fields fields(call.body);
  ledger::BudgetSpec spec;
  spec.scope = fields.text("scope").value_or(call.caller.tenant);
  spec.name = fields.text("name").value_or("default");
  const auto limit = read_usd(fields, "limit_usd");
  if (!limit) fields.problem("limit_usd", "is needed: the most that may be spent in a period, in US dollars");
  spec.limit = limit.value_or(0);
  spec.period = read_period(fields, "period").value_or(ledger::Period::kForever);
  spec.time_zone = fields.text("time_zone").value_or("");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  auto budget = co_await core.ledger->set_budget(call.caller, std::move(spec));
  if (!budget) co_return fail(budget.error());
  co_return Reply{200, budget_json(*budget)};
}

Task<Result<Reply>> remove_budget(Core& core, AdminCall call) {
  const std::string id = call.request.params.at("id");
  if (auto done = co_await core.ledger->remove_budget(call.caller, id); !done) co_return fail(done.error());
  co_return Reply{200, {{"id", id}, {"object", "budget"}, {"deleted", true}}};
}

// What is set comes first; with ?shipped=PROVIDER (or "all") the rows of the shipped table instead.
Task<Result<Reply>> list_prices(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  const std::string shipped = query_text(call.request, "shipped");
  std::vector<std::pair<std::string, Json>> rows;
  if (shipped.empty()) {
    for (const auto& [name, price] : core.ledger->prices(call.caller.tenant))
      rows.emplace_back(name, price_json(name, price));
  } else {
    for (const auto& [name, price] : ledger::shipped_prices(shipped == "all" ? "" : shipped, core.clock.now_us()))
      rows.emplace_back(name, price_json(name, price));
  }
  co_return page_of(rows, *query);
}

// The price that a call would have now, wherever it comes from.
Task<Result<Reply>> get_price(Core& core, AdminCall call) {
  const std::string provider = query_text(call.request, "provider"), model = query_text(call.request, "model");
  if (provider.empty() || model.empty())
    co_return fail(ErrorCode::kInvalidRequest, "'provider' and 'model' are needed.", {{"param", "model"}});
  const auto price = core.ledger->price(call.caller.tenant, provider, model);
  if (!price)
    co_return fail(ErrorCode::kNotFound,
                   fmt::format("Nobody told what '{}' costs at '{}': 'steward models price' sets it.", model, provider),
                   {{"model", model}, {"provider", provider}});
  co_return Reply{200, price_json(provider + "/" + model, *price)};
}

Task<Result<Reply>> set_price(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string model = fields.need_text("model");
  const std::string provider = fields.text("provider").value_or("local");
  ledger::Price price = read_price(fields, core.clock.now_us());
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (auto done = co_await core.ledger->set_price(call.caller, provider, model, price); !done)
    co_return fail(done.error());
  co_return Reply{200, price_json(provider + "/" + model, price)};
}

Result<ledger::UsageQuery> usage_query(const Core& core, const AdminCall& call) {
  static const std::vector<std::string> kGroups = {"key", "model", "day", "endpoint", "team", "owner", "provider"};
  ledger::UsageQuery query;
  query.tenant = call.caller.tenant;
  for (const auto part : split(query_text(call.request, "group_by"), ',')) {
    const std::string group(trim(part));
    if (group.empty()) continue;
    if (std::ranges::find(kGroups, group) == kGroups.end()) {
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("'group_by' may hold {}, not '{}'.", join(kGroups, ", "), group.substr(0, 80)),
                  {{"param", "group_by"}});
    }
    query.group_by.push_back(group);
  }
  auto from = query_time(call.request, "from");
  auto to = query_time(call.request, "to");
  if (!from) return fail(from.error());
  if (!to) return fail(to.error());
  query.from = *from;
  query.to = *to;
  query.key = query_text(call.request, "key");
  query.model = query_text(call.request, "model");
  if (const auto zone = query_text(call.request, "time_zone"); !zone.empty()) query.time_zone = zone;
  (void)core;
  return query;
}

// `owner`: whose alone; empty: everybody's.
Task<Result<Reply>> get_usage(Core& core, AdminCall call, Id owner) {
  using Rows = Result<std::vector<ledger::UsageRow>>;
  auto query = usage_query(core, call);
  if (!query) co_return fail(query.error());
  query->owner = owner;
  auto applied = co_await core.views->wait_applied(call.caller.tenant, core.journal->written_seq(call.caller.tenant));
  if (!applied) co_return fail(applied.error());
  const std::function<Rows(journal::Db&)> sums = [query = *query](journal::Db& db) {
    return ledger::query_usage(db, query);
  };
  auto rows = co_await core.views->query<Rows>(sums);
  if (!rows) co_return fail(rows.error());
  Json data = Json::array();
  ledger::UsageRow total;
  for (const auto& row : *rows) {
    data.push_back(usage_json(row));
    add_up(total, row);
  }
  Json sum = usage_json(total);
  sum.erase("group");
  co_return Reply{200,
                  {{"object", "list"}, {"data", std::move(data)}, {"total", std::move(sum)}, {"next_cursor", nullptr}}};
}

}  // namespace

std::vector<Endpoint> budget_endpoints(Core& core) {
  const std::string tag = "Budgets";
  return {
      json_endpoint("GET", "/admin/v1/budgets",
                    {.tag = tag, .summary = "List budgets as they stand", .response_schema = "Budget", .list = true},
                    [&core](AdminCall call) { return list_budgets(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/budgets",
                    {.tag = tag,
                     .summary = "Make or change a budget",
                     .description = "A budget is known by its scope and name: setting it again changes it.",
                     .request_schema = "NewBudget",
                     .response_schema = "Budget"},
                    [&core](AdminCall call) { return set_budget(core, std::move(call)); }),
      json_endpoint("DELETE", "/admin/v1/budgets/{id}",
                    {.tag = tag, .summary = "Remove a budget", .response_schema = "Deleted"},
                    [&core](AdminCall call) { return remove_budget(core, std::move(call)); }),
  };
}

std::vector<Endpoint> price_endpoints(Core& core) {
  const std::string tag = "Prices";
  return {
      json_endpoint("GET", "/admin/v1/prices",
                    {.tag = tag,
                     .summary = "List prices",
                     .description = "Those that were set or configured; the program's own rows with `shipped`.",
                     .response_schema = "Price",
                     .list = true,
                     .query = {{"shipped", "A provider of the shipped table (openai), or all: its rows instead"}}},
                    [&core](AdminCall call) { return list_prices(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/price",
                    {.tag = tag,
                     .summary = "The price that holds for a model now",
                     .response_schema = "Price",
                     .query = {{"provider", "As configured, or local"}, {"model", "As the provider names it"}}},
                    [&core](AdminCall call) { return get_price(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/prices",
                    {.tag = tag,
                     .summary = "Set a model's price",
                     .description = "Holds from now, or from `from` on; calls that are reserved keep theirs.",
                     .request_schema = "NewPrice",
                     .response_schema = "Price"},
                    [&core](AdminCall call) { return set_price(core, std::move(call)); }),
  };
}

std::vector<Endpoint> usage_endpoints(Core& core) {
  EndpointDoc doc = {
      .tag = "Usage",
      .summary = "Sum up calls, tokens and cost",
      .response_schema = "UsageRow",
      .list = true,
      .query = {{"group_by", "Any of key, model, day, endpoint, team, owner, provider, with commas between them"},
                {"from", "First day or instant"},
                {"to", "Day or instant before which it ends"},
                {"key", "Only this key"},
                {"model", "Only this model"},
                {"time_zone", "IANA zone of the days; UTC if not said"}}};
  EndpointDoc mine = doc;
  mine.tag = "Mine";
  mine.summary = "Sum up my calls, tokens and cost";
  return {json_endpoint("GET", "/admin/v1/usage", std::move(doc),
                        [&core](AdminCall call) { return get_usage(core, std::move(call), ""); }),
          person_endpoint("GET", "/v1/me/usage", std::move(mine), [&core](AdminCall call) {
            const Id me = call.caller.principal;
            return get_usage(core, std::move(call), me);
          })};
}

}  // namespace steward::server
