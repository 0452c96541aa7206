// People: who may sign in, how they came in, and what they are signed in with.
//
// A person is a principal (usr_…) of identity; here stand their address, their credentials, their sessions and the
// links that let them in. Tokens (of sessions and links) are 32 random bytes, told once; the journal holds an HMAC of
// them. Passwords come in as argon2id hashes (identity/password.h), and are sealed before they are written. Whoever
// calls has asked may() already where another than the person itself acts; what is decided against the state (a link
// used once, a name taken, the last owner) is decided on the writer thread.
//
// Any thread may read and call; a change answers once it is durable.
#pragma once
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "identity/people_state.h"

namespace steward::identity {

// Who is signed in: what they act as, and by which session.
struct SignedIn {
  Caller caller;
  Id session;
};

struct NewSession {
  Session session;
  std::string token;
};

struct NewLink {
  Link link;
  std::string token;
};

struct LinkSpec {
  LinkKind kind = LinkKind::kInvitation;
  Id person;  // of first and recovery
  std::string name, email;
  Role role = Role::kMember;
  std::set<Id> teams;
  DurationUs lasts_us = 0;
};

// What somebody tells of themselves as they come in by a link.
struct Newcomer {
  std::string name, email, time_zone;
  std::string password_hash;
};

struct SessionSpec {
  Id person;
  std::string browser, address;
  DurationUs lasts_us = 0, idle_us = 0;
};

struct Change {  // of a person; what is not given stays
  std::optional<std::string> name, time_zone, email;
  std::optional<Role> role;
};

class People {
 public:
  People(journal::Journal& journal, Identity& identity, Clock& clock, Random& random, std::string sealing_key, Log log);

  journal::Fold& fold() { return state_; }
  journal::View& view() { return view_; }
  const PeopleState& state() const { return state_; }

  // The person as they are now, with the role of this moment; kSessionEnded. Remembers that it was seen.
  Result<SignedIn> authenticate(std::string_view session_token);
  Result<Session> find_session(std::string_view session_token) const;
  bool is_open(const Id& session) const;
  std::string csrf_token(std::string_view session_token) const;
  TimeUs seen_at(const Session& session) const;
  void note_sessions_every(DurationUs span) { noted_every_us_ = span; }  // how stale the journal's idea may grow

  // Who signs in under a name or an address; none if nobody, or several.
  std::optional<Id> find_by_login(std::string_view login) const;
  std::optional<std::string> password_hash(const Id& person) const;
  bool has_credential(const Id& person) const { return !state_.credentials_of(person).empty(); }
  Role role_of(const Id& person) const;

  Result<Link> look_up(std::string_view link_token) const;  // kLinkInvalid, kLinkUsed, kLinkExpired
  Task<Result<NewLink>> make_link(Caller actor, LinkSpec spec);
  Task<Result<Link>> withdraw_link(Caller actor, Id link);
  // Spends the link: makes the person of an invitation, sets the password, ends the sessions of a recovered one.
  Task<Result<Id>> come_in(std::string link_token, Newcomer newcomer);

  Task<Result<NewSession>> open_session(Id tenant, SessionSpec spec);
  Task<Result<size_t>> end_sessions(Caller actor, Id person, Id but, std::string reason);  // `but` may be empty
  Task<Status> end_session(Caller actor, Id session, std::string reason);
  Task<Status> set_password(Caller actor, Id person, std::string password_hash, Id keep_session);
  Task<Status> change(Caller actor, Id person, Change change);
  Task<Status> change_settings(Caller actor, Id person, Json values);
  Task<Status> end_expired();  // for a timer

 private:
  std::string new_token();
  std::string tag_of(std::string_view token) const;
  std::string seal_hash(const Id& credential, const std::string& hash);
  bool expired(const Session& session) const;
  void touch(const Session& session);
  journal::Decision link_decision(Caller actor, LinkSpec spec, Id id, std::string tag);
  journal::Decision come_in_decision(std::string tag, Newcomer newcomer, std::shared_ptr<Id> person);

  journal::Journal& journal_;
  Identity& identity_;
  Clock& clock_;
  Random& random_;
  IdMaker ids_;
  std::string key_;
  Log log_;
  PeopleState state_;
  PeopleView view_;
  std::atomic<DurationUs> noted_every_us_ = 600LL * kSecondUs;
  mutable std::mutex seen_mutex_;
  std::unordered_map<Id, TimeUs> seen_;  // sessions, later than the journal knows
};

}  // namespace steward::identity
