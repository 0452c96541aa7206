#include "ledger/refusal.h"

namespace steward::ledger {
namespace {

std::string scope_words(const Id& scope) {
  if (scope.starts_with("ten_")) return "the organisation";
  if (scope.starts_with("team_")) return "the team";
  if (scope.starts_with("key_")) return "this key";
  return "the person";
}

std::string when_more(const BudgetState& budget, const Standing& standing) {
  if (standing.end == 0) return "It does not renew by itself";
  return fmt::format("It renews on {}", local_time(budget.zone ? budget.zone : find_zone("UTC"), standing.end));
}

Json budget_details(const BudgetState& budget, const Standing& standing, NanoUsd needed, TimeUs now) {
  Json details = {{"budget", budget.id},
                  {"budget_name", budget.spec.name},
                  {"scope", budget.spec.scope},
                  {"limit_nanousd", standing.limit},
                  {"left_nanousd", standing.left()},
                  {"reserved_nanousd", standing.reserved},
                  {"overrun_nanousd", standing.overrun},
                  {"needed_nanousd", needed}};
  if (standing.end != 0) {
    details["renews_at"] = to_rfc3339(standing.end);
    details["retry_after_us"] = standing.end - now;
  }
  return details;
}

Json rate_details(const RateState& rate, std::string_view kind, DurationUs retry_after_us) {
  Json details = {{"limit", kind},
                  {"limit_requests", rate.limit_requests},
                  {"remaining_requests", rate.remaining_requests},
                  {"reset_requests_us", rate.reset_requests_us},
                  {"limit_tokens", rate.limit_tokens},
                  {"remaining_tokens", rate.remaining_tokens},
                  {"reset_tokens_us", rate.reset_tokens_us}};
  if (retry_after_us > 0) details["retry_after_us"] = retry_after_us;
  return details;
}

std::string seconds(DurationUs us) { return fmt::format("{:.1f} seconds", static_cast<double>(us) / kSecondUs); }

}  // namespace

Error budget_refusal(const BudgetState& budget, const Standing& standing, NanoUsd needed, TimeUs now) {
  const NanoUsd left = std::max<NanoUsd>(standing.left(), 0);
  std::string under_way;
  if (standing.reserved > 0)
    under_way =
        fmt::format(" ({} more is held by calls under way and may come back)", to_usd_string(standing.reserved));
  return Error(ErrorCode::kBudgetExceeded,
               fmt::format("The budget '{}' of {} has {} left{}, and this call may cost up to {}. {}; an administrator "
                           "can raise it with "
                           "'steward budgets set'.",
                           budget.spec.name, scope_words(budget.spec.scope), to_usd_string(left), under_way,
                           to_usd_string(needed), when_more(budget, standing)),
               budget_details(budget, standing, needed, now));
}

Error blocked_refusal(const BudgetState& budget, const Standing& standing, NanoUsd needed, TimeUs now) {
  Json details = budget_details(budget, standing, needed, now);
  details["blocked"] = true;
  details["reason"] = "budget_blocked";
  return Error(ErrorCode::kBudgetExceeded,
               fmt::format("The budget '{}' of {} is stopped: a provider reported {} more than was reserved for a "
                           "call. {}; an administrator "
                           "can open it again with 'steward budgets set'.",
                           budget.spec.name, scope_words(budget.spec.scope), to_usd_string(standing.overrun),
                           when_more(budget, standing)),
               std::move(details));
}

Error price_refusal(const CallBound& call, const BudgetState& budget) {
  return Error(ErrorCode::kPriceUnknown,
               fmt::format("The model '{}' of '{}' has no price, so it can't be used under the budget '{}': set one "
                           "with 'steward models price'.",
                           call.model, call.provider, budget.spec.name),
               {{"model", call.model}, {"provider", call.provider}, {"budget", budget.id}});
}

Error tool_price_refusal(const CallBound& call, std::string_view tool, const BudgetState& budget) {
  return Error(ErrorCode::kPriceUnknown,
               fmt::format("What '{}' of '{}' takes for its tool '{}' nobody told, so it can't be offered under the "
                           "budget '{}': leave the tool out, or set a price that names it ('--tool {}=…') with "
                           "'steward models price'.",
                           call.model, call.provider, tool, budget.spec.name, tool),
               {{"model", call.model}, {"provider", call.provider}, {"tool", tool}, {"budget", budget.id}});
}

RateState rate_state(const RateWindow& window, const identity::RateLimits& limits, TimeUs now) {
  RateState rate;
  if (limits.requests_per_minute > 0) {
    rate.limit_requests = limits.requests_per_minute;
    rate.remaining_requests = std::max<int64_t>(limits.requests_per_minute - window.requests(now), 0);
    rate.reset_requests_us = window.until_requests(now, 0);
  }
  if (limits.tokens_per_minute > 0) {
    rate.limit_tokens = limits.tokens_per_minute;
    rate.remaining_tokens = std::max<int64_t>(limits.tokens_per_minute - window.tokens(now), 0);
    rate.reset_tokens_us = window.until_tokens(now, 0);
  }
  return rate;
}

Error requests_refusal(const RateWindow& window, const identity::RateLimits& limits, TimeUs now) {
  const DurationUs wait = window.until_requests(now, limits.requests_per_minute - 1);
  return Error(ErrorCode::kRateLimited,
               fmt::format("This key may make {} requests a minute and has made them; the next fits in {}.",
                           limits.requests_per_minute, seconds(wait)),
               rate_details(rate_state(window, limits, now), "requests_per_minute", wait));
}

Error tokens_refusal(const RateWindow& window, const identity::RateLimits& limits, int64_t needed, TimeUs now) {
  const RateState rate = rate_state(window, limits, now);
  Json details = rate_details(rate, "tokens_per_minute", 0);
  details["needed_tokens"] = needed;
  if (needed > limits.tokens_per_minute) {
    return Error(ErrorCode::kRateLimited,
                 fmt::format("This call may use {} tokens, and this key may use {} a minute, so it never fits: send "
                             "less input or ask for less output.",
                             needed, limits.tokens_per_minute),
                 std::move(details));
  }
  const DurationUs wait = window.until_tokens(now, limits.tokens_per_minute - needed);
  details["retry_after_us"] = wait;
  return Error(ErrorCode::kRateLimited,
               fmt::format("This call may use {} tokens, and of this key's {} a minute {} are left; it fits in {}, or "
                           "sooner if calls under way use "
                           "less than they might.",
                           needed, limits.tokens_per_minute, rate.remaining_tokens, seconds(wait)),
               std::move(details));
}

Error concurrency_refusal(int64_t limit, int64_t under_way) {
  constexpr DurationUs kAskAgainUs = kSecondUs;  // when a call will end is not known
  return Error(ErrorCode::kConcurrencyLimited,
               fmt::format("This key may have {} calls under way at once and has {}; wait until one has ended.", limit,
                           under_way),
               {{"limit", "concurrency"},
                {"limit_concurrency", limit},
                {"under_way", under_way},
                {"retry_after_us", kAskAgainUs}});
}

}  // namespace steward::ledger
