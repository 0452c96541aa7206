// The ledger: budgets that are a wall at admission, two-phase charges, rate limits, prices.
//
// A call starts only if its worst case fits what is left of every budget over it (tenant → team → person → key), under
// any concurrency: the decision is taken on the journal's writer thread against this fold. A reservation is one record
// in `call/…` that names all its budgets; settling releases it and charges what was used. What a provider reports
// beyond the reservation is charged, shown as overrun, and blocks the budget. A reservation without a settlement after
// a crash is charged at its bound and marked in doubt (recover()); one of a call that waits in a provider's own batch
// (CallBound::posted) stands until it expires, since whoever starts next can settle it.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/money.h"
#include "identity/identity.h"
#include "journal/journal.h"
#include "journal/view.h"
#include "ledger/model_facts.h"
#include "ledger/price.h"

namespace steward::ledger {

enum class Period { kDay, kWeek, kMonth, kForever };

struct BudgetSpec {
  std::string name;
  Id scope;           // ten_, team_, usr_ or key_: whose calls it bounds
  NanoUsd limit = 0;  // may be 0: nothing may be spent
  Period period = Period::kForever;
  std::string
      time_zone;  // IANA; empty: the scope's owner's, else UTC. A period starts at the first instant of the local day
};

struct Budget {
  Id id;
  Id tenant;
  BudgetSpec spec;
  TimeUs period_start = 0;
  TimeUs period_end = 0;  // 0: never
  NanoUsd spent = 0;      // settled in this period
  NanoUsd reserved = 0;   // worst cases under way
  NanoUsd overrun = 0;    // reported beyond reservations in this period
  NanoUsd left() const { return spec.limit - spent - reserved; }
};

struct CallBound {
  Id call;  // "call_…", made by the gateway
  identity::Caller caller;
  std::string model;     // as routed: what the price is for
  std::string provider;  // "local" or a provider's name
  std::string endpoint;  // "chat", "completions", "embeddings"
  // None, or of a tool that may be used none: kPriceUnknown if any budget is over the call, else it is marked unpriced.
  std::optional<Price> price;
  int64_t input_tokens_bound = 0;  // exact count, else bytes
  int64_t n = 1;
  std::optional<int64_t> requested_output_tokens;  // per choice
  int64_t output_cap = 0;                          // the route's cap per choice (context left, model's limit)
  MayUse may_use;                                  // beside text: the dearest, unless the request tells less
  bool local = false;                              // overrun is impossible
  TimeUs expires_at = 0;                           // after which an unsettled reservation is charged at its bound
  bool posted = false;  // with a provider's own batch: outlives the process, and is no call under way of its key's
};

struct BudgetLeft {
  Id budget;
  std::string name;
  NanoUsd left;
  TimeUs renews_at;  // 0: never
};

struct RateState {  // for x-ratelimit-* ; limit 0: none
  int64_t limit_requests = 0, remaining_requests = 0;
  DurationUs reset_requests_us = 0;
  int64_t limit_tokens = 0, remaining_tokens = 0;
  DurationUs reset_tokens_us = 0;
};

struct Reservation {
  Id call;
  Id tenant;
  NanoUsd reserved = 0;
  int64_t output_tokens = 0;    // per choice: what the upstream may be asked for
  bool output_was_cut = false;  // smaller than asked or than the cap: told in a header
  std::vector<BudgetLeft> budgets;
  RateState rate;
  journal::Seq seq = 0;  // of its record: wait_durable before the client's first byte
};

enum class Outcome { kFinished, kClientGone, kUpstreamFailed, kDeadline, kCut, kRefusedUpstream, kInDoubt };

struct Settlement {
  Id call;
  Id tenant;
  Usage usage;
  Outcome outcome = Outcome::kFinished;
  std::string error;     // code, if it failed
  std::string attempts;  // what was tried before this deployment and why it was left, for the record; empty: nothing
  DurationUs duration_us = 0;
  DurationUs first_token_us = 0;  // 0: none came
};

struct Charge {
  NanoUsd cost = 0;
  Costs costs;  // by type
  NanoUsd overrun = 0;
  bool unpriced = false;  // it used a tool whose price nobody told: the cost lacks that
  std::vector<BudgetLeft> budgets;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual journal::Fold& fold() = 0;
  virtual std::vector<journal::View*> views() = 0;  // usage, budgets, calls

  // kBudgetExceeded, kRateLimited, kConcurrencyLimited, kPriceUnknown, kStoreUnavailable. Details of a refusal:
  // "budget", "left_nanousd", "needed_nanousd", "renews_at", "retry_after_us".
  virtual Task<Result<Reservation>> reserve(CallBound bound) = 0;
  virtual Task<Result<Charge>> settle(Settlement settlement) = 0;  // answers once written; settling twice is kConflict
  virtual Result<size_t> recover(TimeUs started_at) = 0;  // after start: charges what an earlier process left unsettled
  virtual Task<Result<size_t>> expire() = 0;              // charges what is past its expires_at; for a timer

  // A key and its budgets in one append: its first burst meets them. `scope` of each is filled in.
  virtual Task<Result<identity::NewKey>> create_key(identity::Caller actor, identity::KeySpec spec,
                                                    std::vector<BudgetSpec> budgets) = 0;

  virtual Task<Result<Budget>> set_budget(identity::Caller actor,
                                          BudgetSpec spec) = 0;  // by scope and name: makes or changes it
  virtual Task<Status> remove_budget(identity::Caller actor, Id budget) = 0;
  virtual Task<Result<std::vector<Budget>>> budgets(Id tenant) = 0;  // as they stand now
  virtual Task<Status> set_price(identity::Caller actor, std::string provider, std::string model, Price price) = 0;
  virtual void set_default_prices(std::map<std::string, Price> defaults) = 0;  // a changed configuration; any thread
  virtual std::optional<Price> price(const Id& tenant, std::string_view provider,
                                     std::string_view model) const = 0;     // any thread
  virtual std::map<std::string, Price> prices(const Id& tenant) const = 0;  // "provider/model" →
  // Which provider of the shipped table each configured one is: its `like`, or its own name. A changed configuration;
  // any thread.
  virtual void set_provider_kinds(std::map<std::string, std::string> kinds) = 0;
  // What the shipped table knows of a model at a provider of the configuration, by the same lookup as its price. Any
  // thread.
  virtual std::optional<ModelFacts> find_model_facts(std::string_view provider, std::string_view model) const = 0;
};

// `defaults`: prices from the configuration, by "provider/model" ("local/*" is 0 unless the owner sets one).
std::unique_ptr<Ledger> make_ledger(journal::Journal& journal, identity::Identity& identity,
                                    std::map<std::string, Price> defaults, Clock& clock, Random& random, Log log);

// Sums over the usage view, for `steward usage` and /admin/v1/usage.
struct UsageQuery {
  Id tenant;
  TimeUs from = 0, to = 0;            // [from, to); 0: open
  std::vector<std::string> group_by;  // of "key", "model", "day", "endpoint", "team", "owner"
  std::string time_zone = "UTC";      // of "day"
  Id key;                             // or empty
  std::string model;                  // or empty
  Id owner;                           // whose calls; or empty
};
struct UsageRow {
  std::map<std::string, std::string> group;
  int64_t calls = 0, failed = 0;
  int64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  int64_t cache_write_tokens = 0, reasoning_tokens = 0;
  int64_t tool_calls = 0;
  int64_t estimated = 0;  // of the calls: counted here, since the provider told nothing
  int64_t unpriced = 0;   // of the calls: nobody had told a price, or a tool's, so that this is in no cost
  NanoUsd cost = 0, overrun = 0;
  Costs costs;  // `cost` by type
};
Result<std::vector<UsageRow>> query_usage(journal::Db& db, const UsageQuery& query);

}  // namespace steward::ledger
