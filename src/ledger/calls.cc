#include "ledger/calls.h"

namespace steward::ledger {
namespace {

constexpr std::string_view kColumns =
    "call, at, key, owner, team, model, provider, endpoint, reserved, ifnull(settled_at, 0), ifnull(outcome, ''), "
    "ifnull(error, ''), priced, failed, prompt, cached, completion, reasoning, estimated, cost, overrun, cache_write, "
    "tool_calls, ifnull(attempts, ''), duration_us, first_token_us, cost_input, cost_cached_input, cost_cache_write, "
    "cost_output, cost_reasoning, cost_image, cost_audio, cost_tools, cost_requests";
constexpr std::string_view kKinds[] = {"input", "cached_input", "cache_write", "output",  "reasoning",
                                       "image", "audio",        "tools",       "requests"};
constexpr int kFirstKind = 26;

CallRow row_of(journal::Statement& row) {
  CallRow out{.call = row.text(0),
              .at = row.integer(1),
              .settled_at = row.integer(9),
              .key = row.text(2),
              .owner = row.text(3),
              .team = row.text(4),
              .model = row.text(5),
              .provider = row.text(6),
              .endpoint = row.text(7),
              .outcome = row.text(10),
              .error = row.text(11),
              .priced = row.integer(12) != 0,
              .estimated = row.integer(18) != 0,
              .failed = row.integer(13) != 0,
              .prompt_tokens = row.integer(14),
              .cached_tokens = row.integer(15),
              .cache_write_tokens = row.integer(21),
              .completion_tokens = row.integer(16),
              .reasoning_tokens = row.integer(17),
              .tool_calls = row.integer(22),
              .reserved = row.integer(8),
              .cost = row.integer(19),
              .overrun = row.integer(20),
              .costs = {},
              .duration_us = row.integer(24),
              .first_token_us = row.integer(25),
              .attempts = row.text(23)};
  int column = kFirstKind;
  for (const auto kind : kKinds) {
    if (const NanoUsd cost = row.integer(column++); cost != 0) out.costs[std::string(kind)] = cost;
  }
  return out;
}

}  // namespace

std::optional<CallRow> find_call(journal::Db& db, const Id& tenant, const Id& call) {
  auto& row = db.prepare(fmt::format("SELECT {} FROM ledger_calls WHERE tenant = ? AND call = ?", kColumns))
                  .bind(1, tenant)
                  .bind(2, call);
  std::optional<CallRow> out;
  if (row.step()) out = row_of(row);
  row.reset();
  return out;
}

// Ids are ULIDs: their order is that of time.
std::vector<CallRow> list_calls(journal::Db& db, const CallQuery& query) {
  const std::pair<std::string_view, std::string_view> texts[] = {
      {"call <", query.before}, {"key =", query.key},           {"owner =", query.owner},      {"team =", query.team},
      {"model =", query.model}, {"provider =", query.provider}, {"endpoint =", query.endpoint}};
  const std::pair<std::string_view, TimeUs> times[] = {{"at >=", query.from}, {"at <", query.to}};
  std::string sql = fmt::format("SELECT {} FROM ledger_calls WHERE tenant = ?1", kColumns);
  int number = 1;
  for (const auto& [test, value] : texts) {
    if (!value.empty()) sql += fmt::format(" AND {} ?{}", test, ++number);
  }
  for (const auto& [test, value] : times) {
    if (value > 0) sql += fmt::format(" AND {} ?{}", test, ++number);
  }
  auto& row = db.prepare(sql + fmt::format(" ORDER BY call DESC LIMIT {}", query.limit));
  row.bind(1, query.tenant);
  number = 1;
  for (const auto& [test, value] : texts) {
    if (!value.empty()) row.bind(++number, value);
  }
  for (const auto& [test, value] : times) {
    if (value > 0) row.bind(++number, value);
  }
  std::vector<CallRow> out;
  while (row.step()) out.push_back(row_of(row));
  row.reset();
  return out;
}

}  // namespace steward::ledger
