// A record: one thing that happened, appended to a tenant's chain and never changed (but for erasure, which takes its
// body and salt).
//
// The header (every field but body and salt) holds opaque ids only, never names, addresses or titles. digest =
// SHA-256(the tenant's previous digest ‖ header ‖ body_digest), body_digest = SHA-256(salt ‖ body): see
// docs/architecture.md, "Digest bytes".
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace steward::journal {

using Seq = uint64_t;  // gapless per tenant, from 1

struct Record {
  Id tenant;
  Seq seq = 0;
  Id id;
  std::string stream;    // "run/run_01…", "call/call_01…"
  uint64_t version = 0;  // in its stream, from 1
  std::string kind;      // "call.reserved"
  uint32_t schema = 1;   // of the body; upcasters lift older ones on read
  TimeUs time = 0;
  Id actor;                 // principal that did it
  Id on_behalf_of;          // or empty
  Id cause;                 // the record it follows from, or empty
  std::vector<Id> sources;  // what it was drawn from: erasing one finds what hangs on it
  Id acl;                   // interned set of principals, or empty: the tenant's default
  std::string label;        // trust label: owner, colleague, tool, outside, system
  std::string body;         // stored bytes of JSON; empty once erased
  bool erased = false;
  std::string salt;         // 32 raw bytes; empty once erased
  std::string body_digest;  // 32 raw bytes
  std::string digest;       // 32 raw bytes
};

// What a writer hands in; the journal adds tenant, seq, version, time (if 0), id (if empty), salt and digests.
struct Draft {
  std::string stream;
  std::string kind;
  std::string body;  // JSON text
  uint32_t schema = 1;
  Id id;
  TimeUs time = 0;
  Id actor;
  Id on_behalf_of;
  Id cause;
  std::vector<Id> sources;
  Id acl;
  std::string label = "system";
  std::optional<uint64_t>
      expected_version;            // the stream's version before this batch; kConflict if it is another. Empty: any
  std::vector<std::string> blobs;  // blob ids this record names (counted)
};

}  // namespace steward::journal
