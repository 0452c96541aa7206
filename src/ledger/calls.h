// One call's metadata as the usage view has it: who asked which model, how it ended, what it used and cost. Never
// content. On reader threads.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "journal/db.h"
#include "ledger/ledger.h"

namespace steward::ledger {

struct CallRow {
  Id call;
  TimeUs at = 0, settled_at = 0;  // 0: under way
  Id key, owner, team;
  std::string model, provider, endpoint;
  std::string outcome, error;  // empty while under way
  bool priced = false, estimated = false, failed = false;
  int64_t prompt_tokens = 0, cached_tokens = 0, cache_write_tokens = 0, completion_tokens = 0, reasoning_tokens = 0;
  int64_t tool_calls = 0;
  NanoUsd reserved = 0, cost = 0, overrun = 0;
  std::map<std::string, NanoUsd> costs;  // by kind: "input", "cached_input", …; of what isn't zero
  DurationUs duration_us = 0, first_token_us = 0;
  std::string attempts;  // as the settlement has them, or empty
};

std::optional<CallRow> find_call(journal::Db& db, const Id& tenant, const Id& call);

// Which calls: what is empty (or 0) narrows nothing. `before`: the id of the last one seen.
struct CallQuery {
  Id tenant;
  Id before;
  Id key, owner, team;
  std::string model, provider, endpoint;
  TimeUs from = 0, to = 0;  // [from, to) by when they began
  size_t limit = 100;
};
std::vector<CallRow> list_calls(journal::Db& db, const CallQuery& query);  // newest first

}  // namespace steward::ledger
