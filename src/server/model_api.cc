#include "server/admin.h"
#include "server/events.h"

namespace steward::server {
namespace {

using Method = Task<void> (gateway::Gateway::*)(identity::Caller, net::Request&, net::Responder&);

Endpoint gateway_endpoint(Core& core, std::string http_method, std::string pattern, EndpointDoc doc, Method method) {
  Endpoint endpoint;
  endpoint.method = std::move(http_method);
  endpoint.pattern = std::move(pattern);
  endpoint.access = Access::kKey;
  endpoint.doc = std::move(doc);
  endpoint.raw = [&core, method](identity::Caller caller, net::Request& request, net::Responder& responder) {
    return (core.gateway.get()->*method)(std::move(caller), request, responder);
  };
  return endpoint;
}

}  // namespace

std::vector<Endpoint> model_api_endpoints(Core& core) {
  const std::string tag = "Models";
  using gateway::Gateway;
  std::vector<Endpoint> out = {
      gateway_endpoint(core, "POST", "/v1/chat/completions",
                       {.tag = tag,
                        .summary = "Answer a conversation",
                        .description = "OpenAI's Chat Completions. With stream:true, server-sent events.",
                        .request_schema = "ChatRequest",
                        .response_schema = "ChatCompletion"},
                       &Gateway::chat_completions),
      gateway_endpoint(core, "POST", "/v1/completions",
                       {.tag = tag,
                        .summary = "Go on with a text",
                        .description = "OpenAI's Completions. With stream:true, server-sent events.",
                        .request_schema = "CompletionRequest",
                        .response_schema = "Completion"},
                       &Gateway::completions),
      gateway_endpoint(core, "POST", "/v1/embeddings",
                       {.tag = tag,
                        .summary = "Turn texts into vectors",
                        .description = "OpenAI's Embeddings, and input_type: query or passage (the default).",
                        .request_schema = "EmbeddingRequest",
                        .response_schema = "EmbeddingList"},
                       &Gateway::embeddings),
      gateway_endpoint(core, "GET", "/v1/models",
                       {.tag = tag, .summary = "List the models that this key may use", .response_schema = "ModelList"},
                       &Gateway::list_models),
      gateway_endpoint(core, "GET", "/v1/models/{id}",
                       {.tag = tag, .summary = "Show a model", .response_schema = "Model"}, &Gateway::get_model),
  };
  Endpoint events{
      "GET",
      "/v1/events",
      Access::kKey,
      {.tag = "Events",
       .summary = "Follow what happens",
       .description = "Server-sent events: one `record` for each durable record that the caller may read; `reset` "
                      "where the cursor is no longer good.",
       .content_type = "text/event-stream",
       .query = {{"after", "The seq of the last record seen; without it the stream begins now", "integer"}}},
      nullptr,
      [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
        return serve_events(core, std::move(caller), request, responder);
      }};
  out.push_back(std::move(events));
  return out;
}

}  // namespace steward::server
