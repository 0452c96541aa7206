// Names to addresses, handed in so that a test can lie. Asked once for each hop of a guarded fetch.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/error.h"

namespace steward::net {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // Addresses as inet_ntop writes them, in the order in which to try them; at least one. kUrlFailed: there is none, or
  // it took too long. On the calling coroutine's executor.
  virtual Task<Result<std::vector<std::string>>> resolve(std::string host, std::chrono::milliseconds within) = 0;
};

std::unique_ptr<Resolver> make_resolver();  // the system's; any thread

}  // namespace steward::net
