// The records that the ledger writes. Everything that a fold needs stands in them: the periods that a reservation
// counts in were computed when it was decided, so folding needs neither a clock nor time zone data. Amounts are nano-,
// prices pico-US-dollars, times microseconds UTC.
//
//   call.reserved   call/call_…    see CallReserved; budgets: [[bud_…, start of its period], …]
//   call.settled    call/call_…    see CallSettled; the call's reservation is released and its cost charged, in the
//                                  reservation's periods
//   budget.set      budget/bud_…   see BudgetSet
//   budget.removed  budget/bud_…   {}
//   price.set       price/ten_…    {model: "provider/name", input, output, cached_input, request, source, from}
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "journal/record_kind.h"
#include "ledger/ledger.h"

namespace steward::ledger {

inline constexpr journal::RecordKind kRecordKinds[] = {
    {"call.reserved"}, {"call.settled"}, {"budget.set"}, {"budget.removed"}, {"price.set"}};

struct CallReserved {
  Id call;
  TimeUs at = 0;  // the record's time
  Id key, owner, team;
  std::string model, provider, endpoint;
  bool local = false;
  bool limited = false;  // counts in its key's rate window
  bool posted = false;   // CallBound's
  std::optional<Price> price;
  int64_t input_bound = 0, n = 1, output = 0;
  NanoUsd reserved = 0;
  TimeUs expires_at = 0;
  std::vector<std::pair<Id, TimeUs>> budgets;

  int64_t tokens_bound() const { return input_bound + n * output; }
};

struct CallSettled {
  Id call;
  TimeUs at = 0;
  Outcome outcome = Outcome::kFinished;
  std::string error;
  Usage usage;
  NanoUsd cost = 0, overrun = 0, reserved = 0;
  Costs costs;  // `cost` by type
  std::string attempts;
  DurationUs duration_us = 0, first_token_us = 0;
  bool unpriced = false;  // Charge's
};

struct BudgetSet {
  Id budget;
  BudgetSpec spec;  // time_zone filled in
  TimeUs period_start = 0;
};

struct PriceSet {
  std::string model_key;  // "provider/model"
  Price price;
};

std::string_view to_text(Outcome outcome);  // "client_gone"
Outcome outcome_from_text(std::string_view text);
bool has_failed(Outcome outcome);

std::string encode(const CallReserved& call);
std::string encode(const CallSettled& call);
std::string encode(const BudgetSet& budget);
std::string encode(const PriceSet& price);

BudgetSet decode_budget_set(const journal::Record& record);
PriceSet decode_price_set(const journal::Record& record);

// Reads the records of calls, of which there are many: keeps its parser's memory. One thread at a time.
class CallReader {
 public:
  CallReader();
  ~CallReader();
  CallReserved reserved(const journal::Record& record);
  CallSettled settled(const journal::Record& record);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace steward::ledger
