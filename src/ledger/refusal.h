// The sentences and details of refusals: what is left, of which budget or limit, when more comes, and what to do.
#pragma once
#include "ledger/state.h"

namespace steward::ledger {

Error budget_refusal(const BudgetState& budget, const Standing& standing, NanoUsd needed, TimeUs now);
Error blocked_refusal(const BudgetState& budget, const Standing& standing, NanoUsd needed, TimeUs now);
Error price_refusal(const CallBound& call, const BudgetState& budget);
Error tool_price_refusal(const CallBound& call, std::string_view tool, const BudgetState& budget);

RateState rate_state(const RateWindow& window, const identity::RateLimits& limits, TimeUs now);
Error requests_refusal(const RateWindow& window, const identity::RateLimits& limits, TimeUs now);
Error tokens_refusal(const RateWindow& window, const identity::RateLimits& limits, int64_t needed, TimeUs now);
Error concurrency_refusal(int64_t limit, int64_t under_way);

}  // namespace steward::ledger
