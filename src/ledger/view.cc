#include "ledger/view.h"

#include "ledger/price_record.h"

namespace steward::ledger {
namespace {

constexpr std::string_view kTables = R"sql(
CREATE TABLE ledger_calls(
  tenant TEXT NOT NULL, call TEXT NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL, owner TEXT NOT NULL, team TEXT NOT NULL,
  model TEXT NOT NULL, provider TEXT NOT NULL, endpoint TEXT NOT NULL, open INTEGER NOT NULL, limited INTEGER NOT NULL,
  window_tokens INTEGER NOT NULL, reserved INTEGER NOT NULL, reservation TEXT,
  settled_at INTEGER, outcome TEXT, error TEXT, priced INTEGER NOT NULL, failed INTEGER NOT NULL DEFAULT 0, prompt INTEGER NOT NULL DEFAULT 0,
  cached INTEGER NOT NULL DEFAULT 0, completion INTEGER NOT NULL DEFAULT 0, reasoning INTEGER NOT NULL DEFAULT 0,
  estimated INTEGER NOT NULL DEFAULT 0, cost INTEGER NOT NULL DEFAULT 0, overrun INTEGER NOT NULL DEFAULT 0,
  cache_write INTEGER NOT NULL DEFAULT 0, tool_calls INTEGER NOT NULL DEFAULT 0, attempts TEXT,
  cost_input INTEGER NOT NULL DEFAULT 0, cost_cached_input INTEGER NOT NULL DEFAULT 0, cost_cache_write INTEGER NOT NULL DEFAULT 0,
  cost_output INTEGER NOT NULL DEFAULT 0, cost_reasoning INTEGER NOT NULL DEFAULT 0, cost_image INTEGER NOT NULL DEFAULT 0,
  cost_audio INTEGER NOT NULL DEFAULT 0, cost_tools INTEGER NOT NULL DEFAULT 0, cost_requests INTEGER NOT NULL DEFAULT 0,
  duration_us INTEGER NOT NULL DEFAULT 0, first_token_us INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(tenant, call)) WITHOUT ROWID;
CREATE INDEX ledger_calls_at ON ledger_calls(tenant, at);
CREATE INDEX ledger_calls_open ON ledger_calls(tenant, call) WHERE open=1;
CREATE TABLE ledger_budgets(
  tenant TEXT NOT NULL, budget TEXT NOT NULL, made_seq INTEGER NOT NULL, name TEXT NOT NULL, scope TEXT NOT NULL, "limit" INTEGER NOT NULL,
  period TEXT NOT NULL, time_zone TEXT NOT NULL, period_start INTEGER NOT NULL, PRIMARY KEY(tenant, budget)) WITHOUT ROWID;
CREATE TABLE ledger_periods(
  tenant TEXT NOT NULL, budget TEXT NOT NULL, period_start INTEGER NOT NULL, spent INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL DEFAULT 0, overrun INTEGER NOT NULL DEFAULT 0, blocked INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(tenant, budget, period_start)) WITHOUT ROWID;
CREATE TABLE ledger_prices(
  tenant TEXT NOT NULL, model TEXT NOT NULL, from_us INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
  cached_input INTEGER NOT NULL, request INTEGER NOT NULL, source TEXT NOT NULL, more TEXT NOT NULL,
  PRIMARY KEY(tenant, model, from_us)) WITHOUT ROWID;
)sql";

// The sums by a span of time: `unit` counts quarters of an hour, or days.
std::string sums_table(std::string_view table, std::string_view unit) {
  return fmt::format(R"sql(
CREATE TABLE {0}(
  tenant TEXT NOT NULL, {1} INTEGER NOT NULL, key TEXT NOT NULL, owner TEXT NOT NULL, team TEXT NOT NULL, model TEXT NOT NULL,
  provider TEXT NOT NULL, endpoint TEXT NOT NULL, calls INTEGER NOT NULL, failed INTEGER NOT NULL, prompt INTEGER NOT NULL,
  cached INTEGER NOT NULL, completion INTEGER NOT NULL, cost INTEGER NOT NULL, overrun INTEGER NOT NULL,
  cache_write INTEGER NOT NULL, reasoning INTEGER NOT NULL, tool_calls INTEGER NOT NULL, estimated INTEGER NOT NULL,
  cost_input INTEGER NOT NULL, cost_cached_input INTEGER NOT NULL, cost_cache_write INTEGER NOT NULL,
  cost_output INTEGER NOT NULL, cost_reasoning INTEGER NOT NULL, cost_image INTEGER NOT NULL,
  cost_audio INTEGER NOT NULL, cost_tools INTEGER NOT NULL, cost_requests INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  PRIMARY KEY(tenant, {1}, key, owner, team, model, provider, endpoint)) WITHOUT ROWID;
)sql",
                     table, unit);
}

void reserve(journal::Db& db, const journal::Record& record, const CallReserved& call) {
  db.prepare(
        "INSERT OR IGNORE INTO "
        "ledger_calls(tenant,call,at,key,owner,team,model,provider,endpoint,open,limited,window_tokens,reserved,"
        "reservation,priced) VALUES(?,?,?,?,?,?,?,?,?,1,?,?,?,?,?)")
      .bind(1, record.tenant)
      .bind(2, call.call)
      .bind(3, call.at)
      .bind(4, call.key)
      .bind(5, call.owner)
      .bind(6, call.team)
      .bind(7, call.model)
      .bind(8, call.provider)
      .bind(9, call.endpoint)
      .bind(10, call.limited ? 1 : 0)
      .bind(11, call.tokens_bound())
      .bind(12, call.reserved)
      .bind(13, record.body)
      .bind(14, call.price ? 1 : 0)
      .run();
  for (const auto& [budget, start] : call.budgets) {
    db.prepare("UPDATE ledger_budgets SET period_start=? WHERE tenant=? AND budget=? AND period_start<?")
        .bind(1, start)
        .bind(2, record.tenant)
        .bind(3, budget)
        .bind(4, start)
        .run();
    db.prepare(
          "INSERT INTO ledger_periods(tenant,budget,period_start,reserved) SELECT tenant,budget,?,? FROM "
          "ledger_budgets WHERE tenant=? AND "
          "budget=? ON CONFLICT DO UPDATE SET reserved=reserved+excluded.reserved")
        .bind(1, start)
        .bind(2, call.reserved)
        .bind(3, record.tenant)
        .bind(4, budget)
        .run();
  }
}

// The reservation as it was written; none if the call is not under way.
std::optional<journal::Record> open_reservation(journal::Db& db, const journal::Record& settled, const Id& call) {
  auto& select = db.prepare("SELECT reservation, at FROM ledger_calls WHERE tenant=? AND call=? AND open=1")
                     .bind(1, settled.tenant)
                     .bind(2, call);
  std::optional<journal::Record> found;
  if (select.step()) {
    found.emplace();
    found->tenant = settled.tenant;
    found->stream = settled.stream;
    found->body = select.text(0);
    found->time = select.integer(1);
  }
  select.reset();
  return found;
}

// The numbers of a settled call that are summed, by the names of their columns in both tables.
using Numbers = std::vector<std::pair<std::string_view, int64_t>>;

Numbers numbers_of(const CallSettled& settled) {
  const Usage& usage = settled.usage;
  const Costs& costs = settled.costs;
  int64_t tool_calls = 0;
  for (const auto& [tool, calls] : usage.tool_calls) tool_calls += calls;
  return {{"failed", has_failed(settled.outcome) ? 1 : 0},
          {"prompt", usage.prompt_tokens},
          {"cached", usage.cached_tokens},
          {"completion", usage.completion_tokens},
          {"cost", settled.cost},
          {"overrun", settled.overrun},
          {"cache_write", usage.cache_write_tokens()},
          {"reasoning", usage.reasoning_tokens},
          {"tool_calls", tool_calls},
          {"estimated", usage.estimated ? 1 : 0},
          {"cost_input", costs.input},
          {"cost_cached_input", costs.cached_input},
          {"cost_cache_write", costs.cache_write},
          {"cost_output", costs.output},
          {"cost_reasoning", costs.reasoning},
          {"cost_image", costs.image},
          {"cost_audio", costs.audio},
          {"cost_tools", costs.tools},
          {"cost_requests", costs.requests}};
}

// The same columns every time, so that the statement is prepared once.
std::string settle_sql() {
  std::string sql =
      "UPDATE ledger_calls SET open=0, reservation=NULL, window_tokens=?, settled_at=?, outcome=?, error=?, "
      "attempts=?, duration_us=?, first_token_us=?, priced=min(priced,?)";
  for (const auto& [column, value] : numbers_of({})) fmt::format_to(std::back_inserter(sql), ", {}=?", column);
  return sql + " WHERE tenant=? AND call=?";
}

std::string add_sql(std::string_view table, std::string_view unit) {
  std::string columns, marks, sums;
  for (const auto& [column, value] : numbers_of({})) {
    fmt::format_to(std::back_inserter(columns), ",{}", column);
    marks += ",?";
    fmt::format_to(std::back_inserter(sums), ", {0}={0}+excluded.{0}", column);
  }
  return fmt::format(
      "INSERT INTO {}(tenant,{},key,owner,team,model,provider,endpoint,calls{},unpriced) "
      "VALUES(?,?,?,?,?,?,?,?,1{},?) "
      "ON CONFLICT DO UPDATE SET calls=calls+1{}, unpriced=unpriced+excluded.unpriced",
      table, unit, columns, marks, sums);
}

void settle_call_row(journal::Db& db, const Id& tenant, const CallReserved& call, const CallSettled& settled) {
  static const std::string kSql = settle_sql();
  const int64_t window = settled.outcome == Outcome::kInDoubt
                             ? call.tokens_bound()
                             : settled.usage.prompt_tokens + settled.usage.completion_tokens;
  auto& update = db.prepare(kSql);
  update.bind(1, window)
      .bind(2, settled.at)
      .bind(3, to_text(settled.outcome))
      .bind(4, settled.error)
      .bind(5, settled.attempts)
      .bind(6, settled.duration_us)
      .bind(7, settled.first_token_us)
      .bind(8, settled.unpriced ? 0 : 1);
  int column = 9;
  for (const auto& [name, value] : numbers_of(settled)) update.bind(column++, value);
  update.bind(column, tenant).bind(column + 1, call.call);
  update.run();
}

void add_usage(journal::Db& db, const std::string& sql, int64_t span, const Id& tenant, const CallReserved& call,
               const CallSettled& settled) {
  auto& insert = db.prepare(sql);
  insert.bind(1, tenant)
      .bind(2, span)
      .bind(3, call.key)
      .bind(4, call.owner)
      .bind(5, call.team)
      .bind(6, call.model)
      .bind(7, call.provider)
      .bind(8, call.endpoint);
  int column = 9;
  for (const auto& [name, value] : numbers_of(settled)) insert.bind(column++, value);
  insert.bind(column, call.price && !settled.unpriced ? 0 : 1);
  insert.run();
}

void settle(journal::Db& db, const journal::Record& record, const CallReserved& call, const CallSettled& settled) {
  settle_call_row(db, record.tenant, call, settled);
  for (const auto& [budget, start] : call.budgets) {
    db.prepare(
          "UPDATE ledger_periods SET reserved=reserved-?, spent=spent+?, overrun=overrun+?, blocked=max(blocked,?) "
          "WHERE tenant=? AND "
          "budget=? AND period_start=?")
        .bind(1, call.reserved)
        .bind(2, settled.cost)
        .bind(3, settled.overrun)
        .bind(4, settled.overrun > 0 ? 1 : 0)
        .bind(5, record.tenant)
        .bind(6, budget)
        .bind(7, start)
        .run();
  }
  static const std::string kAddSlice = add_sql("ledger_usage", "slice"), kAddDay = add_sql("ledger_usage_days", "day");
  const int64_t slice = call.at / kUsageSliceUs;
  add_usage(db, kAddSlice, slice, record.tenant, call, settled);
  add_usage(db, kAddDay, slice / kUsageSlicesADay, record.tenant, call, settled);
}

void set_budget(journal::Db& db, const journal::Record& record) {
  const BudgetSet set = decode_budget_set(record);
  db.prepare(
        "INSERT INTO ledger_budgets(tenant,budget,made_seq,name,scope,\"limit\",period,time_zone,period_start) "
        "VALUES(?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT DO UPDATE SET name=excluded.name, scope=excluded.scope, \"limit\"=excluded.\"limit\", "
        "period=excluded.period, "
        "time_zone=excluded.time_zone")
      .bind(1, record.tenant)
      .bind(2, set.budget)
      .bind(3, record.seq)
      .bind(4, set.spec.name)
      .bind(5, set.spec.scope)
      .bind(6, set.spec.limit)
      .bind(7, to_text(set.spec.period))
      .bind(8, set.spec.time_zone)
      .bind(9, set.period_start)
      .run();
  db.prepare(
        "INSERT INTO ledger_periods(tenant,budget,period_start) SELECT tenant,budget,period_start FROM ledger_budgets "
        "WHERE tenant=? AND "
        "budget=? ON CONFLICT DO UPDATE SET blocked=0")
      .bind(1, record.tenant)
      .bind(2, set.budget)
      .run();
}

void remove_budget(journal::Db& db, const journal::Record& record) {
  const Id budget = record.stream.substr(record.stream.find('/') + 1);
  db.prepare("DELETE FROM ledger_budgets WHERE tenant=? AND budget=?").bind(1, record.tenant).bind(2, budget).run();
  db.prepare("DELETE FROM ledger_periods WHERE tenant=? AND budget=?").bind(1, record.tenant).bind(2, budget).run();
}

void set_price(journal::Db& db, const journal::Record& record) {
  const PriceSet set = decode_price_set(record);
  db.prepare(
        "INSERT OR REPLACE INTO ledger_prices(tenant,model,from_us,input,output,cached_input,request,source,more) "
        "VALUES(?,?,?,?,?,?,?,?,?)")
      .bind(1, record.tenant)
      .bind(2, set.model_key)
      .bind(3, set.price.from)
      .bind(4, set.price.input)
      .bind(5, set.price.output)
      .bind(6, set.price.cached_input)
      .bind(7, set.price.request)
      .bind(8, set.price.source)
      .bind(9, more_of(set.price))
      .run();
}

void load_budgets(journal::Db& views, const Id& tenant, Accounts& accounts) {
  auto& budgets = views.prepare(
      "SELECT b.budget, b.name, b.scope, b.\"limit\", b.period, b.time_zone, b.period_start, p.spent, p.reserved, "
      "p.overrun, p.blocked "
      "FROM ledger_budgets b JOIN ledger_periods p USING(tenant, budget, period_start) WHERE b.tenant=? ORDER BY "
      "b.made_seq, b.budget");
  budgets.bind(1, tenant);
  while (budgets.step()) {
    BudgetState budget;
    budget.id = budgets.text(0);
    budget.spec = {budgets.text(1), budgets.text(2), budgets.integer(3), period_from_text(budgets.text(4)),
                   budgets.text(5)};
    budget.period_start = budgets.integer(6);
    budget.spent = budgets.integer(7);
    budget.reserved = budgets.integer(8);
    budget.overrun = budgets.integer(9);
    budget.blocked = budgets.integer(10) != 0;
    accounts.put(std::move(budget));
  }
  budgets.reset();
}

void load_open_calls(journal::Db& views, const Id& tenant, Accounts& accounts) {
  CallReader reader;
  auto& open =
      views.prepare("SELECT call, at, reservation FROM ledger_calls WHERE tenant=? AND open=1").bind(1, tenant);
  while (open.step()) {
    journal::Record record;
    record.stream = "call/" + open.text(0);
    record.time = open.integer(1);
    record.body = open.text(2);
    CallReserved call = reader.reserved(record);
    if (!call.key.empty() && !call.posted) ++accounts.keys[call.key].under_way;
    if (call.expires_at != 0 && (accounts.next_expiry == 0 || call.expires_at < accounts.next_expiry))
      accounts.next_expiry = call.expires_at;
    Id id = call.call;
    accounts.open.emplace(std::move(id), std::move(call));
  }
  open.reset();
}

void load_windows(journal::Db& views, const Id& tenant, Accounts& accounts) {
  auto& last = views.prepare("SELECT coalesce(max(at),0) FROM ledger_calls WHERE tenant=?").bind(1, tenant);
  if (last.step()) accounts.last_reserved_at = last.integer(0);
  last.reset();
  const int64_t oldest = (rate_slice(accounts.last_reserved_at) - kRateSlices) * kRateSliceUs;
  auto& slices = views.prepare(
      "SELECT key, at/?, count(*), sum(window_tokens) FROM ledger_calls WHERE tenant=? AND at>=? AND limited=1 "
      "GROUP BY 1, 2 ORDER BY 1, 2");
  slices.bind(1, kRateSliceUs).bind(2, tenant).bind(3, oldest);
  while (slices.step()) {
    accounts.keys[slices.text(0)].window.add(slices.integer(1) * kRateSliceUs, slices.integer(2), slices.integer(3));
  }
  slices.reset();
}

}  // namespace

void LedgerView::create(journal::Db& db) {
  db.execute(kTables);
  db.execute(sums_table("ledger_usage", "slice"));
  db.execute(sums_table("ledger_usage_days", "day"));
}

void LedgerView::apply(journal::Db& db, const journal::Record& record) {
  if (record.erased) return;
  if (record.kind == "call.reserved") {
    reserve(db, record, reader_.reserved(record));
  } else if (record.kind == "call.settled") {
    const CallSettled settled = reader_.settled(record);
    if (const auto reserved = open_reservation(db, record, settled.call))
      settle(db, record, reader_.reserved(*reserved), settled);
  } else if (record.kind == "budget.set") {
    set_budget(db, record);
  } else if (record.kind == "budget.removed") {
    remove_budget(db, record);
  } else if (record.kind == "price.set") {
    set_price(db, record);
  }
}

void load_accounts(journal::Db& views, const Id& tenant, Accounts& accounts) {
  load_budgets(views, tenant, accounts);
  load_open_calls(views, tenant, accounts);
  load_windows(views, tenant, accounts);
}

std::vector<PriceSet> load_prices(journal::Db& views, const Id& tenant) {
  std::vector<PriceSet> all;
  auto& prices = views
                     .prepare(
                         "SELECT model, from_us, input, output, cached_input, request, source, more FROM ledger_prices "
                         "WHERE tenant=?")
                     .bind(1, tenant);
  while (prices.step()) {
    PriceSet set;
    set.model_key = prices.text(0);
    set.price.from = prices.integer(1);
    set.price.input = prices.integer(2);
    set.price.output = prices.integer(3);
    set.price.cached_input = prices.integer(4);
    set.price.request = prices.integer(5);
    set.price.source = prices.text(6);
    MoreReader().price(set.price, prices.text(7));
    all.push_back(std::move(set));
  }
  prices.reset();
  return all;
}

}  // namespace steward::ledger
