#include "identity/records.h"

#include <charconv>

#include "base/crypto.h"
#include "base/json.h"

namespace steward::identity {
namespace {

std::string text(const Json& json, const char* field) {
  const auto it = json.find(field);
  return it == json.end() || !it->is_string() ? std::string() : it->get<std::string>();
}

template <class T>
T value_or(const Json& json, const char* field, T otherwise) {
  const auto it = json.find(field);
  return it == json.end() || it->is_null() ? otherwise : it->get<T>();
}

constexpr std::pair<PrincipalKind, std::string_view> kKinds[] = {{PrincipalKind::kUser, "usr"},
                                                                 {PrincipalKind::kTeam, "team"},
                                                                 {PrincipalKind::kAgent, "agt"},
                                                                 {PrincipalKind::kKey, "key"},
                                                                 {PrincipalKind::kService, "svc"}};

}  // namespace

Json to_json(const KeySpec& spec) {
  return {{"name", spec.name},
          {"owner", spec.owner},
          {"team", spec.team},
          {"models", spec.models},
          {"endpoints", spec.endpoints},
          {"admin", spec.admin},
          {"expires_at", spec.expires_at},
          {"tags", spec.tags},
          {"requests_per_minute", spec.limits.requests_per_minute},
          {"tokens_per_minute", spec.limits.tokens_per_minute},
          {"concurrency", spec.limits.concurrency},
          {"weight", spec.weight},
          {"content_days", spec.content_days}};
}

KeySpec spec_from_json(const Json& json) {
  KeySpec spec;
  spec.name = text(json, "name");
  spec.owner = text(json, "owner");
  spec.team = text(json, "team");
  spec.models = value_or(json, "models", std::vector<std::string>());
  spec.endpoints = value_or(json, "endpoints", std::vector<std::string>());
  spec.admin = value_or(json, "admin", false);
  spec.expires_at = value_or<TimeUs>(json, "expires_at", 0);
  spec.tags = value_or(json, "tags", std::map<std::string, std::string>());
  spec.limits.requests_per_minute = value_or<int64_t>(json, "requests_per_minute", 0);
  spec.limits.tokens_per_minute = value_or<int64_t>(json, "tokens_per_minute", 0);
  spec.limits.concurrency = value_or<int64_t>(json, "concurrency", 0);
  spec.weight = value_or(json, "weight", 1.0);
  spec.content_days = value_or<int64_t>(json, "content_days", 0);
  return spec;
}

std::string content_text(int64_t days) {
  if (days < 0) return "none";
  return days == 0 ? "metadata" : fmt::format("{}d", days);
}

std::optional<int64_t> content_from_text(std::string_view text) {
  if (text == "none") return kNoContent;
  if (text == "metadata") return 0;
  if (!text.ends_with('d')) return std::nullopt;
  text.remove_suffix(1);
  int64_t days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  const bool good = error == std::errc() && end == text.data() + text.size() && days > 0 && days <= kMaxContentDays;
  return good ? std::optional(days) : std::nullopt;
}

Json to_json(const Key& key) {
  Json hashes = Json::array();
  for (const auto& hash : key.hashes) hashes.push_back(to_hex(hash));
  return {{"id", key.id},
          {"tenant", key.tenant},
          {"visible", key.visible},
          {"hashes", std::move(hashes)},
          {"hash_expires", key.hash_expires},
          {"spec", to_json(key.spec)},
          {"created_at", key.created_at},
          {"revoked", key.revoked}};
}

Key key_from_json(const Json& json) {
  Key key;
  key.id = text(json, "id");
  key.tenant = text(json, "tenant");
  key.visible = text(json, "visible");
  for (const auto& hash : json.at("hashes")) key.hashes.push_back(from_hex(hash.get<std::string>()).value_or(""));
  key.hash_expires = json.at("hash_expires").get<std::vector<TimeUs>>();
  key.spec = spec_from_json(json.at("spec"));
  key.created_at = value_or<TimeUs>(json, "created_at", 0);
  key.revoked = value_or(json, "revoked", false);
  return key;
}

Json to_json(const Principal& principal) {
  return {{"id", principal.id},
          {"name", principal.name},
          {"time_zone", principal.time_zone},
          {"groups", principal.groups},
          {"disabled", principal.disabled},
          {"tenant", principal.tenant},
          {"made_seq", principal.made_seq},
          {"role", static_cast<int>(principal.role)}};
}

Principal principal_from_json(const Json& json) {
  Principal principal;
  principal.id = text(json, "id");
  principal.kind = kind_of(principal.id).value_or(PrincipalKind::kUser);
  principal.name = text(json, "name");
  principal.time_zone = text(json, "time_zone");
  principal.groups = json.at("groups").get<std::set<Id>>();
  principal.disabled = value_or(json, "disabled", false);
  principal.tenant = text(json, "tenant");
  principal.made_seq = value_or<journal::Seq>(json, "made_seq", 0);
  principal.role = static_cast<Role>(value_or<int>(json, "role", 0));
  return principal;
}

std::string stream_of(const Id& id) {
  const std::string_view prefix = std::string_view(id).substr(0, id.find('_'));
  const bool person = prefix == "usr" || prefix == "team" || prefix == "agt" || prefix == "svc";
  return fmt::format("{}/{}", person ? "principal" : prefix == "ten" ? "tenant" : prefix, id);
}

Id id_of_stream(std::string_view stream) { return Id(stream.substr(stream.find('/') + 1)); }

std::optional<PrincipalKind> kind_of(const Id& id) {
  for (const auto& [kind, prefix] : kKinds) {
    if (id.size() > prefix.size() && id.starts_with(prefix) && id[prefix.size()] == '_') return kind;
  }
  return std::nullopt;
}

std::string_view prefix_of(PrincipalKind kind) {
  for (const auto& [known, prefix] : kKinds) {
    if (known == kind) return prefix;
  }
  return {};
}

Json body_of(const journal::Record& record) {
  return record.erased || record.body.empty() ? Json::object() : parse_own(record.body);
}

Key created_key(const journal::Record& record, const Json& body) {
  Key key;
  key.id = id_of_stream(record.stream);
  key.tenant = record.tenant;
  key.visible = text(body, "visible");
  if (const auto hash = text(body, "hash"); !hash.empty()) {
    key.hashes.push_back(from_hex(hash).value_or(""));
    key.hash_expires.push_back(0);
  }
  key.spec = spec_from_json(value_or(body, "spec", Json::object()));
  key.created_at = record.time;
  return key;
}

namespace {
// The new secret lasts; older ones end with the overlap, and those that have ended already are dropped.
void rotate(Key& key, const journal::Record& record, const Json& body) {
  const DurationUs overlap_us = value_or<DurationUs>(body, "overlap_us", 0);
  std::vector<std::string> hashes;
  std::vector<TimeUs> expires;
  for (size_t i = 0; i < key.hashes.size(); ++i) {
    const TimeUs end = record.time + overlap_us;
    const TimeUs until = key.hash_expires[i] == 0 ? end : std::min(key.hash_expires[i], end);
    if (until <= record.time) continue;
    hashes.push_back(key.hashes[i]);
    expires.push_back(until);
  }
  hashes.push_back(from_hex(text(body, "hash")).value_or(""));
  expires.push_back(0);
  key.hashes = std::move(hashes);
  key.hash_expires = std::move(expires);
  key.visible = text(body, "visible");
}
}  // namespace

void fold_into(Key& key, const journal::Record& record, const Json& body) {
  if (record.kind == "key.revoked") key.revoked = true;
  if (record.erased) return;
  if (record.kind == "key.updated") key.spec = spec_from_json(body.at("spec"));
  if (record.kind == "key.rotated") rotate(key, record, body);
}

Principal created_principal(const journal::Record& record, const Json& body) {
  Principal principal;
  principal.id = id_of_stream(record.stream);
  principal.kind = kind_of(principal.id).value_or(PrincipalKind::kUser);
  principal.name = text(body, "name");
  principal.time_zone = text(body, "time_zone");
  principal.tenant = record.tenant;
  principal.made_seq = record.seq;
  return principal;
}

void fold_into(Principal& principal, const journal::Record& record, const Json& body) {
  if (record.kind == "principal.disabled") principal.disabled = value_or(body, "disabled", true);
  if (record.kind == "principal.role_set") {
    const std::string role = text(body, "role");
    principal.role = role == "owner" ? Role::kOwner : role == "guest" ? Role::kGuest : Role::kMember;
  }
  if (record.kind == "principal.renamed") {  // an erased one too: its place in the order says whose name is left
    principal.name = text(body, "name");
    principal.time_zone = text(body, "time_zone");
    principal.made_seq = record.seq;
  }
}

void forget_person(Principal& principal) {
  principal.name.clear();
  principal.time_zone.clear();
}

Acl interned_acl(const journal::Record& record, const Json& body) {
  return {id_of_stream(record.stream), value_or(body, "principals", std::set<Id>()), record.tenant};
}

}  // namespace steward::identity
