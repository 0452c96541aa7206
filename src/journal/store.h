// The writer's connection: turns drafts into rows of the chain. Writer thread only; inside the journal floor only.
//
// begin … append* … commit is one group. append checks a whole command before its first insert, so a refused command
// leaves nothing and the group goes on. DbError means the disk: the caller rolls the group back, and everything cached
// here is forgotten with it.
#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "journal/db.h"
#include "journal/digest.h"
#include "journal/record.h"

namespace steward::journal {

// What a draft may hold; over it kInvalidRequest. Larger content is a blob.
inline constexpr size_t kMaxBodyBytes = size_t{8} << 20;
inline constexpr size_t kMaxFieldBytes = 256;  // stream, kind, ids, label
inline constexpr size_t kMaxSources = 1'000;
inline constexpr size_t kMaxBlobsPerRecord = 1'000;
inline constexpr size_t kMaxDraftsPerAppend = 10'000;

class Store {
 public:
  using BlobCheck = std::function<bool(const Id& tenant, std::string_view blob)>;
  struct Head {
    int64_t number = 0;
    Seq seq = 0;
    std::string digest;
    bool changed = false;
  };

  Store(std::filesystem::path path, const char* vfs, Clock& clock, Random& random, BlobCheck blob_stored);
  void open();   // throws DbError
  void close();  // idempotent
  bool is_open() const { return db_.has_value(); }
  Db& db() { return *db_; }

  void begin();
  void commit();
  void rollback() noexcept;
  void probe();  // a small write of its own: throws DbError while the disk refuses

  Result<std::vector<Record>> append(const Id& tenant, std::vector<Draft> drafts);
  // Body, salt and blob references go; header, digests and body_digest stay. Inside a group, after the record that says
  // so.
  void tombstone(const Id& tenant, Seq seq);
  Head* find_head(const Id& tenant);                      // null if the tenant has no record
  std::vector<std::pair<Id, Seq>> changed_heads() const;  // of the open group

 private:
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

  Status check(const Id& tenant, const std::vector<Draft>& drafts);
  Status check_versions(const Head& head, const std::vector<Draft>& drafts);
  Head& head_for(const Id& tenant);
  uint64_t& stream_version(int64_t tenant_number, const std::string& stream);
  Record complete(const Id& tenant, const Head& head, Draft& draft);
  void insert(Head& head, const Record& record, const std::vector<std::string>& blobs);
  std::string random_bytes(size_t n);
  void forget();

  std::filesystem::path path_;
  const char* vfs_;
  Clock& clock_;
  Random& random_;
  BlobCheck blob_stored_;
  ChainHasher hasher_;
  std::optional<Db> db_;
  bool in_group_ = false;
  std::unordered_map<Id, Head> heads_;
  std::unordered_map<StreamKey, uint64_t, StreamHash> versions_;
  std::string random_pool_;
  size_t random_used_ = 0;
};

}  // namespace steward::journal
