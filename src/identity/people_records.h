// The records of people, and the one rule by which they are folded: of each thing (a person, a credential, a session, a
// link) the last record of each kind holds. The in-memory fold and the view share these functions. An erased record
// keeps its place with an empty body, so that erasing live and replaying afterwards come out alike.
//
//   person.described   person/usr_…       {email}
//   person.settings    person/usr_…       {values}
//   credential.set     credential/cred_…  {person, kind, sealed}     kind: "password" (later "passkey", "oidc")
//   session.opened     session/ses_…      {person, tag, browser, address, expires_at, idle_us}
//   session.seen       session/ses_…      {}
//   session.ended      session/ses_…      {reason}                   the thing goes
//   link.made          link/link_…        {kind, tag, person, name, email, role, teams, expires_at}
//   link.used          link/link_…        {person}
//   link.withdrawn     link/link_…        {}
//
// `sealed` is an argon2id hash under the home's master key, `tag` an HMAC of a token with a key drawn from it: neither
// an export nor a copy of the journal holds what a password or a token could be guessed against. Records about somebody
// name them as their source, so that erasing the person finds them all.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "identity/identity.h"
#include "journal/record_kind.h"

namespace steward::identity {

inline constexpr journal::RecordKind kPeopleRecordKinds[] = {
    {"person.described"}, {"person.settings"}, {"credential.set"}, {"session.opened"}, {"session.seen"},
    {"session.ended"},    {"link.made"},       {"link.used"},      {"link.withdrawn"},
};

enum class LinkKind { kFirst, kInvitation, kRecovery };

struct Credential {
  Id id, person;
  std::string kind;
  std::string sealed;
  TimeUs set_at = 0;
};

struct Session {
  Id id, tenant, person;
  std::string tag;
  std::string browser, address;
  TimeUs opened_at = 0, seen_at = 0, expires_at = 0;
  DurationUs idle_us = 0;
  TimeUs idle_expires_at() const { return seen_at + idle_us; }
};

struct Link {
  Id id, tenant;
  LinkKind kind = LinkKind::kInvitation;
  std::string tag;
  Id person;  // whom it lets in; empty: an invitation makes a new one
  std::string name, email;
  Role role = Role::kMember;
  std::set<Id> teams;
  Id made_by;
  TimeUs made_at = 0, expires_at = 0, used_at = 0;
  Id used_by;
  bool withdrawn = false;
};

bool is_of_people(std::string_view kind);
// Puts the record into its thing. False: the thing ends with it.
bool fold_thing(Json& thing, const journal::Record& record);
// What erasing the record `seq` takes from a thing. False: it had nothing of it.
bool erase_from_thing(Json& thing, journal::Seq seq);
std::vector<journal::Seq> seqs_of_thing(const Json& thing);

Credential credential_of(const Id& id, const Json& thing);
Session session_of(const Id& id, const Json& thing);
Link link_of(const Id& id, const Json& thing);
std::string email_of(const Json& thing);
Json settings_of(const Json& thing);

std::string_view to_text(Role role);
std::optional<Role> role_from_text(std::string_view text);
std::string_view to_text(LinkKind kind);

}  // namespace steward::identity
