// The headers that every page and file of the web app carries: a content security policy without anything inline and
// without anybody else's address, and no framing.
#pragma once
#include "base/config.h"
#include "net/http_server.h"

namespace steward::server {

void add_web_headers(const Config& config, net::Headers& headers);

}  // namespace steward::server
