// What a change needs to be allowed, and the drafts it becomes: pure functions of the fold, called on the writer
// thread.
#pragma once
#include "identity/state.h"

namespace steward::identity {

inline constexpr std::string_view kSecretPrefix = "sk-steward-";
inline constexpr size_t kSecretBytes = 32;
inline constexpr size_t kVisibleChars =
    kSecretPrefix.size() + 4;               // enough to recognise a key, far too little to guess it
inline constexpr size_t kNameLimit = 200;   // bytes of a name
inline constexpr size_t kTagLimit = 32;     // tags of a key
inline constexpr size_t kTagBytes = 256;    // bytes of a tag's name or value
inline constexpr size_t kScopeLimit = 256;  // models or endpoints of a key
inline constexpr size_t kAclLimit = 1'000;  // principals of one ACL
inline constexpr DurationUs kOverlapLimitUs = 90LL * 24 * 3600 * kSecondUs;

using Drafts = Result<std::vector<journal::Draft>>;

std::string make_secret(Random& random);
bool has_secret_form(std::string_view secret);

Status require_admin(const Caller& actor);
// A draft in the stream of `about`, signed by the actor.
journal::Draft draft_of(const Caller& actor, const Id& about, std::string kind, const Json& body, TimeUs now);

Result<KeySpec> checked_spec(const Snapshot& state, const Id& tenant, KeySpec spec, TimeUs now);
Drafts decide_create_key(const Snapshot& state, const Caller& actor, Key& key, const std::string& secret,
                         const AlsoAppend& also, TimeUs now);
Drafts decide_rotate_key(const Snapshot& state, const Caller& actor, const Id& key, const std::string& secret,
                         DurationUs overlap_us, TimeUs now);
Drafts decide_revoke_key(const Snapshot& state, const Caller& actor, const Id& key, TimeUs now);
Drafts decide_update_key(const Snapshot& state, const Caller& actor, const Id& key, KeySpec spec, TimeUs now);
Drafts decide_create_principal(const Caller& actor, const Principal& principal, TimeUs now);
Drafts decide_set_disabled(const Snapshot& state, const Caller& actor, const Id& principal, bool disabled, TimeUs now);
Drafts decide_set_member(const Snapshot& state, const Caller& actor, const Id& group, const Id& member, bool in,
                         TimeUs now);
// `id` is the new ACL's, or becomes that of an equal one (and nothing is written).
Drafts decide_intern_acl(const State& state, const Caller& actor, const std::set<Id>& principals, Id& id, TimeUs now);

}  // namespace steward::identity
