#include "server/admin_json.h"

#include "base/money.h"
#include "base/text.h"

namespace steward::server {
namespace {
constexpr std::string_view kPeriods[] = {"day", "week", "month", "forever"};
constexpr std::string_view kKinds[] = {"user", "team", "agent", "key", "service"};
constexpr int64_t kMaxRate = 1'000'000'000'000;

}  // namespace

Json time_json(TimeUs time) { return time == 0 ? Json(nullptr) : Json(to_rfc3339(time)); }
std::string_view period_name(ledger::Period period) { return kPeriods[static_cast<size_t>(period)]; }
std::string_view principal_kind_name(identity::PrincipalKind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::string usd_decimal(NanoUsd amount) {
  std::string text =
      fmt::format("{}{}.{:09}", amount < 0 ? "-" : "", std::abs(amount / kNanoPerUsd), std::abs(amount % kNanoPerUsd));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

Json key_json(const identity::Key& key, TimeUs now) {
  const auto& spec = key.spec;
  const bool expired = spec.expires_at != 0 && spec.expires_at <= now;
  return {{"id", key.id},
          {"object", "key"},
          {"name", spec.name},
          {"visible", key.visible},
          {"owner", spec.owner},
          {"team", spec.team.empty() ? Json(nullptr) : Json(spec.team)},
          {"models", spec.models},
          {"endpoints", spec.endpoints},
          {"admin", spec.admin},
          {"expires_at", time_json(spec.expires_at)},
          {"tags", spec.tags},
          {"limits",
           {{"requests_per_minute", spec.limits.requests_per_minute},
            {"tokens_per_minute", spec.limits.tokens_per_minute},
            {"concurrency", spec.limits.concurrency}}},
          {"weight", spec.weight},
          {"content", identity::content_text(spec.content_days)},
          {"created_at", time_json(key.created_at)},
          {"status", key.revoked ? "revoked"
                     : expired   ? "expired"
                                 : "active"}};
}

Json principal_json(const identity::Principal& principal) {
  return {{"id", principal.id},
          {"object", "principal"},
          {"kind", principal_kind_name(principal.kind)},
          {"name", principal.name},
          {"time_zone", principal.time_zone.empty() ? Json(nullptr) : Json(principal.time_zone)},
          {"groups", principal.groups},
          {"disabled", principal.disabled}};
}

Json budget_json(const ledger::Budget& budget) {
  return {{"id", budget.id},
          {"object", "budget"},
          {"name", budget.spec.name},
          {"scope", budget.spec.scope},
          {"limit_usd", usd_decimal(budget.spec.limit)},
          {"period", period_name(budget.spec.period)},
          {"time_zone", budget.spec.time_zone.empty() ? Json(nullptr) : Json(budget.spec.time_zone)},
          {"period_start", time_json(budget.period_start)},
          {"period_end", time_json(budget.period_end)},
          {"spent_microusd", to_microusd_decimal(budget.spent)},
          {"reserved_microusd", to_microusd_decimal(budget.reserved)},
          {"overrun_microusd", to_microusd_decimal(budget.overrun)},
          {"left_microusd", to_microusd_decimal(budget.left())}};
}

void read_key_spec(Fields& fields, identity::KeySpec& spec) {
  static const std::vector<std::string> kEndpoints = {"chat", "completions", "embeddings", "models", "memory"};
  if (auto v = fields.text("name")) spec.name = *v;
  if (auto v = fields.text("owner")) spec.owner = *v;
  if (auto v = fields.text("team")) spec.team = *v;
  if (auto v = fields.texts("models")) spec.models = *v;
  if (auto v = fields.texts("endpoints")) spec.endpoints = *v;
  if (auto v = fields.boolean("admin")) spec.admin = *v;
  if (auto v = fields.time("expires_at")) spec.expires_at = *v;
  if (auto v = fields.text_table("tags")) spec.tags = *v;
  if (auto v = fields.text("content")) {
    const auto days = identity::content_from_text(*v);
    if (!days)
      fields.problem("content", fmt::format("is metadata, none, or 1d to {}d", identity::kMaxContentDays));
    else
      spec.content_days = *days;
  }
  if (auto v = fields.number("weight", 0.001, 1000)) spec.weight = *v;
  for (const auto& endpoint : spec.endpoints) {
    if (std::ranges::find(kEndpoints, endpoint) == kEndpoints.end())
      fields.problem("endpoints", "may hold " + join(kEndpoints, ", "));
  }
  const Json* limits = fields.object("limits");
  if (limits == nullptr) return;
  Fields inner(*limits);
  if (auto v = inner.integer("requests_per_minute", 0, kMaxRate)) spec.limits.requests_per_minute = *v;
  if (auto v = inner.integer("tokens_per_minute", 0, kMaxRate)) spec.limits.tokens_per_minute = *v;
  if (auto v = inner.integer("concurrency", 0, kMaxRate)) spec.limits.concurrency = *v;
  if (auto good = inner.finish(); !good) fields.problem("limits", "is not right: " + good.error().message);
}

std::optional<ledger::Period> read_period(Fields& fields, std::string_view name) {
  const auto text = fields.text(name);
  if (!text) return std::nullopt;
  for (size_t i = 0; i < std::size(kPeriods); ++i) {
    if (kPeriods[i] == *text) return static_cast<ledger::Period>(i);
  }
  fields.problem(name, "must be day, week, month or forever");
  return std::nullopt;
}

std::optional<NanoUsd> read_usd(Fields& fields, std::string_view name) {
  const Json* value = fields.any(name);
  if (value == nullptr) return std::nullopt;
  std::string text;
  if (value->is_string())
    text = value->get<std::string>();
  else if (value->is_number_integer())
    text = value->dump();
  else if (value->is_number())
    text = fmt::format("{:.9f}", value->get<double>());
  auto amount = parse_usd(text);
  if (!amount)
    return fields.problem(name, "must be an amount of US dollars such as 0.25, at most nine decimals"), std::nullopt;
  return *amount;
}

}  // namespace steward::server
