// A browser's session: the cookie, the token against forged requests, and where a request may come from.
//
// The cookie is HttpOnly and SameSite=Strict, under TLS Secure with the prefix __Host-; its name ends with characters
// of the organisation's id, since browsers share cookies between the ports of one host. Whatever changes something
// carries x-steward-csrf, which only a page of this origin can have read; and Origin and Sec-Fetch-Site are checked
// whatever the method, since a WebSocket begins with a GET. Nothing here redirects.
#pragma once
#include <optional>
#include <string>

#include "identity/people.h"
#include "server/endpoint.h"

namespace steward::server {

std::string session_cookie_name(const Core& core);
std::optional<std::string> session_token_of(const Core& core, const net::Request& request);
std::pair<std::string, std::string> session_cookie(const Core& core, const std::string& token, DurationUs lasts_us);
std::pair<std::string, std::string> no_session_cookie(const Core& core);

// The open session that a request stands under: no key beside it. Empty: none.
Id session_of(const Core& core, const net::Request& request);
// kCrossSite if a page of another origin sent it.
Status check_same_site(const Core& core, const net::Request& request);
// Of no page at all, of one that this server gave, or of one whose origin server.cors_origins names.
bool comes_from_own_page(const Core& core, const net::Request& request);
// None: no cookie of ours. kSessionEnded, kCsrfFailed, kCrossSite.
std::optional<Result<identity::SignedIn>> session_caller(Core& core, const net::Request& request);

bool is_served_over_tls(const Config& config);  // its own TLS, or a proxy's as server.public_url says
std::string public_address(const Config& config, const std::string& listening);  // without a slash at its end
std::string browser_name(std::string_view user_agent);                           // "Firefox on Linux"
std::string address_of(const net::Request& request);                             // without the port

}  // namespace steward::server
