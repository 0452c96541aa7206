#include "server/admin.h"
#include "server/batches/files.h"
#include "server/mcp/http.h"
#include "server/memory.h"
#include "server/model_file_api.h"
#include "server/people_api.h"
#include "server/talk.h"

namespace steward::server {

Endpoint json_endpoint(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler, bool repeatable) {
  Endpoint endpoint;
  endpoint.method = std::move(method);
  endpoint.pattern = std::move(pattern);
  endpoint.doc = std::move(doc);
  endpoint.json = std::move(handler);
  endpoint.repeatable = repeatable;
  return endpoint;
}

std::vector<Endpoint> all_endpoints(Core& core) {
  std::vector<Endpoint> out;
  for (const auto& part :
       {health_endpoints(core),     model_api_endpoints(core), key_endpoints(core),      principal_endpoints(core),
        budget_endpoints(core),     price_endpoints(core),     usage_endpoints(core),    model_admin_endpoints(core),
        model_file_endpoints(core), journal_endpoints(core),   backup_endpoints(core),   job_endpoints(core),
        config_endpoints(core),     call_endpoints(core),      provider_endpoints(core), route_endpoints(core),
        file_endpoints(core),       batch_endpoints(core),     change_endpoints(core),   session_endpoints(core),
        me_endpoints(core),         people_endpoints(core),    talk_endpoints(core),     memory_endpoints(core),
        mcp::mcp_endpoints(core)}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace steward::server
