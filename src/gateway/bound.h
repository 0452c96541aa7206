// The worst case of a call, known before it is made: how many tokens can go in and come out, and what dearer things
// than text it may use. What a reservation is made of.
#pragma once
#include <optional>
#include <string>

#include "gateway/directory.h"
#include "gateway/form/request.h"
#include "ledger/ledger.h"

namespace steward::gateway {

// No provider counts more tokens for one picture; neither its address nor its bytes say how many it will be.
inline constexpr int64_t kImageTokens = 40'000;
// A document whose pages nobody has counted: what the longest context here holds, or the model's own where it is known.
inline constexpr int64_t kDocumentTokens = 1'000'000;
// Calls of one hosted tool in an answer, where the caller sets no limit.
inline constexpr int64_t kHostedToolCalls = 20;

struct Bound {
  int64_t input_tokens = 0;
  int64_t choices = 1;
  std::optional<int64_t> requested_output;  // the caller's own limit per choice
  int64_t output_cap = 0;                   // the model's, per choice
  ledger::MayUse may_use;
  DurationUs waits_us = 0;  // in a provider's own batch for so long; 0: it is asked live
  std::string open_ended;   // the tool whose uses the caller did not limit, for a budget's refusal; or empty
};

// `body`: what will be sent. No tokenizer makes more tokens than there are bytes of text; pictures and documents are
// counted at their worst instead of by their bytes.
Bound remote_bound(const Request& request, std::string_view body, const Target& target, int64_t default_output);

// Which paid work of the provider's a hosted tool is ("web_search_20250305" → web_search); empty: none that costs.
std::string_view paid_kind(std::string_view hosted_type);

}  // namespace steward::gateway
