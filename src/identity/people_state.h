// The fold of people: persons' addresses and settings, credentials, open sessions and links, as the records so far have
// made them; and its table, from which it loads at start.
//
// The writer thread alone changes it; any thread may look things up, under a lock that is held for one look-up.
#pragma once
#include <shared_mutex>
#include <unordered_map>

#include "identity/people_records.h"
#include "journal/view.h"

namespace steward::identity {

class PeopleState final : public journal::Fold {
 public:
  void reset() override;
  journal::Seq load(journal::Db& views, const Id& tenant) override;
  void apply(const journal::Record& record) override;

  std::optional<Session> session_by_tag(const std::string& tag) const;
  std::optional<Session> session(const Id& id) const;
  std::vector<Session> sessions_of(const Id& person) const;  // oldest first
  std::vector<Session> sessions() const;
  std::optional<Link> link_by_tag(const std::string& tag) const;
  std::optional<Link> link(const Id& id) const;
  std::vector<Link> links() const;
  std::optional<Credential> credential(const Id& person, std::string_view kind) const;
  std::vector<Credential> credentials_of(const Id& person) const;
  std::string email(const Id& person) const;
  Json settings(const Id& person) const;
  std::vector<Id> with_email(const std::string& folded) const;  // persons
  std::string dump() const;                                     // canonical, for comparing two folds

 private:
  void put(const Id& id, const Json& thing);
  void drop(const Id& id);

  mutable std::shared_mutex mutex_;
  std::map<Id, Json> things_;
  std::map<Id, Session> sessions_;
  std::map<Id, Link> links_;
  std::map<Id, Credential> credentials_;
  std::unordered_map<std::string, Id> by_tag_;  // sessions and links
  std::map<Id, std::string> emails_;            // person → as written
};

class PeopleView final : public journal::View {
 public:
  static constexpr std::string_view kName = "people";
  static constexpr int kVersion = 1;
  std::string_view name() const override { return kName; }
  int version() const override { return kVersion; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;
};

}  // namespace steward::identity
