// The endpoints, resource by resource. Each function tells those of one resource; api.cc puts them together.
#pragma once
#include <vector>

#include "server/endpoint.h"

namespace steward::server {

std::vector<Endpoint> model_api_endpoints(Core& core);  // /v1
std::vector<Endpoint> health_endpoints(Core& core);     // /healthz /readyz /metrics
std::vector<Endpoint> key_endpoints(Core& core);        // /admin/v1/keys
std::vector<Endpoint> principal_endpoints(Core& core);
std::vector<Endpoint> budget_endpoints(Core& core);
std::vector<Endpoint> price_endpoints(Core& core);
std::vector<Endpoint> usage_endpoints(Core& core);
std::vector<Endpoint> model_admin_endpoints(Core& core);
std::vector<Endpoint> journal_endpoints(Core& core);
std::vector<Endpoint> backup_endpoints(Core& core);  // also /admin/v1/journal/rebuild
std::vector<Endpoint> job_endpoints(Core& core);     // and erasure, which is one
std::vector<Endpoint> config_endpoints(Core& core);
std::vector<Endpoint> change_endpoints(Core& core);    // /admin/v1/changes
std::vector<Endpoint> call_endpoints(Core& core);      // /admin/v1/calls
std::vector<Endpoint> provider_endpoints(Core& core);  // /admin/v1/providers
std::vector<Endpoint> route_endpoints(Core& core);     // /admin/v1/routes

// What the server does in the background. Before the jobs start.
void register_jobs(Core& core);
void register_content_job(Core& core);
Task<void> purge_due_content(Core& core);  // now and then: makes the job if there is something for it
// Hides the content of records (and of what hangs on them), and makes the job that purges the files: its answer.
// kStream: the ids are a whole stream's; kParts: what tells how things hang together stays (ErasureRequest::whole).
enum class Erased { kStream, kParts };
Task<Result<Reply>> erase_records(Core& core, identity::Caller caller, std::vector<Id> ids, std::string reason,
                                  Erased what = Erased::kParts);
// Of erased records: their views have folded that and no file holds them when this returns. On a job's thread.
Result<Json> purge_files(Core& core, const jobs::Job& job, jobs::JobContext& context);

// Everything but /openapi.json, which is made from this.
std::vector<Endpoint> all_endpoints(Core& core);

// An endpoint that answers JSON, put together.
Endpoint json_endpoint(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler,
                       bool repeatable = true);

// What /readyz and /admin/v1/status tell.
Json status_json(const Core& core);

}  // namespace steward::server
