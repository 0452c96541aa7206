// Reading a journal where it is stored: one read connection, whichever store is behind it. Inside the journal floor
// only; others use Journal, or the functions of audit.h.
//
// One thread at a time. What can't be read throws DbError. Between begin_snapshot and end_snapshot every answer is of
// one moment, whatever a writer appends meanwhile.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/db.h"
#include "journal/record.h"

namespace steward::journal {

enum class Erasure { kNone = 0, kHidden = 1, kPurged = 2 };

// A tenant's row: its number in this store, the seq and digest of its last record.
struct StoredHead {
  Id tenant;
  int64_t number = 0;
  Seq seq = 0;
  std::string digest;
};

// A record with all that its store keeps of it.
struct StoredRow {
  Record record;
  Erasure erasure = Erasure::kNone;
  std::vector<std::string> blobs;
};

struct BlobName {
  Id tenant;
  std::string blob;
  auto operator<=>(const BlobName&) const = default;
};

inline constexpr std::string_view kErasuresApplied = "erasures_log_bytes";  // how much of erasures.log is applied

class Scan {
 public:
  virtual ~Scan() = default;
  virtual void begin_snapshot() = 0;
  virtual void end_snapshot() = 0;

  virtual std::vector<StoredHead> heads() = 0;  // of every tenant, in the order of their numbers
  virtual std::vector<Record> page(const Id& tenant, Seq after, size_t limit) = 0;
  virtual std::vector<Record> stream_page(const Id& tenant, std::string_view stream, uint64_t after_version,
                                          size_t limit) = 0;
  virtual std::optional<Record> find(const Id& record_id) = 0;
  virtual std::optional<std::string> digest_at(const Id& tenant, Seq seq) = 0;

  // For copies: the same page with what stands beside the records.
  virtual std::vector<StoredRow> rows(const Id& tenant, Seq after, size_t limit) = 0;
  virtual std::vector<BlobName> named_blobs() = 0;  // that some record names
  // Blobs that an erasure took a reference from; `unnamed`: only those that no record names any more.
  virtual std::vector<BlobName> doomed_blobs(bool unnamed) = 0;
  virtual int64_t meta(std::string_view key) = 0;  // 0 if it is not there
  virtual bool has_hidden() = 0;                   // whether anything waits to be purged
  virtual std::string self_check() = 0;            // empty, or what the database itself finds wrong
};

// What belongs to a tenant with records.
std::vector<std::pair<Id, Seq>> filled_heads(Scan& scan);

}  // namespace steward::journal
