// The records that identity writes, and what each does to the one thing it is about. The in-memory fold and the view's
// tables share these functions, so that both fold alike. Names, tags and scopes stand in bodies; streams and headers
// hold ids only.
//
//   tenant.created      tenant/ten_…     {name, owner}
//   principal.created   principal/usr_…  {name, time_zone}          its kind is its id's prefix, so that an erased one
//   keeps its place
//   principal.disabled  principal/usr_…  {disabled}
//   principal.role_set  principal/usr_…  {role}                     owner, member or guest
//   principal.renamed   principal/usr_…  {name, time_zone}
//   group.member_set    group/team_…     {member, in}
//   key.created         key/key_…        {visible, hash, spec}      hash: SHA-256 of the secret, in hexadecimal
//   key.updated         key/key_…        {spec}
//   key.rotated         key/key_…        {visible, hash, overlap_us}
//   key.revoked         key/key_…        {}
//   acl.interned        acl/acl_…        {principals}
#pragma once
#include <string>
#include <string_view>

#include "base/json.h"
#include "identity/identity.h"
#include "journal/record_kind.h"

namespace steward::identity {

inline constexpr journal::RecordKind kRecordKinds[] = {
    {"tenant.created"},
    {"principal.created"},
    {"principal.disabled"},
    {"principal.role_set"},
    {"principal.renamed"},
    {"group.member_set"},
    {"key.created"},
    {"key.updated"},
    {"key.rotated"},
    {"key.revoked"},
    {"acl.interned", "nothing is shared with a set of people that has to be interned yet"},
};

Json to_json(const KeySpec& spec);
KeySpec spec_from_json(const Json& json);
Json to_json(const Key& key);
Key key_from_json(const Json& json);
Json to_json(const Principal& principal);
Principal principal_from_json(const Json& json);

std::string stream_of(const Id& id);                 // "key/key_01…"
Id id_of_stream(std::string_view stream);            // "key/key_01…" → "key_01…"
std::optional<PrincipalKind> kind_of(const Id& id);  // by prefix; none for other ids
std::string_view prefix_of(PrincipalKind kind);

// The body; an empty object if the record was erased.
Json body_of(const journal::Record& record);

Key created_key(const journal::Record& record, const Json& body);
void fold_into(Key& key, const journal::Record& record, const Json& body);  // key.updated, key.rotated, key.revoked
Principal created_principal(const journal::Record& record, const Json& body);
void fold_into(Principal& principal, const journal::Record& record, const Json& body);  // principal.* but created
void forget_person(Principal& principal);  // what erasing its principal.created takes; its id and its groups stay
Acl interned_acl(const journal::Record& record, const Json& body);

}  // namespace steward::identity
