// The headers on everything that a browser shows: the page, its scripts, its styles, and errors in their place.
//
// A strict Content-Security-Policy without inline script or style and without any other origin: what a hostile text
// would smuggle in is not run, and no third party learns that somebody is here. Whoever serves a page calls this before
// it answers.
#pragma once
#include "server/core.h"

namespace steward::server {

void set_web_headers(const Core& core, net::Headers& headers);

}  // namespace steward::server
