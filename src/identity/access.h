// Who may: pure functions of a snapshot. Every answer about permission comes from here, so that there is one place to
// read and to test.
#pragma once
#include <set>
#include <string_view>

#include "identity/identity.h"

namespace steward::identity {

inline constexpr size_t kGroupClosureLimit = 1'000;  // groups one principal can be in, over all levels

// The principal, its groups, their groups and so on, and the tenant. Safe on cycles (which set_member refuses).
std::set<Id> acts_as(const Snapshot& snapshot, const Id& tenant, const Id& principal);
std::set<Id> readable_acls(const Snapshot& snapshot, const Id& tenant, const Id& principal);
Status may(const Snapshot& snapshot, const Caller& caller, Verb verb, const Resource& resource);

// "gpt-4*" matches every name that begins so; without a star the name itself. An empty list matches all.
bool matches_any(const std::vector<std::string>& patterns, std::string_view name);

}  // namespace steward::identity
