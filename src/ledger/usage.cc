// Sums of use. Whole days of UTC come from ledger_usage_days (where no other zone's days are asked for), whole quarters
// of an hour from ledger_usage, the ragged ends of a span from ledger_calls.
#include <date/tz.h>

#include "ledger/period.h"
#include "ledger/view.h"

namespace steward::ledger {
namespace {

constexpr size_t kRowLimit = 100'000;  // of an answer
// What is summed beside the calls themselves; in the order of add_row.
constexpr std::string_view kNumbers =
    "failed, prompt, cached, completion, cost, overrun, cache_write, reasoning, tool_calls, estimated, cost_input, "
    "cost_cached_input, cost_cache_write, cost_output, cost_reasoning, cost_image, cost_audio, cost_tools, "
    "cost_requests";
constexpr std::string_view kSums =
    "sum(calls), sum(failed), sum(prompt), sum(cached), sum(completion), sum(cost), sum(overrun), sum(cache_write), "
    "sum(reasoning), sum(tool_calls), sum(estimated), sum(cost_input), sum(cost_cached_input), sum(cost_cache_write), "
    "sum(cost_output), sum(cost_reasoning), sum(cost_image), sum(cost_audio), sum(cost_tools), sum(cost_requests), "
    "sum(unpriced)";
constexpr std::string_view kColumns[] = {"key", "model", "endpoint", "team", "owner", "provider"};

bool is_column(std::string_view name) { return std::ranges::find(kColumns, name) != std::end(kColumns); }

enum class From { kDays, kSlices, kCalls };

// One part of the span: of the sums, or (for the ragged ends) of the calls.
std::string source_sql(const UsageQuery& query, From from) {
  std::string where = " WHERE tenant=?1 AND slice>=?2 AND slice<?3";
  if (from == From::kDays) where = " WHERE tenant=?1 AND day>=?2 AND day<?3";
  if (from == From::kCalls) where = " WHERE tenant=?1 AND open=0 AND at>=?2 AND at<?3";
  if (!query.key.empty()) where += " AND key=?4";
  if (!query.model.empty()) where += " AND model=?5";
  if (!query.owner.empty()) where += " AND owner=?6";
  if (from == From::kDays)
    return fmt::format(
        "SELECT day*{} AS slice, key, owner, team, model, provider, endpoint, calls, {}, unpriced FROM "
        "ledger_usage_days{}",
        kUsageSlicesADay, kNumbers, where);
  if (from == From::kSlices)
    return fmt::format(
        "SELECT slice, key, owner, team, model, provider, endpoint, calls, {}, unpriced FROM ledger_usage{}", kNumbers,
        where);
  return fmt::format(
      "SELECT at/{} AS slice, key, owner, team, model, provider, endpoint, 1 AS calls, {}, 1 - priced AS unpriced FROM "
      "ledger_calls{}",
      kUsageSliceUs, kNumbers, where);
}

class Summing {
 public:
  Summing(journal::Db& db, const UsageQuery& query, const date::time_zone* zone) : db_(db), query_(query), zone_(zone) {
    by_day_ = std::ranges::find(query.group_by, "day") != query.group_by.end();
    for (const auto& name : query.group_by) {
      if (name != "day") columns_.push_back(name);
    }
  }

  // Days of another zone begin on a quarter of an hour, but within a day of UTC.
  bool takes_days() const { return !by_day_ || zone_->name() == "UTC" || zone_->name() == "Etc/UTC"; }

  // `from` and `to` in the source's own unit: days, quarters of an hour, or microseconds.
  void add(From source, int64_t from, int64_t to) {
    if (from >= to) return;
    std::vector<std::string> group = columns_;
    if (by_day_) group.push_back("slice");
    const std::string groups = fmt::format("{}", fmt::join(group, ","));
    const std::string sql = fmt::format("SELECT {}{}{} FROM ({}){}{}", groups, groups.empty() ? "" : ",", kSums,
                                        source_sql(query_, source), groups.empty() ? "" : " GROUP BY ", groups);
    auto& rows = db_.prepare(sql);
    rows.bind(1, query_.tenant).bind(2, from).bind(3, to);
    if (!query_.key.empty()) rows.bind(4, query_.key);
    if (!query_.model.empty()) rows.bind(5, query_.model);
    if (!query_.owner.empty()) rows.bind(6, query_.owner);
    while (rows.step()) add_row(rows);
    rows.reset();
  }

  Result<std::vector<UsageRow>> finish() {
    if (rows_.size() > kRowLimit) {
      return fail(
          ErrorCode::kInvalidRequest,
          fmt::format("The answer would have more than {} rows: ask for a shorter span or fewer groups.", kRowLimit));
    }
    std::vector<UsageRow> all;
    for (auto& [group, row] : rows_) all.push_back(std::move(row));
    return all;
  }

 private:
  void add_row(journal::Statement& rows) {
    UsageRow found;
    int column = 0;
    for (const auto& name : columns_) found.group[name] = rows.text(column++);
    if (by_day_) found.group["day"] = day_of(rows.integer(column++));
    if (rows.is_null(column)) return;  // the sum of no rows
    std::vector<std::string> order;    // as the caller asked
    for (const auto& name : query_.group_by) order.push_back(found.group[name]);
    UsageRow& row = rows_[order];
    row.group = std::move(found.group);
    Costs& costs = row.costs;
    for (int64_t* sum : {&row.calls,
                         &row.failed,
                         &row.prompt_tokens,
                         &row.cached_tokens,
                         &row.completion_tokens,
                         &row.cost,
                         &row.overrun,
                         &row.cache_write_tokens,
                         &row.reasoning_tokens,
                         &row.tool_calls,
                         &row.estimated,
                         &costs.input,
                         &costs.cached_input,
                         &costs.cache_write,
                         &costs.output,
                         &costs.reasoning,
                         &costs.image,
                         &costs.audio,
                         &costs.tools,
                         &costs.requests,
                         &row.unpriced}) {
      *sum += rows.integer(column++);
    }
    costs.other = 0;
    costs.other = row.cost - costs.total();
  }

  std::string day_of(int64_t slice) {
    const TimeUs time = slice * kUsageSliceUs;
    if (!day_.holds(time) || day_.end == 0) {
      day_ = period_at(Period::kDay, zone_, time);
      day_name_ = local_day(zone_, time);
    }
    return day_name_;
  }

  journal::Db& db_;
  const UsageQuery& query_;
  const date::time_zone* zone_;
  bool by_day_ = false;
  std::vector<std::string> columns_;
  Span day_;
  std::string day_name_;
  std::map<std::vector<std::string>, UsageRow> rows_;
};

}  // namespace

Result<std::vector<UsageRow>> query_usage(journal::Db& db, const UsageQuery& query) {
  for (const auto& name : query.group_by) {
    if (name == "day" || is_column(name)) continue;
    return fail(
        ErrorCode::kInvalidRequest,
        fmt::format("Use can't be grouped by '{}', but by key, model, day, endpoint, team, owner and provider.", name),
        {{"param", "group_by"}});
  }
  const auto* zone = find_zone(query.time_zone.empty() ? "UTC" : query.time_zone);
  if (!zone)
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' is no time zone; it is written like Europe/Berlin.", query.time_zone),
                {{"param", "time_zone"}});
  const TimeUs from = std::max<TimeUs>(query.from, 0);
  const TimeUs to = query.to > 0 ? query.to : std::numeric_limits<TimeUs>::max();
  const int64_t first = from / kUsageSliceUs + (from % kUsageSliceUs != 0), last = to / kUsageSliceUs;
  Summing sums(db, query, zone);
  if (first > last) {  // within one quarter
    sums.add(From::kCalls, from, to);
    return sums.finish();
  }
  sums.add(From::kCalls, from, first * kUsageSliceUs);
  const int64_t first_day = first / kUsageSlicesADay + (first % kUsageSlicesADay != 0),
                last_day = last / kUsageSlicesADay;
  if (sums.takes_days() && first_day < last_day) {
    sums.add(From::kSlices, first, first_day * kUsageSlicesADay);
    sums.add(From::kDays, first_day, last_day);
    sums.add(From::kSlices, last_day * kUsageSlicesADay, last);
  } else {
    sums.add(From::kSlices, first, last);
  }
  sums.add(From::kCalls, last * kUsageSliceUs, to);
  return sums.finish();
}

}  // namespace steward::ledger
