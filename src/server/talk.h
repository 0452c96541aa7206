// Talk in this server: its addresses, and its part of the server's start.
#pragma once
#include <vector>

#include "server/endpoint.h"

namespace steward::server {

std::vector<Endpoint> talk_endpoints(Core& core);        // talk_api.cc: conversations and their messages
std::vector<Endpoint> talk_thing_endpoints(Core& core);  // talk_things_api.cc: attachments, projects, shares, exports

// Makes core.talk and its jobs: after the gateway, before jobs start.
void make_talk(Core& core, std::string share_key);
// Once everything stands: takes up what an earlier process left open.
void open_talk(Core& core);
Task<void> tidy_talk(Core& core);  // now and then: makes the job if there is something for it

}  // namespace steward::server
