// How much a model may think, said in words by some dialects (reasoning_effort, output_config.effort, thinkingLevel)
// and in tokens by others (budget_tokens, thinkingBudget). One table turns one into the other:
//
//   none 0 · minimal 1,024 · low 4,096 · medium 8,192 · high 24,576 · xhigh 32,768 · max 65,536
//
// 1,024 is the least that Anthropic takes, 8,192 and 24,576 are what Google's own translation of "medium" and "high"
// is; the others are set between and above them. A budget becomes the least effort that holds it. A dialect's own
// member, where the caller gave it, always goes before a converted one. Pure functions; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "gateway/form/request.h"

namespace steward::gateway {

std::optional<int64_t> budget_of_effort(std::string_view effort);  // nullopt: no such word
std::string_view effort_of_budget(int64_t budget_tokens);          // "" for -1: as the model likes

// The effort asked for: as said, or what the budget comes to; "none" if thinking was switched off, "medium" if it was
// only switched on; empty: nothing was asked, or as the model likes.
std::string effort_asked(const Thinking& thinking);
// The budget asked for: as said, or what the effort comes to, and less than `max_output` (0: no such bound), which it
// is part of. 0: no thinking. nullopt: nothing was asked, or as the model likes.
std::optional<int64_t> budget_asked(const Thinking& thinking, int64_t max_output);

}  // namespace steward::gateway
