// The OpenAPI 3.1 document, made from the endpoints, so that it can't say another thing than the routes.
#pragma once
#include <vector>

#include "server/endpoint.h"

namespace steward::server {

Json openapi_document(const std::vector<Endpoint>& endpoints, const std::string& server_url);
const Json& openapi_schemas();  // components.schemas
Json people_schemas();          // of signing in and of people
Json memory_schemas();          // of what memory is asked and answers
Json mcp_schemas();
Json talk_schemas();  // of conversations and what stands around them

// /openapi.json itself, which tells of all, itself too.
Endpoint openapi_endpoint(Core& core, const std::vector<Endpoint>& endpoints);

}  // namespace steward::server
