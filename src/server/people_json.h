// How people, sessions and links are shown, and the texts of the links.
#pragma once
#include <date/tz.h>

#include "base/json.h"
#include "identity/people.h"
#include "server/core.h"

namespace steward::server {

Json person_json(const Core& core, const Id& person);
Json session_json(const Core& core, const identity::Session& session, std::string_view token);
Json session_entry_json(const Core& core, const identity::Session& session, const Id& current);
Json invitation_json(const Core& core, const identity::Link& link);
// With the address that lets somebody in: its token stands in the fragment, which browsers send to nobody.
Json link_json(const Core& core, const identity::NewLink& link);
std::string name_of(const Core& core, const Id& principal);
const date::time_zone* zone_of(const Core& core, const Id& person);  // theirs, else the server's
std::string listening_address(const Core& core);

}  // namespace steward::server
