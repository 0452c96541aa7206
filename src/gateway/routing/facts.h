// What a decision is made from: facts of the request, and facts of each deployment. Plain values, filled in by the
// gateway from its own form of a request; no dialect and no provider is known here.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "base/money.h"

namespace steward::gateway::routing {

struct RouteFacts {
  std::string model;          // as asked for: a route or a model
  std::string kind = "chat";  // or "embedding"
  Id tenant, key;             // key: empty over the home's socket
  std::string key_name;
  std::map<std::string, std::string> tags;  // the key's, and the request's where the key has none of that name
  int64_t input_tokens = 0;                 // estimated
  int64_t output_tokens = 0;                // the caller's own limit; 0: none was said
  bool tools = false, images = false, documents = false, streamed = false;
  std::string affinity;             // affinity.h makes it; empty: none
  std::optional<NanoUsd> max_cost;  // the caller's ceiling for this call (x-steward-max-cost-usd)
  DurationUs deadline_us = 0;       // how long the caller waits in all (x-steward-deadline); 0: not said
  DurationUs hedge_after_us = 0;    // the caller's wish (x-steward-hedge-after); 0: as the route says
  TimeUs now_us = 0;                // wall clock, for hours and days
};

struct DeploymentFacts {
  std::string unusable;  // why it can't be asked at all ("there is no such model"); empty: it can
  std::string kind = "chat";
  bool local = false;
  bool key_refused = false;                      // its provider refused the key the last time it was asked
  int64_t context_tokens = 0;                    // 0: unknown
  std::optional<bool> tools, images, documents;  // unset: nobody said, so it is tried
  DurationUs first_byte_us = 0;                  // the provider's own deadline to the first byte of content
  std::optional<NanoUsd> cost_bound;             // worst case of this call there; unset: it has no price
};

// Synchronous and cheap: asked for each deployment of a route on the caller's thread.
using Describe = std::function<DeploymentFacts(const std::string& deployment, const RouteFacts& facts)>;

}  // namespace steward::gateway::routing
