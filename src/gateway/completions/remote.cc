#include "gateway/completions/remote.h"

#include <algorithm>

#include "base/json_bounded.h"
#include "gateway/peek.h"

namespace steward::gateway {

// Bytes: no tokenizer makes more tokens than there are bytes. Each prompt's choices are counted in `choices`.
Bound completion_bound(const CompletionRequest& asked, const Target& target, int64_t standard) {
  int64_t cap =
      target.max_output_tokens > 0 ? target.max_output_tokens : std::max(standard, asked.max_output.value_or(0));
  if (target.context_tokens > 0) cap = std::min(cap, target.context_tokens);
  return {.input_tokens = static_cast<int64_t>(dump(asked.body).size()),
          .choices = asked.choices(),
          .requested_output = asked.max_output,
          .output_cap = cap};
}

Json completion_body(const CompletionRequest& asked, const Target& target, int64_t output_tokens) {
  Json body = asked.body;
  body["model"] = target.upstream_model;
  body["max_tokens"] = output_tokens;
  if (asked.stream) body["stream_options"]["include_usage"] = true;
  return body;
}

Result<Json> read_completion_answer(std::string_view body) {
  auto json = parse_json(body, {.max_depth = kMaxForeignDepth, .allow_duplicate_keys = true});
  if (json && peek(*json, "choices").is_array()) return json;
  return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no completion.");
}

}  // namespace steward::gateway
