// Memory in this server: its address, and its part of the server's start.
#pragma once
#include <string>
#include <vector>

#include "base/config.h"
#include "server/endpoint.h"
#include "talk/remembered.h"

namespace steward::server {

std::vector<Endpoint> memory_endpoints(Core& core);

// Before the views start: whether memory is on is a setting, which stands in the journal too.
Status configure_memory_view(Core& core, const std::string& key, Result<Config> config);
// What an answer in Talk is given of earlier conversations (talk/remembered.h), and that again.
Task<talk::Remembered> remember_for(Core& core, talk::Ask ask, std::string message, size_t tokens);
Task<Result<talk::Remembered>> remember_again(Core& core, identity::Caller caller, talk::Remembered given);
// Makes core.memory: after the gateway and the views.
Status make_memory(Core& core);

}  // namespace steward::server
