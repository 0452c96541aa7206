// What an answer holds so far, counted here: for a provider that tells no usage, and to cut one that goes past what it
// was allowed.
#pragma once
#include "base/json.h"
#include "ledger/ledger.h"

namespace steward::gateway {

int64_t estimate_tokens(size_t bytes);  // of usual text

class OutputCount {
 public:
  void add(const Json& chunk);       // of a stream
  void add_whole(const Json& body);  // an answer that came as one object
  // Surely not more than was made, so that no honest answer is cut: a chunk is at least a token as providers send them,
  // unless they send single bytes; and no tokenizer makes tokens of over 16 bytes on average.
  int64_t at_least() const;
  int64_t estimate() const;  // the likely count

 private:
  void add_text(const Json& text);
  int64_t chunks_ = 0;
  size_t bytes_ = 0;
};

// Reads a usage block of any honest or lying upstream; empty where it is missing or nonsense. Tokens that are in the
// total but in neither part (some providers leave thoughts out of the completion) count as completion.
std::optional<ledger::Usage> read_usage(const Json& body);

// Brings a provider's chunk into the form that strict clients read: indexes of tool calls, known finish reasons and
// service tiers. True if choices are left.
bool mend_chunk(Json& chunk);

}  // namespace steward::gateway
