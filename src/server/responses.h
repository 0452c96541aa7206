// Responses with state and Conversations: their addresses, and their part of the server's start.
#pragma once
#include <vector>

#include "gateway/conversations/disk.h"
#include "server/endpoint.h"

namespace steward::server {

std::vector<Endpoint> responses_endpoints(Core& core);
gateway::BlobDisk blob_disk(Core& core);

// Makes core.responses and, once the view has caught up, takes up again what an earlier process left queued. After
// everything that it reaches.
void open_responses(Core& core);

}  // namespace steward::server
