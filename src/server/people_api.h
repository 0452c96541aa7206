// The endpoints of people: signing in (session_api.cc), what is one's own (me.cc), and what an owner does with people
// (admin_people.cc).
#pragma once
#include "identity/people.h"
#include "server/admin.h"

namespace steward::server {

std::vector<Endpoint> session_endpoints(Core& core);  // /v1/session
std::vector<Endpoint> me_endpoints(Core& core);       // /v1/me
std::vector<Endpoint> people_endpoints(Core& core);   // /admin/v1/people, /admin/v1/invitations

Endpoint person_endpoint(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler,
                         bool repeatable = true);
identity::SessionSpec session_spec(const Core& core, const net::Request& request, const Id& person);
Status good_password(const Core& core, std::string_view password, std::string_view name, std::string_view email);

// A first link for an owner who has no credential yet; none otherwise.
Task<Result<std::optional<identity::NewLink>>> first_link(Core& core);

}  // namespace steward::server
