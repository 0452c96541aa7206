// Model files over the API: POST and DELETE of /admin/v1/models, and the job that fetches one.
#pragma once
#include <vector>

#include "server/endpoint.h"

namespace steward::server {

std::vector<Endpoint> model_file_endpoints(Core& core);
void register_model_jobs(Core& core);  // before the jobs start
Json job_json(const jobs::Job& job);   // a job as the API tells it

}  // namespace steward::server
