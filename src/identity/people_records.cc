#include "identity/people_records.h"

#include "identity/records.h"

namespace steward::identity {
namespace {

constexpr std::string_view kFamilies[] = {"person.", "credential.", "session.", "link."};
constexpr std::string_view kEnd = "session.ended";
constexpr std::pair<LinkKind, std::string_view> kLinkKinds[] = {
    {LinkKind::kFirst, "first"}, {LinkKind::kInvitation, "invitation"}, {LinkKind::kRecovery, "recovery"}};
constexpr std::pair<Role, std::string_view> kRoles[] = {
    {Role::kOwner, "owner"}, {Role::kMember, "member"}, {Role::kGuest, "guest"}};

// The last record of a kind: {seq, time, actor, body}; null if there is none.
const Json& part(const Json& thing, const char* kind) {
  static const Json kNone;
  const auto it = thing.find(kind);
  return it == thing.end() ? kNone : *it;
}

const Json& body_in(const Json& thing, const char* kind) {
  static const Json kEmpty = Json::object();
  const Json& found = part(thing, kind);
  return found.is_object() ? found.at("body") : kEmpty;
}

TimeUs time_in(const Json& thing, const char* kind) {
  const Json& found = part(thing, kind);
  return found.is_object() ? found.at("time").get<TimeUs>() : 0;
}

std::string tenant_of(const Json& thing) { return thing.value("tenant", ""); }

}  // namespace

bool is_of_people(std::string_view kind) {
  return std::ranges::any_of(kFamilies, [&](std::string_view family) { return kind.starts_with(family); });
}

bool fold_thing(Json& thing, const journal::Record& record) {
  if (record.kind == kEnd) return false;
  thing["tenant"] = record.tenant;
  thing[record.kind] = {{"seq", record.seq}, {"time", record.time}, {"actor", record.actor}, {"body", body_of(record)}};
  return true;
}

bool erase_from_thing(Json& thing, journal::Seq seq) {
  for (auto& [name, value] : thing.items()) {
    if (!value.is_object() || value.value("seq", journal::Seq{0}) != seq) continue;
    value["body"] = Json::object();
    return true;
  }
  return false;
}

std::vector<journal::Seq> seqs_of_thing(const Json& thing) {
  std::vector<journal::Seq> seqs;
  for (const auto& [name, value] : thing.items()) {
    if (value.is_object()) seqs.push_back(value.value("seq", journal::Seq{0}));
  }
  return seqs;
}

Credential credential_of(const Id& id, const Json& thing) {
  const Json& body = body_in(thing, "credential.set");
  return {.id = id,
          .person = body.value("person", ""),
          .kind = body.value("kind", ""),
          .sealed = body.value("sealed", ""),
          .set_at = time_in(thing, "credential.set")};
}

Session session_of(const Id& id, const Json& thing) {
  const Json& body = body_in(thing, "session.opened");
  Session session{
      .id = id, .tenant = tenant_of(thing), .person = body.value("person", ""), .tag = body.value("tag", "")};
  session.browser = body.value("browser", "");
  session.address = body.value("address", "");
  session.opened_at = time_in(thing, "session.opened");
  session.seen_at = std::max(session.opened_at, time_in(thing, "session.seen"));
  session.expires_at = body.value("expires_at", TimeUs{0});
  session.idle_us = body.value("idle_us", DurationUs{0});
  return session;
}

Link link_of(const Id& id, const Json& thing) {
  const Json& body = body_in(thing, "link.made");
  Link link{.id = id, .tenant = tenant_of(thing), .tag = body.value("tag", ""), .person = body.value("person", "")};
  for (const auto& [kind, name] : kLinkKinds) {
    if (body.value("kind", "") == name) link.kind = kind;
  }
  link.name = body.value("name", "");
  link.email = body.value("email", "");
  link.role = role_from_text(body.value("role", "")).value_or(Role::kGuest);
  link.teams = body.value("teams", std::set<Id>());
  link.made_by = part(thing, "link.made").is_object() ? part(thing, "link.made").value("actor", "") : "";
  link.made_at = time_in(thing, "link.made");
  link.expires_at = body.value("expires_at", TimeUs{0});
  link.used_at = time_in(thing, "link.used");
  link.used_by = body_in(thing, "link.used").value("person", "");
  link.withdrawn = part(thing, "link.withdrawn").is_object();
  return link;
}

std::string email_of(const Json& thing) { return body_in(thing, "person.described").value("email", ""); }

Json settings_of(const Json& thing) { return body_in(thing, "person.settings").value("values", Json::object()); }

std::string_view to_text(Role role) {
  for (const auto& [known, name] : kRoles) {
    if (known == role) return name;
  }
  return "guest";
}

std::optional<Role> role_from_text(std::string_view text) {
  for (const auto& [role, name] : kRoles) {
    if (name == text) return role;
  }
  return std::nullopt;
}

std::string_view to_text(LinkKind kind) {
  for (const auto& [known, name] : kLinkKinds) {
    if (known == kind) return name;
  }
  return "link";
}

}  // namespace steward::identity
