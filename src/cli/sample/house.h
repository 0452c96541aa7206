// What a sample home has beside conversations: people, teams, keys, budgets, prices, projects, shares. home.json lists
// them as steps; each is made by the part of the server that makes it when somebody asks, as the home's owner.
#pragma once
#include <map>
#include <string>

#include "base/json.h"
#include "cli/sample/clock.h"
#include "identity/people.h"

namespace steward::cli {

class SampleHouse {
 public:
  SampleHouse(server::Core& core, Random& random) : core_(core), random_(random) {}

  void name(std::string title, Id conversation) { ids_[std::move(title)] = std::move(conversation); }
  // kConfig: the step is none that is known, or names what isn't there yet.
  Status make(const Json& step);

 private:
  using Make = Status (SampleHouse::*)(const Json&);
  Status team(const Json& step);
  Status person(const Json& step);
  Status invitation(const Json& step);
  Status key(const Json& step);
  Status revoked(const Json& step);
  Status budget(const Json& step);
  Status price(const Json& step);
  Status setting(const Json& step);
  Status project(const Json& step);
  Status place(const Json& step);
  Status share(const Json& step);

  Result<Id> id_of(const std::string& name) const;
  Result<identity::NewLink> link_for(const Json& step);
  Status views_stand();  // what was appended is folded: pages read that

  server::Core& core_;
  Random& random_;
  std::map<std::string, Id> ids_;  // of everything, by name
  std::string password_;           // a hash of a password that nobody knows
};

}  // namespace steward::cli
