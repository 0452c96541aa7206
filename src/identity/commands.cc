#include "identity/commands.h"

#include <date/tz.h>

#include <cmath>

#include "base/crypto.h"
#include "base/text.h"
#include "identity/access.h"
#include "identity/records.h"

namespace steward::identity {
namespace {

constexpr std::string_view kEndpoints[] = {"chat", "completions", "embeddings", "models", "memory"};
constexpr double kWeightLimit = 1'000.0;

std::unexpected<Error> invalid(std::string param, std::string message) {
  return fail(ErrorCode::kInvalidRequest, std::move(message), {{"param", std::move(param)}});
}

std::unexpected<Error> not_found(std::string_view what, const Id& id) {
  return fail(ErrorCode::kNotFound, fmt::format("There is no {} '{}' here.", what, id), {{"id", id}});
}

Status check_text(std::string_view param, std::string_view text, size_t limit) {
  if (text.size() > limit)
    return invalid(std::string(param), fmt::format("'{}' is longer than {} bytes.", param, limit));
  if (!is_valid_utf8(text)) return fail(ErrorCode::kInvalidUtf8);
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(text, control))
    return invalid(std::string(param), fmt::format("'{}' holds control characters.", param));
  return {};
}

Status check_scopes(const KeySpec& spec) {
  if (spec.models.size() > kScopeLimit)
    return invalid("models", fmt::format("A key names at most {} models.", kScopeLimit));
  for (const auto& model : spec.models) {
    if (auto ok = check_text("models", model, kNameLimit); !ok) return ok;
    if (model.empty()) return invalid("models", "A model's name is empty; leave 'models' out to allow all.");
    if (const size_t star = model.find('*'); star != std::string::npos && star + 1 != model.size()) {
      return invalid("models",
                     fmt::format("'{}' is no pattern: a star stands only at the end, as in 'gpt-4*'.", model));
    }
  }
  for (const auto& endpoint : spec.endpoints) {
    if (std::ranges::find(kEndpoints, endpoint) != std::end(kEndpoints)) continue;
    const std::vector<std::string> known(std::begin(kEndpoints), std::end(kEndpoints));
    const std::string near = nearest(endpoint, known);
    return invalid(
        "endpoints",
        fmt::format("There is no endpoint '{}'; there are chat, completions, embeddings, models and memory.{}",
                    endpoint, near.empty() ? "" : fmt::format(" Did you mean '{}'?", near)));
  }
  return {};
}

Status check_tags(const KeySpec& spec) {
  if (spec.tags.size() > kTagLimit) return invalid("tags", fmt::format("A key has at most {} tags.", kTagLimit));
  for (const auto& [name, value] : spec.tags) {
    if (name.empty()) return invalid("tags", "A tag's name is empty.");
    if (auto ok = check_text("tags", name, kTagBytes); !ok) return ok;
    if (auto ok = check_text("tags", value, kTagBytes); !ok) return ok;
  }
  return {};
}

Status check_limits(const KeySpec& spec) {
  const RateLimits& limits = spec.limits;
  if (limits.requests_per_minute < 0 || limits.tokens_per_minute < 0 || limits.concurrency < 0) {
    return invalid("limits", "A limit is a number from 0 on; 0 means no limit of this kind.");
  }
  if (spec.content_days < kNoContent || spec.content_days > kMaxContentDays) {
    return invalid("content", fmt::format("Content is kept for 1 to {} days, or not.", kMaxContentDays));
  }
  if (!(spec.weight > 0 && spec.weight <= kWeightLimit)) {
    return invalid("weight", fmt::format("A weight lies above 0 and at most at {}.", kWeightLimit));
  }
  return {};
}

Result<Key> own_key(const Snapshot& state, const Caller& actor, const Id& id) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  const auto it = state.keys.find(id);
  if (it == state.keys.end() || it->second->tenant != actor.tenant) return not_found("key", id);
  return *it->second;
}

const Principal* find_principal(const Snapshot& state, const Id& tenant, const Id& id) {
  const auto it = state.principals.find(id);
  return it == state.principals.end() || it->second.tenant != tenant ? nullptr : &it->second;
}

}  // namespace

std::string make_secret(Random& random) {
  return std::string(kSecretPrefix) + to_base64url(random.bytes(kSecretBytes));
}

bool has_secret_form(std::string_view secret) {
  constexpr size_t kBase64Chars = 43;  // of 32 bytes, without padding
  if (secret.size() != kSecretPrefix.size() + kBase64Chars || !secret.starts_with(kSecretPrefix)) return false;
  return std::ranges::all_of(secret.substr(kSecretPrefix.size()), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Status require_admin(const Caller& actor) {
  if (actor.admin && !actor.tenant.empty()) return {};
  return fail(ErrorCode::kForbidden,
              "This needs a key with the scope 'admin': 'steward keys new NAME --admin' makes one.",
              {{"needed", "admin"}});
}

journal::Draft draft_of(const Caller& actor, const Id& about, std::string kind, const Json& body, TimeUs now) {
  journal::Draft draft;
  draft.stream = stream_of(about);
  draft.kind = std::move(kind);
  draft.body = dump(body);
  draft.time = now;
  draft.actor = actor.key ? actor.key->id : actor.principal;
  if (actor.key) draft.on_behalf_of = actor.principal;
  return draft;
}

Result<KeySpec> checked_spec(const Snapshot& state, const Id& tenant, KeySpec spec, TimeUs now) {
  if (auto ok = check_text("name", spec.name, kNameLimit); !ok) return fail(ok.error());
  if (spec.name.empty()) return invalid("name", "A key needs a name by which people recognise it.");
  if (spec.owner.empty()) {
    if (const auto it = state.tenant_owner.find(tenant); it != state.tenant_owner.end()) spec.owner = it->second;
  }
  const Principal* owner = find_principal(state, tenant, spec.owner);
  if (!owner) return not_found("person or service", spec.owner);
  if (owner->kind == PrincipalKind::kTeam)
    return invalid("owner", "A key's owner is a person or a service; name the team as 'team'.");
  if (!spec.team.empty()) {
    const Principal* team = find_principal(state, tenant, spec.team);
    if (!team || team->kind != PrincipalKind::kTeam) return not_found("team", spec.team);
  }
  if (auto ok = check_scopes(spec); !ok) return fail(ok.error());
  if (auto ok = check_tags(spec); !ok) return fail(ok.error());
  if (auto ok = check_limits(spec); !ok) return fail(ok.error());
  if (spec.expires_at < 0) return invalid("expires_at", "The time at which the key expires is not valid.");
  return spec;
}

Drafts decide_create_key(const Snapshot& state, const Caller& actor, Key& key, const std::string& secret,
                         const AlsoAppend& also, TimeUs now) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  auto spec = checked_spec(state, actor.tenant, std::move(key.spec), now);
  if (!spec) return fail(spec.error());
  if (spec->expires_at != 0 && spec->expires_at <= now)
    return invalid("expires_at", "The key would have expired already.");
  key.tenant = actor.tenant;
  key.visible = secret.substr(0, kVisibleChars);
  key.hashes = {sha256(secret)};
  key.hash_expires = {0};
  key.spec = std::move(*spec);
  key.created_at = now;
  const Json body = {{"visible", key.visible}, {"hash", to_hex(key.hashes[0])}, {"spec", to_json(key.spec)}};
  std::vector<journal::Draft> drafts{draft_of(actor, key.id, "key.created", body, now)};
  if (also) {
    auto more = also(key);
    if (!more) return fail(more.error());
    std::ranges::move(*more, std::back_inserter(drafts));
  }
  return drafts;
}

Drafts decide_rotate_key(const Snapshot& state, const Caller& actor, const Id& id, const std::string& secret,
                         DurationUs overlap_us, TimeUs now) {
  const auto key = own_key(state, actor, id);
  if (!key) return fail(key.error());
  if (key->revoked)
    return fail(ErrorCode::kConflict, "The key was revoked; make a new one instead of rotating it.",
                {{"reason", "key_revoked"}});
  if (overlap_us < 0 || overlap_us > kOverlapLimitUs)
    return invalid("overlap", "An overlap lasts from 0 seconds to 90 days.");
  const Json body = {
      {"visible", secret.substr(0, kVisibleChars)}, {"hash", to_hex(sha256(secret))}, {"overlap_us", overlap_us}};
  return std::vector{draft_of(actor, id, "key.rotated", body, now)};
}

Drafts decide_revoke_key(const Snapshot& state, const Caller& actor, const Id& id, TimeUs now) {
  const auto key = own_key(state, actor, id);
  if (!key) return fail(key.error());
  if (key->revoked) return std::vector<journal::Draft>{};
  return std::vector{draft_of(actor, id, "key.revoked", Json::object(), now)};
}

Drafts decide_update_key(const Snapshot& state, const Caller& actor, const Id& id, KeySpec spec, TimeUs now) {
  const auto key = own_key(state, actor, id);
  if (!key) return fail(key.error());
  if (key->revoked)
    return fail(ErrorCode::kConflict, "The key was revoked; it can't be changed any more.",
                {{"reason", "key_revoked"}});
  auto checked = checked_spec(state, actor.tenant, std::move(spec), now);
  if (!checked) return fail(checked.error());
  return std::vector{draft_of(actor, id, "key.updated", {{"spec", to_json(*checked)}}, now)};
}

Drafts decide_create_principal(const Caller& actor, const Principal& principal, TimeUs now) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  if (principal.kind == PrincipalKind::kKey) return invalid("kind", "A key is made with its own command.");
  if (principal.name.empty()) return invalid("name", "A name is needed.");
  if (auto ok = check_text("name", principal.name, kNameLimit); !ok) return fail(ok.error());
  if (!principal.time_zone.empty()) {
    try {
      date::locate_zone(principal.time_zone);
    } catch (const std::exception&) {
      return invalid("time_zone",
                     fmt::format("'{}' is no time zone; it is written like Europe/Berlin.", principal.time_zone));
    }
  }
  return std::vector{draft_of(actor, principal.id, "principal.created",
                              {{"name", principal.name}, {"time_zone", principal.time_zone}}, now)};
}

Drafts decide_set_disabled(const Snapshot& state, const Caller& actor, const Id& id, bool disabled, TimeUs now) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  const Principal* principal = find_principal(state, actor.tenant, id);
  if (!principal) return not_found("principal", id);
  if (disabled && state.tenant_owner.at(actor.tenant) == id)
    return fail(ErrorCode::kConflict, "The organisation's owner can't be disabled.", {{"reason", "first_owner"}});
  if (principal->disabled == disabled) return std::vector<journal::Draft>{};
  return std::vector{draft_of(actor, id, "principal.disabled", {{"disabled", disabled}}, now)};
}

Drafts decide_set_member(const Snapshot& state, const Caller& actor, const Id& group, const Id& member, bool in,
                         TimeUs now) {
  if (auto ok = require_admin(actor); !ok) return fail(ok.error());
  const Principal* team = find_principal(state, actor.tenant, group);
  if (!team || team->kind != PrincipalKind::kTeam) return not_found("team", group);
  const Principal* one = find_principal(state, actor.tenant, member);
  if (!one) return not_found("principal", member);
  if (one->groups.contains(group) == in) return std::vector<journal::Draft>{};
  // Upwards from the group, disabled teams included: being enabled again must not close a circle.
  std::set<Id> above;
  std::vector<Id> open{group};
  while (in && !open.empty()) {
    const Id id = std::move(open.back());
    open.pop_back();
    if (!above.insert(id).second) continue;
    if (above.size() > kGroupClosureLimit) return invalid("group", "The groups are nested too deeply.");
    if (const Principal* up = find_principal(state, actor.tenant, id))
      open.insert(open.end(), up->groups.begin(), up->groups.end());
  }
  if (in && above.contains(member)) {
    return fail(ErrorCode::kConflict, "A team can't be a member of itself, not even by way of other teams.",
                {{"group", group}, {"member", member}});
  }
  journal::Draft draft = draft_of(actor, group, "group.member_set", {{"member", member}, {"in", in}}, now);
  draft.stream = "group/" + group;
  return std::vector{std::move(draft)};
}

Drafts decide_intern_acl(const State& state, const Caller& actor, const std::set<Id>& principals, Id& id, TimeUs now) {
  if (principals.size() > kAclLimit)
    return invalid("principals", fmt::format("An ACL names at most {} principals.", kAclLimit));
  if (const auto known = state.find_acl(actor.tenant, principals)) {
    id = *known;
    return std::vector<journal::Draft>{};
  }
  for (const Id& principal : principals) {
    if (principal == actor.tenant || find_principal(state.now(), actor.tenant, principal)) continue;
    const auto key = state.now().keys.find(principal);
    if (key == state.now().keys.end() || key->second->tenant != actor.tenant) return not_found("principal", principal);
  }
  return std::vector{draft_of(actor, id, "acl.interned", {{"principals", principals}}, now)};
}

}  // namespace steward::identity
