#include "identity/access.h"

namespace steward::identity {
namespace {

// A guest's own keys too, from the moment the role is theirs.
bool is_guest(const Snapshot& snapshot, const Id& principal) {
  const auto it = snapshot.principals.find(principal);
  return it != snapshot.principals.end() && it->second.role == Role::kGuest;
}

Status may_use_model(const Snapshot& snapshot, const Caller& caller, const Resource& resource) {
  if (is_guest(snapshot, caller.principal)) {
    return fail(ErrorCode::kForbidden, "A guest calls no model: an owner of the organisation can make you a member.",
                {{"needed", "member"}});
  }
  if (!caller.key) return {};
  const KeySpec& spec = caller.key->spec;
  if (!resource.endpoint.empty() && !matches_any(spec.endpoints, resource.endpoint)) {
    return fail(
        ErrorCode::kForbidden,
        fmt::format("The key {}… may not use the endpoint '{}': an administrator can add it to the key's endpoints.",
                    caller.key->visible, resource.endpoint),
        {{"endpoint", resource.endpoint}, {"needed", "endpoint"}});
  }
  if (!resource.model.empty() && !matches_any(spec.models, resource.model)) {
    return fail(ErrorCode::kForbidden,
                fmt::format("The key {}… may not use the model '{}': an administrator can add it to the key's models.",
                            caller.key->visible, resource.model),
                {{"model", resource.model}, {"needed", "model"}});
  }
  return {};
}

bool acl_holds(const Snapshot& snapshot, const Caller& caller, const Id& acl_id) {
  const auto acl = snapshot.acls.find(acl_id);
  if (acl == snapshot.acls.end() || acl->second.tenant != caller.tenant) return false;
  for (const Id& self : acts_as(snapshot, caller.tenant, caller.principal)) {
    if (acl->second.principals.contains(self)) return true;
  }
  return caller.key && acl->second.principals.contains(caller.key->id);
}

}  // namespace

bool matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  if (patterns.empty()) return true;
  for (std::string_view pattern : patterns) {
    if (pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern) return true;
  }
  return false;
}

std::set<Id> acts_as(const Snapshot& snapshot, const Id& tenant, const Id& principal) {
  std::set<Id> found;
  std::vector<Id> open{principal};
  while (!open.empty() && found.size() < kGroupClosureLimit) {
    const Id id = std::move(open.back());
    open.pop_back();
    const auto it = snapshot.principals.find(id);
    if (it == snapshot.principals.end() || it->second.tenant != tenant || it->second.disabled) continue;
    if (!found.insert(id).second) continue;
    open.insert(open.end(), it->second.groups.begin(), it->second.groups.end());
  }
  if (!found.empty()) found.insert(tenant);
  return found;
}

std::set<Id> readable_acls(const Snapshot& snapshot, const Id& tenant, const Id& principal) {
  const std::set<Id> selves = acts_as(snapshot, tenant, principal);
  std::set<Id> readable;
  for (const auto& [id, acl] : snapshot.acls) {
    if (acl.tenant != tenant) continue;
    const bool mine = std::ranges::any_of(acl.principals, [&](const Id& p) { return selves.contains(p); });
    if (mine) readable.insert(id);
  }
  return readable;
}

Status may(const Snapshot& snapshot, const Caller& caller, Verb verb, const Resource& resource) {
  if (caller.tenant.empty() || resource.tenant != caller.tenant) {
    return fail(ErrorCode::kForbidden, "This belongs to another organisation.", {{"needed", "tenant"}});
  }
  if (verb == Verb::kUseModel) return may_use_model(snapshot, caller, resource);
  // What is somebody's own is theirs alone: an administrator sees it where it is shared with them, like anybody.
  if (caller.admin && resource.owner.empty()) return {};
  if (verb == Verb::kAdmin) {
    if (caller.admin) return {};
    return fail(
        ErrorCode::kForbidden,
        "This needs an owner who is signed in, or a key with the scope 'admin': 'steward keys new NAME --admin' "
        "makes one.",
        {{"needed", "admin"}});
  }
  const auto self = snapshot.principals.find(caller.principal);
  const bool active =
      self != snapshot.principals.end() && self->second.tenant == caller.tenant && !self->second.disabled;
  if (active && !resource.owner.empty() && resource.owner == caller.principal) return {};
  if (verb == Verb::kRead && active && !resource.acl.empty() && acl_holds(snapshot, caller, resource.acl)) return {};
  return fail(ErrorCode::kForbidden,
              verb == Verb::kRead ? "You may not see this: its owner or an administrator can share it with you."
                                  : "Only its owner or an administrator may change or share this.",
              {{"needed", verb == Verb::kRead ? "read" : "owner"}});
}

}  // namespace steward::identity
