// The fold of identity: what every record so far has made of tenants, principals, keys and ACLs.
//
// The writer thread alone changes it. Others read the immutable snapshot, which is made anew by the first reader after
// a change (so that replaying a hundred thousand records copies nothing). Reading an unchanged snapshot takes no lock.
#pragma once
#include <atomic>
#include <mutex>

#include "base/json.h"
#include "identity/identity.h"

namespace steward::identity {

class State final : public journal::Fold {
 public:
  void reset() override;
  journal::Seq load(journal::Db& views, const Id& tenant) override;
  void apply(const journal::Record& record) override;

  std::shared_ptr<const Snapshot> snapshot() const;
  // For decisions on the writer thread: with every record so far, also those of the same group commit.
  const Snapshot& now() const { return now_; }
  std::optional<Id> find_acl(const Id& tenant, const std::set<Id>& principals) const;
  std::string dump() const;  // canonical, for comparing two folds

 private:
  void apply_key(const journal::Record& record, const Json& body);
  void apply_principal(const journal::Record& record, const Json& body);
  void apply_erasure(const journal::Record& record);
  void put_key(Key key);
  void put_acl(Acl acl);

  mutable std::mutex mutex_;  // between the writer's changes and a reader's copy
  mutable std::atomic<bool> changed_{true};
  mutable std::atomic<std::shared_ptr<const Snapshot>> published_;
  Snapshot now_;
  std::unordered_map<std::string, Id> acl_by_set_;
};

std::string acl_set_key(const Id& tenant, const std::set<Id>& principals);

}  // namespace steward::identity
