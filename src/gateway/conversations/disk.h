// Large content beside the journal, as the state of Responses needs it: handed in, since blobs and the threads that may
// block are the server's.
#pragma once
#include <functional>
#include <string>

#include "base/async.h"
#include "base/error.h"
#include "base/id.h"

namespace steward::gateway {

struct BlobDisk {
  std::function<Task<Result<std::string>>(Id tenant, std::string bytes)> put;  // answers the blob's id, once synced
  std::function<Task<Result<std::string>>(Id tenant, std::string blob)> get;
  std::function<Task<void>(Id tenant, Id actor)> purge;  // soon takes what was erased before out of every file
};

inline constexpr size_t kInlineBytes = 32 * 1024;  // content up to here stands in the record itself

}  // namespace steward::gateway
