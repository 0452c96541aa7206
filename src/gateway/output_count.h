// What an answer holds so far, counted here: for a provider that tells no usage, and to cut one that goes past what it
// was allowed.
#pragma once
#include "base/json.h"
#include "gateway/form/answer.h"

namespace steward::gateway {

int64_t estimate_tokens(size_t bytes);  // of usual text

class OutputCount {
 public:
  void add(const Deltas& deltas);  // of one event
  void add(const Json& chunk);     // of Completions
  void add_text(size_t bytes) { bytes_ += bytes; }
  // Surely not more than was made, so that no honest answer is cut: a chunk is at least a token as providers send them,
  // unless they send single bytes; and no tokenizer makes tokens of over 16 bytes on average.
  int64_t at_least() const;
  int64_t estimate() const;  // the likely count

 private:
  int64_t chunks_ = 0;
  size_t bytes_ = 0;
};

// Reads an OpenAI-shaped usage block of any honest or lying upstream; empty where it is missing or nonsense. Tokens
// that are in the total but in neither part (some providers leave thoughts out of the completion) count as completion.
std::optional<ledger::Usage> read_usage(const Json& body);

}  // namespace steward::gateway
