// A call of the older text form, /v1/completions, read and checked. It is OpenAI's alone, so it has no internal form:
// `body` is the request as it came, and what is sent on is made from it.
//
// The list of known fields is closed: an unknown one is refused by name (with the nearest known one), and one that the
// model can't honour is refused by name too. Nothing is dropped silently.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace steward::gateway {

inline constexpr int64_t kMaxCompletionChoices = 128;
inline constexpr size_t kMaxCompletionStops = 4;

struct CompletionRequest {
  Json body;
  std::string model;
  bool stream = false;
  bool include_usage = false;
  int64_t n = 1;                      // choices, of each prompt
  std::optional<int64_t> max_output;  // tokens of each choice
  std::vector<Json> prompts;          // strings or arrays of tokens
  int64_t choices() const { return n * static_cast<int64_t>(prompts.size()); }
};

Result<CompletionRequest> read_completion(Json body);
Status check_for_local(const CompletionRequest& request);  // kUnsupportedField for what llama.cpp can't honour

}  // namespace steward::gateway
