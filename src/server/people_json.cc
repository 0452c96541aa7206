#include "server/people_json.h"

#include "ledger/period.h"
#include "server/admin_json.h"
#include "server/app.h"
#include "server/web_session.h"

namespace steward::server {
namespace {

Json teams_json(const identity::Snapshot& snapshot, const std::set<Id>& teams) {
  Json out = Json::array();
  for (const Id& id : teams) {
    const auto team = snapshot.principals.find(id);
    if (team != snapshot.principals.end()) out.push_back({{"id", id}, {"name", team->second.name}});
  }
  return out;
}

std::string_view status_of(const Core& core, const identity::Principal& person) {
  if (person.disabled) return "disabled";
  if (core.people->has_credential(person.id)) return "active";
  for (const auto& link : core.people->state().links()) {
    const bool open = link.used_at == 0 && !link.withdrawn && link.expires_at > core.clock.now_us();
    if (open && link.person == person.id) return "invited";
  }
  return "no_password";
}

std::string_view status_of(const identity::Link& link, TimeUs now) {
  if (link.used_at != 0) return "used";
  if (link.withdrawn || link.tag.empty()) return "withdrawn";
  return link.expires_at <= now ? "expired" : "open";
}

}  // namespace

std::string name_of(const Core& core, const Id& principal) {
  const auto snapshot = core.identity->snapshot();
  const auto it = snapshot->principals.find(principal);
  return it == snapshot->principals.end() ? std::string() : it->second.name;
}

Json person_json(const Core& core, const Id& id) {
  const auto snapshot = core.identity->snapshot();
  const identity::Principal& person = snapshot->principals.at(id);
  TimeUs seen = 0;
  for (const auto& session : core.people->state().sessions_of(id)) seen = std::max(seen, core.people->seen_at(session));
  Json credentials = Json::array();
  for (const auto& each : core.people->state().credentials_of(id))
    credentials.push_back({{"id", each.id}, {"kind", each.kind}, {"set_at", time_json(each.set_at)}});
  return {{"object", "person"},
          {"id", id},
          {"name", person.name},
          {"email", core.people->state().email(id)},
          {"role", identity::to_text(core.people->role_of(id))},
          {"status", status_of(core, person)},
          {"disabled", person.disabled},
          {"time_zone", person.time_zone},
          {"teams", teams_json(*snapshot, person.groups)},
          {"credentials", std::move(credentials)},
          {"last_seen_at", time_json(seen)}};
}

Json session_json(const Core& core, const identity::Session& session, std::string_view token) {
  return {{"object", "session"},
          {"signed_in", true},
          {"id", session.id},
          {"csrf_token", core.people->csrf_token(token)},
          {"expires_at", time_json(session.expires_at)},
          {"idle_expires_at", time_json(core.people->seen_at(session) + session.idle_us)},
          {"person", person_json(core, session.person)}};
}

Json session_entry_json(const Core& core, const identity::Session& session, const Id& current) {
  const TimeUs seen = core.people->seen_at(session);
  return {{"object", "session_entry"},
          {"id", session.id},
          {"current", session.id == current},
          {"opened_at", time_json(session.opened_at)},
          {"last_seen_at", time_json(seen)},
          {"expires_at", time_json(session.expires_at)},
          {"idle_expires_at", time_json(seen + session.idle_us)},
          {"browser", session.browser},
          {"address", session.address}};
}

Json invitation_json(const Core& core, const identity::Link& link) {
  return {{"object", "invitation"},
          {"id", link.id},
          {"kind", identity::to_text(link.kind)},
          {"status", status_of(link, core.clock.now_us())},
          {"name", link.name},
          {"email", link.email},
          {"role", identity::to_text(link.role)},
          {"teams", link.teams},
          {"invited_by", link.made_by},
          {"person", link.used_by.empty() ? Json(nullptr) : Json(link.used_by)},
          {"created_at", time_json(link.made_at)},
          {"expires_at", time_json(link.expires_at)},
          {"used_at", time_json(link.used_at)}};
}

std::string listening_address(const Core& core) {
  const auto config = core.config.get();
  const std::string host = config->text("server.host");
  const bool any = host == "0.0.0.0" || host == "::" || host == "127.0.0.1" || host == "::1";
  const std::string name = any ? "localhost" : host.find(':') != std::string::npos ? "[" + host + "]" : host;
  const uint16_t port = core.tcp_port.load();
  return fmt::format("{}://{}:{}", config->path("server.tls_certificate").empty() ? "http" : "https", name,
                     port != 0 ? port : static_cast<uint16_t>(config->integer("server.port")));
}

Json link_json(const Core& core, const identity::NewLink& made) {
  const auto& link = made.link;
  Json person = {{"name", link.person.empty() ? link.name : name_of(core, link.person)},
                 {"email", link.person.empty() ? link.email : core.people->state().email(link.person)}};
  if (!link.person.empty()) person["id"] = link.person;
  return {{"object", "link"},
          {"id", link.id},
          {"kind", identity::to_text(link.kind)},
          {"link", fmt::format("{}/enter#{}", public_address(*core.config.get(), listening_address(core)), made.token)},
          {"person", std::move(person)},
          {"role", identity::to_text(link.role)},
          {"teams", link.teams},
          {"expires_at", time_json(link.expires_at)}};
}

const date::time_zone* zone_of(const Core& core, const Id& person) {
  const auto snapshot = core.identity->snapshot();
  const auto found = snapshot->principals.find(person);
  std::string zone = found == snapshot->principals.end() ? "" : found->second.time_zone;
  if (zone.empty()) zone = core.config.get()->text("server.time_zone");
  const auto* known = ledger::find_zone(zone.empty() ? host_time_zone() : zone);
  return known != nullptr ? known : ledger::find_zone("UTC");
}

}  // namespace steward::server
