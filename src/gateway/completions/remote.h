// A provider's side of the older text form: what is asked, and what it may cost. Pure.
#pragma once
#include "gateway/bound.h"
#include "gateway/completions/request.h"
#include "gateway/directory.h"

namespace steward::gateway {

// `standard`: the tokens of an answer whose limit nobody said.
Bound completion_bound(const CompletionRequest& asked, const Target& target, int64_t standard);
// `output_tokens`: of each choice, as they were reserved.
Json completion_body(const CompletionRequest& asked, const Target& target, int64_t output_tokens);
// A good answer's JSON. kUpstreamError: it is none.
Result<Json> read_completion_answer(std::string_view body);

}  // namespace steward::gateway
