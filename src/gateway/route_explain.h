// Where a call would go and why, without sending it: what `steward routes explain` and /admin/v1/routes/explain ask.
#pragma once
#include "base/json_fwd.h"
#include "gateway/call.h"
#include "gateway/routing/facts.h"
#include "net/http_server.h"

namespace steward::gateway {

struct ExplainAsk {
  Dialect dialect = Dialect::kChat;
  Json request;          // as its dialect has it
  std::string model;     // of Gemini, whose requests don't name it
  net::Headers headers;  // those that routing reads
  Id key;                // whose call it would be; empty: the asker's own
  Json assume;  // over what the request itself says: input_tokens, output_tokens, tools, images, documents, streamed
};

// {"request": {…}, "dialect": "chat", "model", "headers": {…}, "key", "assume": {…}}, or the bare request of a call.
Result<ExplainAsk> read_explain(const Json& body);

Task<Result<Json>> explain_call(Services& services, identity::Caller caller, ExplainAsk ask);

std::vector<Metric> route_metrics(const routing::Router& router);

// Every route with its deployments' health, for lists.
Task<std::vector<Json>> list_routes(Services& services);

}  // namespace steward::gateway
