#include "base/text.h"
#include "server/admin.h"
#include "server/admin_json.h"
#include "server/options.h"
#include "server/page.h"

namespace steward::server {
namespace {

constexpr int64_t kMaxPico = 1'000'000'000'000;  // a dollar a token

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

Task<Result<Reply>> list_prices(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& [name, price] : core.ledger->prices(call.caller.tenant))
    rows.emplace_back(name, price_json(name, price));
  co_return page_of(rows, *query);
}

// A price is told in pico-dollars a token, exactly, or in dollars a million tokens, as price lists do.
PicoUsd read_price(Fields& fields, const std::string& kind, std::optional<PicoUsd> fallback) {
  const auto pico = fields.integer(kind + "_pico", 0, kMaxPico);
  const auto usd = read_usd(fields, kind + "_usd_per_million");
  if (pico && usd) fields.problem(kind + "_pico", fmt::format("and '{}_usd_per_million' can't both be given", kind));
  if (pico) return *pico;
  if (usd) return (*usd + 999) / 1000;
  if (!fallback)
    fields.problem(kind + "_pico", fmt::format("or '{}_usd_per_million' is needed (0 where it costs nothing)", kind));
  return fallback.value_or(0);
}

Task<Result<Reply>> set_price(Core& core, AdminCall call) {
  Fields fields(call.body);
  const std::string model = fields.need_text("model");
  const std::string provider = fields.text("provider").value_or("local");
  ledger::Price price;
  price.input = read_price(fields, "input", std::nullopt);
  price.output = read_price(fields, "output", std::nullopt);  // an unknown price is an error, never a zero
  price.cached_input = read_price(fields, "cached_input", price.input);
  price.request = fields.integer("request_pico", 0, INT64_MAX / 4).value_or(0);
  price.source = "owner";
  price.from = fields.time("from").value_or(core.clock.now_us());
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (auto done = co_await core.ledger->set_price(call.caller, provider, model, price); !done)
    co_return fail(done.error());
  co_return Reply{200, price_json(provider + "/" + model, price)};
}

Result<ledger::UsageQuery> usage_query(const Core& core, const AdminCall& call) {
  static const std::vector<std::string> kGroups = {"key", "model", "day", "endpoint", "team", "owner"};
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

Task<Result<Reply>> get_usage(Core& core, AdminCall call) {
  using Rows = Result<std::vector<ledger::UsageRow>>;
  auto query = usage_query(core, call);
  if (!query) co_return fail(query.error());
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
    total.calls += row.calls;
    total.failed += row.failed;
    total.prompt_tokens += row.prompt_tokens;
    total.cached_tokens += row.cached_tokens;
    total.completion_tokens += row.completion_tokens;
    total.cost += row.cost;
    total.overrun += row.overrun;
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
                    {.tag = tag, .summary = "List prices", .response_schema = "Price", .list = true},
                    [&core](AdminCall call) { return list_prices(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/prices",
                    {.tag = tag,
                     .summary = "Set a model's price",
                     .description = "Holds from now; calls that are reserved keep theirs.",
                     .request_schema = "NewPrice",
                     .response_schema = "Price"},
                    [&core](AdminCall call) { return set_price(core, std::move(call)); }),
  };
}

std::vector<Endpoint> usage_endpoints(Core& core) {
  return {
      json_endpoint("GET", "/admin/v1/usage",
                    {.tag = "Usage",
                     .summary = "Sum up calls, tokens and cost",
                     .response_schema = "UsageRow",
                     .list = true,
                     .query = {{"group_by", "Any of key, model, day, endpoint, team, owner, with commas between them"},
                               {"from", "First day or instant"},
                               {"to", "Day or instant before which it ends"},
                               {"key", "Only this key"},
                               {"model", "Only this model"},
                               {"time_zone", "IANA zone of the days; UTC if not said"}}},
                    [&core](AdminCall call) { return get_usage(core, std::move(call)); })};
}

}  // namespace steward::server
