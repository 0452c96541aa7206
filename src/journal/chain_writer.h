// Turns drafts into records of the chain, over any store: checks, numbers, versions, salts, digests. Writer thread
// only; inside the journal floor only.
//
// begin … append* … commit is one group. append checks a whole command before its first insert, so a refused command
// leaves nothing and the group goes on. DbError means the store: the caller rolls the group back, and everything cached
// here is forgotten with it.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "journal/digest.h"
#include "journal/record.h"
#include "journal/store.h"

namespace steward::journal {

// What a draft may hold; over it kInvalidRequest. Larger content is a blob.
inline constexpr size_t kMaxBodyBytes = size_t{8} << 20;
inline constexpr size_t kMaxFieldBytes = 256;  // stream, kind, ids, label
inline constexpr size_t kMaxSources = 1'000;
inline constexpr size_t kMaxBlobsPerRecord = 1'000;
inline constexpr size_t kMaxDraftsPerAppend = 10'000;

class ChainWriter {
 public:
  using BlobCheck = std::function<bool(const Id& tenant, std::string_view blob)>;

  // `kinds`: those that may be written; empty: any.
  ChainWriter(Store& store, Clock& clock, Random& random, const std::vector<std::string>& kinds, BlobCheck blob_stored);
  Store& store() { return store_; }

  void begin();
  void commit();
  void rollback() noexcept;
  void forget();  // what is cached, since somebody else may have written

  Result<std::vector<Record>> append(const Id& tenant, std::vector<Draft> drafts);
  // Body, salt and blob references go; header, digests and body_digest stay. Inside a group, after the record that says
  // so.
  void tombstone(const Id& tenant, Seq seq);
  const StoredHead* find_head(const Id& tenant);  // null if the tenant has no record
  std::vector<StoredHead> changed_heads() const;  // of the open group

 private:
  struct Head : StoredHead {
    bool changed = false;
  };
  struct StreamKey {
    int64_t tenant;
    std::string stream;
    bool operator==(const StreamKey&) const = default;
  };
  struct StreamHash {
    size_t operator()(const StreamKey& k) const {
      return std::hash<std::string>{}(k.stream) ^ static_cast<size_t>(k.tenant);
    }
  };

  Status check(const Id& tenant, const std::vector<Draft>& drafts) const;
  // One question to the store for the whole command: ids that are taken, versions that are not in the cache.
  Status look_up(const Head* head, const std::vector<Draft>& drafts);
  Status check_versions(const Head* head, const std::vector<Draft>& drafts);
  Head* cached_head(const Id& tenant);
  Head& head_for(const Id& tenant);
  uint64_t& stream_version(int64_t tenant_number, const std::string& stream) {
    return versions_[{tenant_number, stream}];  // looked up before: one that is not there is new
  }
  Record complete(const Id& tenant, const Head& head, Draft& draft);
  void insert(Head& head, const Record& record, const std::vector<std::string>& blobs);
  std::string random_bytes(size_t n);

  Store& store_;
  Clock& clock_;
  Random& random_;
  std::unordered_set<std::string> kinds_;
  BlobCheck blob_stored_;
  ChainHasher hasher_;
  std::unordered_map<Id, Head> heads_;
  std::unordered_map<StreamKey, uint64_t, StreamHash> versions_;
  std::string random_pool_;
  size_t random_used_ = 0;
};

}  // namespace steward::journal
