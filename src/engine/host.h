// One local model and, while it is loaded, its process. The supervisor (supervisor.h) moves it from state to state;
// callers hold leases.
//
// All fields but the constant ones are guarded by the supervisor's mutex.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "engine/catalog.h"
#include "engine/child.h"

namespace steward::engine {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Host {
  CatalogEntry entry;  // state, problem and resident_bytes in entry.model change
  std::filesystem::path socket;
  std::shared_ptr<Child> child;
  uint64_t generation = 0;  // counts processes
  int leases = 0;
  bool suspect = false;  // a caller saw it fail: it gets no new calls until it was looked at
  bool gone = false;     // no longer in the catalog: ends once it is free
  SteadyTime last_used = {};
  SteadyTime retry_at = {};  // after a failure: until then it is refused at once
  int failures = 0;          // in a row
  Error failure{ErrorCode::kModelUnavailable};
};

}  // namespace steward::engine
