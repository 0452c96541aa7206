// Moving a whole journal from one store to the other, and back: row for row, with ids, digests and what is erased, so
// that the copy is the same history. Blobs, secrets and erasures.log stay in the home, which both share; between two
// homes the blobs that records name are copied too. Inside the journal floor; the command is `steward journal copy`.
//
// Both ends are held against servers while it runs. The target must hold no records, or the beginning of the very same
// history: then the copy goes on where an earlier one was cut off. At the end the target's whole chain is verified
// against the source's heads.
#pragma once
#include <functional>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "journal/audit.h"
#include "journal/location.h"

namespace steward::journal {

struct CopyReport {
  uint64_t records = 0;  // copied now
  uint64_t found = 0;    // that an earlier copy had brought
  uint64_t blobs = 0;
  std::vector<Head> heads;
};

using CopyProgress = std::function<void(uint64_t copied, uint64_t of)>;

Result<CopyReport> copy_journal(const Location& from, const Location& to, const CopyProgress& progress);

// The inner part, over two stores that are open already: also how a backup of PostgreSQL is written.
class Scan;
class Store;
Result<CopyReport> copy_records(Scan& from, Store& to, const CopyProgress& progress);

}  // namespace steward::journal
