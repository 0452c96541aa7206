// What a route is: a model name that leads to deployments (a model at a provider, or a local one) in an order or by
// weight, each with conditions, and how patiently they are tried.
//
// A deployment is one line of words: the model, then what must hold for it to be asked.
//   "openai/gpt-4.1-mini weight=3 input<=100k tools=no hours=08:00-18:00 days=mon-fri tag.team=support|sales"
// conditions.cc holds the one table of these words: parser, checks, "did you mean" and docs come from it. Values are
// immutable once made; any thread may read one.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_fwd.h"
#include "base/money.h"
#include "gateway/routing/facts.h"

namespace steward::gateway::routing {

inline constexpr size_t kMaxDeployments = 32;        // of one route
inline constexpr size_t kMaxConditionWords = 16;     // of one deployment
inline constexpr size_t kMaxDeploymentBytes = 1024;  // of one line

// One condition as it was said, and the test that it is.
struct Condition {
  enum class What {
    kKey,
    kTag,
    kInputAtMost,
    kInputAtLeast,
    kTools,
    kImages,
    kDocuments,
    kHours,
    kDays,
    kCostAtMost,
    kDeadlineAtMost,
    kDeadlineAtLeast
  };
  What what;
  std::string text;                 // "input<=100k": for reasons
  std::string name;                 // of a tag, or of a time zone
  std::vector<std::string> values;  // any of these
  int64_t amount = 0;               // tokens, nano-dollars or microseconds
  bool yes = false;
  int from_minute = 0, to_minute = 0;  // of the local day; from > to: over midnight
  unsigned days = 0;                   // bit 0 is Monday
};

struct Deployment {
  std::string model;   // "provider/model", or a local model's name
  int64_t weight = 1;  // share among those that may be asked, where the route is weighted; 0: only when others failed
  std::string zone;    // IANA, of hours and days; empty: the route's
  std::vector<Condition> conditions;

  // kInvalidRequest says which word is wrong and the nearest known one.
  static Result<Deployment> parse(std::string_view line);
  std::string text() const;  // parses to the same
};

// Nullopt: it holds. Else why not: "input<=100k: about 240,000 tokens".
std::optional<std::string> unmet(const Condition& condition, const RouteFacts& facts, const DeploymentFacts& deployment,
                                 std::string_view zone);
bool is_time_zone(std::string_view name);
std::string condition_docs();  // a Markdown table, for docs/routing.md

enum class Order { kListed, kWeighted };

struct Route {
  std::string name;
  std::string doc;      // a sentence for people, or empty
  std::string origin;   // "default", "file", "setting", …; "model" for a plain model's name
  bool offered = true;  // listed in /v1/models; false for a plain model's own route
  Order order = Order::kListed;
  std::vector<Deployment> deployments;
  int retries = 1;                  // further rounds through the deployments that failed for a moment
  DurationUs backoff_us = 250'000;  // before the first further round at most; doubles; the wait is random in [0, it]
  DurationUs backoff_max_us = 8'000'000;
  DurationUs max_wait_us = 20'000'000;    // the longest wait for a provider's rate limit
  DurationUs first_byte_us = 0;           // of one attempt; 0: as the provider's
  DurationUs between_bytes_us = 0;        // 0: as the provider's
  DurationUs total_us = 0;                // of the whole call with all attempts; 0: as limits.call_timeout_ms
  DurationUs hedge_after_us = 0;          // 0: no second attempt while the first is silent
  DurationUs keep_alive_us = 15'000'000;  // silence after which a streaming client gets a comment line; 0: never
  bool affinity = true;
  std::optional<NanoUsd> max_cost;  // of one call's worst case, at any deployment
  std::string zone = "UTC";

  Json to_json() const;
};

// The route that a plain model's name is.
std::shared_ptr<const Route> route_of_model(const std::string& model, const Route& like);

}  // namespace steward::gateway::routing
