#include "identity/people_commands.h"

#include <date/tz.h>

#include "base/text.h"
#include "identity/password.h"
#include "identity/records.h"

namespace steward::identity {
namespace {

std::unexpected<Error> invalid(std::string param, std::string_view reason, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::move(param)}, {"reason", reason}});
}

std::unexpected<Error> conflict(std::string_view reason, std::string message) {
  return fail(ErrorCode::kConflict, std::move(message), {{"reason", reason}});
}

const Principal* find_person(const PeopleNow& now, const Id& tenant, const Id& id) {
  const auto it = now.identity.principals.find(id);
  const bool good = it != now.identity.principals.end() && it->second.tenant == tenant;
  return good && it->second.kind == PrincipalKind::kUser ? &it->second : nullptr;
}

std::unexpected<Error> no_person(const Id& id) {
  return fail(ErrorCode::kNotFound, fmt::format("There is no person '{}' here.", id.substr(0, 80)), {{"id", id}});
}

journal::Draft about_principal(const Caller& actor, const Id& person, std::string kind, const Json& body, TimeUs now) {
  journal::Draft draft = draft_of(actor, person, std::move(kind), body, now);
  draft.sources = {person};
  return draft;
}

std::string stream_of_people(const Id& id) {
  const std::string_view prefix = std::string_view(id).substr(0, id.find('_'));
  if (prefix == "ses") return "session/" + id;
  if (prefix == "cred") return "credential/" + id;
  return fmt::format("{}/{}", prefix == "usr" ? "person" : prefix, id);
}

// Nobody keeps more than they may as another role: the admin keys of one who is no owner any more end with it.
void revoke_admin_keys(const PeopleNow& now, const Caller& actor, const Id& person, std::vector<journal::Draft>& out) {
  for (const auto& [id, key] : now.identity.keys) {
    if (key->tenant == actor.tenant && key->spec.owner == person && key->spec.admin && !key->revoked)
      out.push_back(draft_of(actor, id, "key.revoked", Json::object(), now.now));
  }
}

}  // namespace

Role role_in(const Snapshot& identity, const Id& tenant, const Id& person) {
  if (const auto owner = identity.tenant_owner.find(tenant);
      owner != identity.tenant_owner.end() && owner->second == person)
    return Role::kOwner;
  const auto it = identity.principals.find(person);
  return it == identity.principals.end() ? Role::kGuest : it->second.role;
}

Status check_name(std::string_view name) {
  if (trim(name).empty()) return invalid("name", "name_missing", "A name is needed.");
  if (name.size() > kNameLimit)
    return invalid("name", "name_long", fmt::format("'name' is longer than {} bytes.", kNameLimit));
  if (!is_valid_utf8(name)) return fail(ErrorCode::kInvalidUtf8);
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(name, control)) return invalid("name", "name_control", "'name' holds control characters.");
  if (name.find('@') != std::string_view::npos)
    return invalid("name", "name_is_address", "A name has no '@': give the address as the e-mail address.");
  return {};
}

Status check_zone(std::string_view zone) {
  if (zone.empty()) return {};
  try {
    date::locate_zone(std::string(zone));
  } catch (const std::exception&) {
    return invalid("time_zone", "time_zone_unknown",
                   fmt::format("'{}' is no time zone; it is written like Europe/Berlin.", zone));
  }
  return {};
}

Status check_free(const PeopleNow& now, const Id& person, std::string_view name, std::string_view email) {
  const std::string folded = folded_name(name);
  for (const auto& [id, other] : now.identity.principals) {
    if (id == person || name.empty() || other.kind != PrincipalKind::kUser || folded_name(other.name) != folded)
      continue;
    if (!now.people.credentials_of(id).empty())
      return invalid("name", "name_taken",
                     "Somebody here goes by that name already; choose another, for example with an initial.");
  }
  if (email.empty()) return {};
  if (!has_email_form(email))
    return invalid("email", "email_wrong", "That is no e-mail address; it is written like anna@example.org.");
  for (const Id& id : now.people.with_email(folded_name(email))) {
    if (id != person)
      return invalid("email", "email_taken", "That e-mail address is taken here; sign in with it, or give another.");
  }
  return {};
}

journal::Draft people_draft(const Caller& actor, const Id& about, std::string kind, const Json& body, const Id& person,
                            TimeUs now) {
  journal::Draft draft = draft_of(actor, about, std::move(kind), body, now);
  draft.stream = stream_of_people(about);
  draft.sources = {person.empty() ? about : person};  // of an invitation nobody has taken yet: the link itself
  return draft;
}

Drafts decide_link(const PeopleNow& now, const Caller& actor, const Link& link) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  if (link.kind == LinkKind::kInvitation) {
    if (!link.name.empty()) {
      if (auto ok = check_name(link.name); !ok) return fail(ok.error());
    }
    if (auto ok = check_free(now, "", link.name, link.email); !ok) return fail(ok.error());
    if (link.teams.size() > kPersonTeamLimit) return invalid("teams", "teams_many", "At most 100 teams can be named.");
    for (const Id& team : link.teams) {
      const auto it = now.identity.principals.find(team);
      if (it == now.identity.principals.end() || it->second.kind != PrincipalKind::kTeam ||
          it->second.tenant != actor.tenant)
        return fail(ErrorCode::kNotFound, fmt::format("There is no team '{}' here.", team.substr(0, 80)));
    }
  } else {
    const Principal* person = find_person(now, actor.tenant, link.person);
    if (!person) return no_person(link.person);
    if (person->disabled)
      return conflict("person_disabled", "This person is disabled; enable them before they can come in.");
  }
  std::vector<journal::Draft> drafts;
  // A new link for somebody takes the place of their older ones.
  for (const Link& other : now.people.links()) {
    if (!link.person.empty() && other.person == link.person && other.used_at == 0 && !other.withdrawn)
      drafts.push_back(people_draft(actor, other.id, "link.withdrawn", Json::object(), other.person, now.now));
  }
  const Json body = {{"kind", to_text(link.kind)}, {"tag", link.tag},
                     {"person", link.person},      {"name", link.name},
                     {"email", link.email},        {"role", to_text(link.role)},
                     {"teams", link.teams},        {"expires_at", link.expires_at}};
  drafts.push_back(people_draft(actor, link.id, "link.made", body, link.person, now.now));
  return drafts;
}

namespace {

// An invitation makes a person: the principal, their role, teams and address.
Status add_person(const PeopleNow& now, const ComeIn& what, const Caller& self, std::vector<journal::Draft>& out) {
  const Link& link = what.link;
  const std::string& name = link.name.empty() ? what.newcomer.name : link.name;
  const std::string& email = link.email.empty() ? what.newcomer.email : link.email;
  if (auto ok = check_name(name); !ok) return ok;
  if (auto ok = check_zone(what.newcomer.time_zone); !ok) return ok;
  if (auto ok = check_free(now, "", name, email); !ok) return ok;
  const Id& person = self.principal;
  out.push_back(about_principal(self, person, "principal.created",
                                {{"name", name}, {"time_zone", what.newcomer.time_zone}}, now.now));
  out.push_back(draft_of(self, person, "principal.role_set", {{"role", to_text(link.role)}}, now.now));
  if (!email.empty())
    out.push_back(people_draft(self, person, "person.described", {{"email", email}}, person, now.now));
  for (const Id& team : link.teams) {
    journal::Draft draft = draft_of(self, team, "group.member_set", {{"member", person}, {"in", true}}, now.now);
    draft.stream = "group/" + team;
    out.push_back(std::move(draft));
  }
  return {};
}

// The owner of a new home may say how they are called; a recovery changes no name.
Status name_owner(const PeopleNow& now, const ComeIn& what, const Caller& self, std::vector<journal::Draft>& out) {
  const Newcomer& newcomer = what.newcomer;
  const Principal& known = now.identity.principals.at(self.principal);
  const std::string& name = newcomer.name.empty() ? known.name : newcomer.name;
  const std::string& zone = newcomer.time_zone.empty() ? known.time_zone : newcomer.time_zone;
  if (auto ok = check_name(name); !ok) return ok;
  if (auto ok = check_zone(zone); !ok) return ok;
  if (auto ok = check_free(now, self.principal, name, newcomer.email); !ok) return ok;
  if (name != known.name || zone != known.time_zone)
    out.push_back(
        about_principal(self, self.principal, "principal.renamed", {{"name", name}, {"time_zone", zone}}, now.now));
  if (!newcomer.email.empty())
    out.push_back(
        people_draft(self, self.principal, "person.described", {{"email", newcomer.email}}, self.principal, now.now));
  return {};
}

}  // namespace

Drafts decide_come_in(const PeopleNow& now, const ComeIn& what, Id& person) {
  const Link& link = what.link;
  person = link.kind == LinkKind::kInvitation ? what.fresh_person : link.person;
  const Caller self{.tenant = link.tenant, .principal = person, .key = nullptr};
  std::vector<journal::Draft> drafts;
  if (link.kind == LinkKind::kInvitation) {
    if (auto ok = add_person(now, what, self, drafts); !ok) return fail(ok.error());
  } else {
    const Principal* known = find_person(now, link.tenant, person);
    if (!known || known->disabled) return fail(ErrorCode::kLinkInvalid);
    if (link.kind == LinkKind::kFirst) {
      if (auto ok = name_owner(now, what, self, drafts); !ok) return fail(ok.error());
    }
    auto ended = ended_sessions(now, self, person, "", "recovered");
    if (!ended) return ended;
    std::ranges::move(*ended, std::back_inserter(drafts));
  }
  const auto before = now.people.credential(person, "password");
  const Id credential = before ? before->id : what.fresh_credential;
  drafts.push_back(people_draft(self, credential, "credential.set",
                                {{"person", person}, {"kind", "password"}, {"sealed", what.sealed}}, person, now.now));
  drafts.push_back(people_draft(self, link.id, "link.used", {{"person", person}}, person, now.now));
  return drafts;
}

Drafts decide_change(const PeopleNow& now, const Caller& actor, const Id& id, const Change& change) {
  const Principal* person = find_person(now, actor.tenant, id);
  if (!person) return no_person(id);
  std::vector<journal::Draft> drafts;
  const std::string name = change.name.value_or(person->name), zone = change.time_zone.value_or(person->time_zone);
  if (name != person->name || zone != person->time_zone) {
    if (auto ok = check_name(name); !ok) return fail(ok.error());
    if (auto ok = check_zone(zone); !ok) return fail(ok.error());
    if (auto ok = check_free(now, id, name, ""); !ok) return fail(ok.error());
    drafts.push_back(about_principal(actor, id, "principal.renamed", {{"name", name}, {"time_zone", zone}}, now.now));
  }
  if (change.email && *change.email != now.people.email(id)) {
    if (auto ok = check_free(now, id, "", *change.email); !ok) return fail(ok.error());
    drafts.push_back(people_draft(actor, id, "person.described", {{"email", *change.email}}, id, now.now));
  }
  const Role role = role_in(now.identity, actor.tenant, id);
  if (!change.role || *change.role == role) return drafts;
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  if (now.identity.tenant_owner.at(actor.tenant) == id)
    return conflict("first_owner", "The organisation's first owner stays an owner.");
  drafts.push_back(draft_of(actor, id, "principal.role_set", {{"role", to_text(*change.role)}}, now.now));
  if (role == Role::kOwner) revoke_admin_keys(now, actor, id, drafts);
  return drafts;
}

Drafts ended_sessions(const PeopleNow& now, const Caller& actor, const Id& person, const Id& but,
                      std::string_view reason) {
  std::vector<journal::Draft> drafts;
  for (const Session& session : now.people.sessions_of(person)) {
    if (session.tenant != actor.tenant || session.id == but) continue;
    drafts.push_back(people_draft(actor, session.id, "session.ended", {{"reason", reason}}, person, now.now));
  }
  return drafts;
}

}  // namespace steward::identity
