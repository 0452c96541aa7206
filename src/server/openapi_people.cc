// The schemas of signing in and of people.
#include "base/json.h"
#include "server/openapi.h"

namespace steward::server {
namespace {

constexpr std::string_view kPeople = R"({
"Topics":{"type":"object","required":["topics"],"properties":{"object":{"const":"topics"},"stream":{"type":"string"},"topics":{"type":"array","items":{"type":"string"}}}},
"Role":{"enum":["owner","member","guest"]},
"Person":{"type":"object","required":["object","id","name","email","role","status","disabled","time_zone","teams","credentials","last_seen_at"],"properties":{"object":{"const":"person"},"id":{"type":"string"},"name":{"type":"string"},"email":{"type":"string"},"role":{"$ref":"#/components/schemas/Role"},"status":{"enum":["active","invited","no_password","disabled"]},"disabled":{"type":"boolean"},"time_zone":{"type":"string"},"teams":{"type":"array","items":{"type":"object","required":["id","name"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}}},"credentials":{"type":"array","items":{"type":"object","required":["id","kind","set_at"],"properties":{"id":{"type":"string"},"kind":{"type":"string"},"set_at":{"type":["string","null"],"format":"date-time"}}}},"last_seen_at":{"type":["string","null"],"format":"date-time"}}},
"Session":{"type":"object","required":["object","signed_in"],"properties":{"object":{"const":"session"},"signed_in":{"type":"boolean"},"id":{"type":"string"},"csrf_token":{"type":"string","description":"For the header x-steward-csrf"},"expires_at":{"type":"string","format":"date-time"},"idle_expires_at":{"type":"string","format":"date-time"},"person":{"$ref":"#/components/schemas/Person"}}},
"SignIn":{"type":"object","required":["name","password"],"additionalProperties":false,"properties":{"name":{"type":"string","description":"Name or e-mail address"},"password":{"type":"string","writeOnly":true}}},
"LinkToken":{"type":"object","required":["token"],"additionalProperties":false,"properties":{"token":{"type":"string"}}},
"LinkLook":{"type":"object","required":["object","kind","person","role","teams","organisation","password_characters","expires_at","single_use"],"properties":{"object":{"const":"link"},"kind":{"enum":["first","invitation","recovery"]},"person":{"type":"object","required":["name","email"],"properties":{"name":{"type":"string"},"email":{"type":"string"}}},"role":{"$ref":"#/components/schemas/Role"},"teams":{"type":"array","items":{"type":"string"}},"invited_by":{"type":"string"},"organisation":{"type":"string"},"password_characters":{"type":"integer","description":"The least that a password has"},"expires_at":{"type":"string","format":"date-time"},"single_use":{"type":"boolean"}}},
"ComeIn":{"type":"object","required":["token","password"],"additionalProperties":false,"properties":{"token":{"type":"string"},"password":{"type":"string","writeOnly":true},"name":{"type":"string"},"email":{"type":"string"},"time_zone":{"type":"string"}}},
"MeChange":{"type":"object","additionalProperties":false,"properties":{"name":{"type":"string"},"email":{"type":"string"},"time_zone":{"type":"string"},"current_password":{"type":"string","writeOnly":true}}},
"PasswordChange":{"type":"object","required":["current_password","new_password"],"additionalProperties":false,"properties":{"current_password":{"type":"string","writeOnly":true},"new_password":{"type":"string","writeOnly":true}}},
"Settings":{"type":"object","required":["object","values"],"properties":{"object":{"const":"settings"},"values":{"type":"object"}}},
"SettingsChange":{"type":"object","required":["values"],"additionalProperties":false,"properties":{"values":{"type":"object","description":"language, theme, single_keys, display_currency, memory (false: nothing said is kept or read), default_model, ui.*; null takes one back"}}},
"SessionEntry":{"type":"object","required":["object","id","current","opened_at","last_seen_at","expires_at","idle_expires_at","browser","address"],"properties":{"object":{"const":"session_entry"},"id":{"type":"string"},"current":{"type":"boolean"},"opened_at":{"type":"string","format":"date-time"},"last_seen_at":{"type":"string","format":"date-time"},"expires_at":{"type":"string","format":"date-time"},"idle_expires_at":{"type":"string","format":"date-time"},"browser":{"type":"string"},"address":{"type":"string"}}},
"SessionsRevocation":{"type":"object","additionalProperties":false,"properties":{"keep_current":{"type":"boolean"}}},
"SessionsRevoked":{"type":"object","required":["object","count"],"properties":{"object":{"const":"sessions_revoked"},"count":{"type":"integer"}}},
"PersonChange":{"type":"object","additionalProperties":false,"properties":{"role":{"$ref":"#/components/schemas/Role"},"disabled":{"type":"boolean"},"name":{"type":"string"},"email":{"type":"string"},"time_zone":{"type":"string"}}},
"NewLink":{"type":"object","additionalProperties":false,"properties":{"expires_in_s":{"type":"integer","minimum":60,"maximum":604800}}},
"NewInvitation":{"type":"object","additionalProperties":false,"properties":{"name":{"type":"string"},"email":{"type":"string"},"role":{"$ref":"#/components/schemas/Role"},"teams":{"type":"array","items":{"type":"string"}},"expires_in_s":{"type":"integer","minimum":60,"maximum":7776000}}},
"Link":{"type":"object","required":["object","id","kind","link","person","role","teams","expires_at"],"properties":{"object":{"const":"link"},"id":{"type":"string"},"kind":{"enum":["first","invitation","recovery"]},"link":{"type":"string","description":"The address; its token stands in the fragment"},"person":{"type":"object","required":["name","email"],"properties":{"id":{"type":"string"},"name":{"type":"string"},"email":{"type":"string"}}},"role":{"$ref":"#/components/schemas/Role"},"teams":{"type":"array","items":{"type":"string"}},"expires_at":{"type":"string","format":"date-time"}}},
"Invitation":{"type":"object","required":["object","id","status","name","email","role","teams","invited_by","person","created_at","expires_at","used_at"],"properties":{"object":{"const":"invitation"},"id":{"type":"string"},"kind":{"type":"string"},"status":{"enum":["open","used","expired","withdrawn"]},"name":{"type":"string"},"email":{"type":"string"},"role":{"$ref":"#/components/schemas/Role"},"teams":{"type":"array","items":{"type":"string"}},"invited_by":{"type":"string"},"person":{"type":["string","null"]},"created_at":{"type":"string","format":"date-time"},"expires_at":{"type":"string","format":"date-time"},"used_at":{"type":["string","null"],"format":"date-time"}}}
})";

}  // namespace

Json people_schemas() { return parse_own(kPeople); }

}  // namespace steward::server
