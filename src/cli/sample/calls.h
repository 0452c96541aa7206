// The metered calls of a sample home: each is reserved and settled by the ledger at its own moment, under the budgets
// and at the price that held then, as a call that really went out. What it used was counted from its words as Steward
// counts where a provider tells nothing, and is marked so; how long it took follows from the speeds that home.json
// gives a model.
#pragma once
#include <map>
#include <string>

#include "base/json.h"
#include "cli/sample/clock.h"
#include "ledger/ledger.h"

namespace steward::cli {

// A model as the sample names it: which one it is, where, and how fast it answers.
struct SampleModel {
  std::string name, provider;
  int64_t first_token_ms = 0, tokens_per_second = 1;
};

struct SampleCall {
  Id id;
  std::string key;  // its name; empty: the owner, without one
  const SampleModel* model = nullptr;
  TimeUs at = 0;
  int64_t input_tokens = 0, output_tokens = 0;
  ledger::Outcome outcome = ledger::Outcome::kFinished;
  DurationUs first_token_us = 0, duration_us = 0;
  bool admitted = false;
  TimeUs ends_at() const { return at + duration_us; }
};

class SampleCalls {
 public:
  SampleCalls(server::Core& core, Random& random, const Json& models);

  const SampleModel* find_model(const std::string& name) const;  // null: home.json doesn't tell it
  // With its id and times; `luck` has answers begin sooner or later.
  SampleCall plan(const SampleModel& model, TimeUs at, int64_t input_tokens, int64_t output_tokens, Random& luck);
  // At the call's moment. A budget that has nothing left, or a key's limit, refuses it as it would have: then it isn't
  // `admitted`.
  Status begin(SampleCall& call);
  Status end(const SampleCall& call);

 private:
  Result<identity::Caller> caller_of(const std::string& key) const;

  server::Core& core_;
  Random& random_;
  std::map<std::string, SampleModel> models_;
};

}  // namespace steward::cli
