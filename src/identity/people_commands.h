// What a change of people needs to be allowed, and the drafts it becomes: pure functions of the folds, called on the
// writer thread.
#pragma once
#include "identity/commands.h"
#include "identity/people.h"

namespace steward::identity {

inline constexpr size_t kPersonTeamLimit = 100;
inline constexpr size_t kSettingsBytes = 64 * 1024;

struct PeopleNow {
  const Snapshot& identity;
  const PeopleState& people;
  TimeUs now;
};

Role role_in(const Snapshot& identity, const Id& tenant, const Id& person);
// Nobody else who can sign in goes by it.
Status check_free(const PeopleNow& now, const Id& person, std::string_view name, std::string_view email);
Status check_name(std::string_view name);
Status check_zone(std::string_view zone);

journal::Draft people_draft(const Caller& actor, const Id& about, std::string kind, const Json& body, const Id& person,
                            TimeUs now);
Drafts decide_link(const PeopleNow& now, const Caller& actor, const Link& link);
// `fresh_person` and `fresh_credential` are ids to use where none is known; answers who came in by `person`.
struct ComeIn {
  Link link;
  Newcomer newcomer;
  Id fresh_person, fresh_credential;
  std::string sealed;
};
Drafts decide_come_in(const PeopleNow& now, const ComeIn& what, Id& person);
Drafts decide_change(const PeopleNow& now, const Caller& actor, const Id& person, const Change& change);
Drafts ended_sessions(const PeopleNow& now, const Caller& actor, const Id& person, const Id& but,
                      std::string_view reason);

}  // namespace steward::identity
