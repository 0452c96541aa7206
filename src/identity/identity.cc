#include "identity/identity.h"

#include "base/crypto.h"
#include "identity/access.h"
#include "identity/commands.h"
#include "identity/records.h"
#include "identity/state.h"
#include "identity/view.h"

namespace steward::identity {
namespace {

class JournaledIdentity final : public Identity {
 public:
  JournaledIdentity(journal::Journal& journal, Clock& clock, Random& random, Log log)
      : journal_(journal), clock_(clock), random_(random), ids_(clock, random), log_(std::move(log)) {}

  journal::Fold& fold() override { return state_; }
  std::vector<journal::View*> views() override { return {&view_}; }
  std::shared_ptr<const Snapshot> snapshot() const override { return state_.snapshot(); }

  Result<Caller> authenticate(std::string_view secret) const override;
  Status may(const Caller& caller, Verb verb, const Resource& resource) const override {
    return identity::may(*snapshot(), caller, verb, resource);
  }
  std::set<Id> readable_acls(const Id& tenant, const Id& principal) const override {
    return identity::readable_acls(*snapshot(), tenant, principal);
  }
  Result<Id> bootstrap(std::string tenant_name, std::string owner_name, std::string time_zone) override;

  Task<Result<NewKey>> create_key(Caller actor, KeySpec spec, AlsoAppend also) override;
  Task<Result<NewKey>> rotate_key(Caller actor, Id key, DurationUs overlap_us) override;
  Task<Status> revoke_key(Caller actor, Id key) override;
  Task<Result<Key>> update_key(Caller actor, Id key, KeySpec spec) override;
  Task<Result<Principal>> create_principal(Caller actor, PrincipalKind kind, std::string name,
                                           std::string time_zone) override;
  Task<Status> set_disabled(Caller actor, Id principal, bool disabled) override;
  Task<Status> set_member(Caller actor, Id group, Id member, bool in) override;
  Task<Result<Id>> intern_acl(Caller actor, std::set<Id> principals) override;

 private:
  journal::Journal& journal_;
  Clock& clock_;
  Random& random_;
  IdMaker ids_;
  Log log_;
  State state_;
  IdentityView view_;
};

Result<Caller> JournaledIdentity::authenticate(std::string_view secret) const {
  // Whatever the secret, one hash and one look-up by it: what time tells is nothing about any key's hash.
  const std::string hash = sha256(secret);
  const auto snapshot = state_.snapshot();
  const auto it = snapshot->keys_by_hash.find(hash);
  if (!has_secret_form(secret) || it == snapshot->keys_by_hash.end()) return fail(ErrorCode::kUnauthenticated);
  const Key& key = *it->second;
  if (key.revoked)
    return fail(ErrorCode::kKeyRevoked, fmt::format("The API key {}… was revoked.", key.visible), {{"key", key.id}});
  const TimeUs now = clock_.now_us();
  const auto expired = [now](TimeUs at) { return at != 0 && at <= now; };
  if (expired(key.spec.expires_at)) {
    return fail(ErrorCode::kKeyExpired,
                fmt::format("The API key {}… expired on {}.", key.visible, to_rfc3339(key.spec.expires_at)),
                {{"key", key.id}, {"expired_at", to_rfc3339(key.spec.expires_at)}});
  }
  const size_t which = static_cast<size_t>(std::ranges::find(key.hashes, hash) - key.hashes.begin());
  if (expired(key.hash_expires.at(which))) {
    return fail(ErrorCode::kKeyExpired,
                fmt::format("This secret was replaced when the key was rotated; the one that begins {}… holds now.",
                            key.visible),
                {{"key", key.id}});
  }
  const auto owner = snapshot->principals.find(key.spec.owner);
  if (owner == snapshot->principals.end() || owner->second.disabled) {
    return fail(ErrorCode::kKeyRevoked, "The owner of this API key is disabled.", {{"key", key.id}});
  }
  return Caller{key.tenant, key.spec.owner, it->second, key.spec.admin};
}

Result<Id> JournaledIdentity::bootstrap(std::string tenant_name, std::string owner_name, std::string time_zone) {
  if (const auto now = snapshot(); !now->tenants.empty()) return now->tenants.begin()->first;
  Caller owner{.tenant = ids_.make("ten"), .principal = ids_.make("usr"), .key = nullptr, .admin = true};
  const TimeUs time = clock_.now_us();
  auto drafts = decide_create_principal(
      owner, {.id = owner.principal, .kind = PrincipalKind::kUser, .name = owner_name, .time_zone = time_zone}, time);
  if (!drafts) return fail(drafts.error());
  drafts->insert(drafts->begin(), draft_of(owner, owner.tenant, "tenant.created",
                                           {{"name", tenant_name}, {"owner", owner.principal}}, time));
  auto appended = journal_.append_blocking(owner.tenant, std::move(*drafts), journal::Wait::kDurable);
  if (!appended) return fail(appended.error());
  log_.info("organisation made", {{"tenant", owner.tenant}});
  return owner.tenant;
}

// What a command hands to the writer thread and takes back. Shared, since the caller may be gone before the writer
// comes to it.
struct KeyCommand {
  Caller actor;
  Key key;
  std::string secret;
  AlsoAppend also;
};

Task<Result<NewKey>> JournaledIdentity::create_key(Caller actor, KeySpec spec, AlsoAppend also) {
  auto command = std::make_shared<KeyCommand>(
      KeyCommand{actor, {.id = ids_.make("key"), .spec = std::move(spec)}, make_secret(random_), std::move(also)});
  // A decision runs on the writer thread, so it may look at the fold.
  journal::Decision decide = [this, command] {
    return decide_create_key(state_.now(), command->actor, command->key, command->secret, command->also,
                             clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  log_.info("key made", {{"key_id", command->key.id}, {"tenant", actor.tenant}});
  co_return NewKey{command->key, command->secret};
}

Task<Result<NewKey>> JournaledIdentity::rotate_key(Caller actor, Id key, DurationUs overlap_us) {
  const std::string secret = make_secret(random_);
  journal::Decision decide = [this, actor, key, secret, overlap_us] {
    return decide_rotate_key(state_.now(), actor, key, secret, overlap_us, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return NewKey{*snapshot()->keys.at(key), secret};
}

Task<Status> JournaledIdentity::revoke_key(Caller actor, Id key) {
  journal::Decision decide = [this, actor, key] {
    return decide_revoke_key(state_.now(), actor, key, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  log_.info("key revoked", {{"key_id", key}, {"tenant", actor.tenant}});
  co_return Status{};
}

Task<Result<Key>> JournaledIdentity::update_key(Caller actor, Id key, KeySpec spec) {
  journal::Decision decide = [this, actor, key, spec = std::move(spec)] {
    return decide_update_key(state_.now(), actor, key, spec, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return *snapshot()->keys.at(key);
}

Task<Result<Principal>> JournaledIdentity::create_principal(Caller actor, PrincipalKind kind, std::string name,
                                                            std::string time_zone) {
  const Principal principal{
      .id = ids_.make(prefix_of(kind)), .kind = kind, .name = std::move(name), .time_zone = std::move(time_zone)};
  journal::Decision decide = [this, actor, principal] {
    return decide_create_principal(actor, principal, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return snapshot()->principals.at(principal.id);
}

Task<Status> JournaledIdentity::set_disabled(Caller actor, Id principal, bool disabled) {
  journal::Decision decide = [this, actor, principal, disabled] {
    return decide_set_disabled(state_.now(), actor, principal, disabled, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide), journal::Wait::kDurable);
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

Task<Status> JournaledIdentity::set_member(Caller actor, Id group, Id member, bool in) {
  journal::Decision decide = [this, actor, group, member, in] {
    return decide_set_member(state_.now(), actor, group, member, in, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return Status{};
}

Task<Result<Id>> JournaledIdentity::intern_acl(Caller actor, std::set<Id> principals) {
  auto id = std::make_shared<Id>(ids_.make("acl"));
  journal::Decision decide = [this, actor, principals = std::move(principals), id] {
    return decide_intern_acl(state_, actor, principals, *id, clock_.now_us());
  };
  auto appended = co_await journal_.decide(actor.tenant, std::move(decide));
  if (!appended) co_return fail(appended.error());
  co_return *id;
}

}  // namespace

std::unique_ptr<Identity> make_identity(journal::Journal& journal, Clock& clock, Random& random, Log log) {
  return std::make_unique<JournaledIdentity>(journal, clock, random, std::move(log));
}

}  // namespace steward::identity
