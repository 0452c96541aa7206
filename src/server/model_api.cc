#include "server/admin.h"
#include "server/events.h"
#include "server/fields.h"
#include "server/responses.h"

namespace steward::server {
namespace {

using gateway::Dialect;
using Method = Task<void> (gateway::Gateway::*)(identity::Caller, net::Request&, net::Responder&);
using DialectMethod = Task<void> (gateway::Gateway::*)(Dialect, identity::Caller, net::Request&, net::Responder&);

Endpoint key_endpoint(std::string http_method, std::string pattern, EndpointDoc doc, RawHandler handler) {
  Endpoint endpoint;
  endpoint.method = std::move(http_method);
  endpoint.pattern = std::move(pattern);
  endpoint.access = Access::kKey;
  endpoint.doc = std::move(doc);
  endpoint.raw = std::move(handler);
  return endpoint;
}

Endpoint gateway_endpoint(Core& core, std::string http_method, std::string pattern, EndpointDoc doc, Method method) {
  return key_endpoint(std::move(http_method), std::move(pattern), std::move(doc),
                      [&core, method](identity::Caller caller, net::Request& request, net::Responder& responder) {
                        return (core.gateway.get()->*method)(std::move(caller), request, responder);
                      });
}

Endpoint dialect_endpoint(Core& core, std::string pattern, EndpointDoc doc, Dialect dialect, DialectMethod method) {
  return key_endpoint(
      "POST", std::move(pattern), std::move(doc),
      [&core, dialect, method](identity::Caller caller, net::Request& request, net::Responder& responder) {
        return (core.gateway.get()->*method)(dialect, std::move(caller), request, responder);
      });
}

constexpr size_t kMaxTopics = 500;
constexpr size_t kMaxTopicBytes = 200;

Task<Result<Reply>> set_topics(Core& core, AdminCall call) {
  Fields fields(call.body);
  auto topics = fields.texts("topics");
  if (!topics) fields.problem("topics", "is needed: an array of texts");
  if (topics && (topics->size() > kMaxTopics || std::ranges::any_of(*topics, [](const std::string& topic) {
                   return topic.empty() || topic.size() > kMaxTopicBytes;
                 })))
    fields.problem("topics", fmt::format("has at most {} texts of 1 to {} bytes", kMaxTopics, kMaxTopicBytes));
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  const Id stream = call.request.params.at("stream");
  if (!core.events->set_topics(stream, stream_owner(call.caller, call.session), *topics))
    co_return fail(ErrorCode::kNotFound, fmt::format("You have no stream '{}' open.", stream.substr(0, 80)));
  co_return Reply{200, {{"object", "topics"}, {"stream", stream}, {"topics", std::move(*topics)}}};
}

// Anthropic's and Google's clients.
std::vector<Endpoint> other_dialects(Core& core) {
  using gateway::Gateway;
  const EndpointDoc gemini = {.tag = "Gemini",
                              .summary = "Answer a conversation, in Gemini's dialect",
                              .description =
                                  "MODEL:generateContent, MODEL:streamGenerateContent (server-sent events "
                                  "with alt=sse, else one JSON array), MODEL:countTokens, MODEL:embedContent and "
                                  "MODEL:batchEmbedContents.",
                              .request_schema = "GeminiRequest",
                              .response_schema = "GeminiResponse",
                              .query = {{"alt", "sse: server-sent events", "string"},
                                        {"key", "The Steward key, if no header names it", "string"}}};
  return {
      dialect_endpoint(core, "/v1/messages",
                       {.tag = "Messages",
                        .summary = "Answer a conversation, in Anthropic's dialect",
                        .description = "Anthropic's Messages. With stream:true, server-sent events.",
                        .request_schema = "MessagesRequest",
                        .response_schema = "Message"},
                       Dialect::kMessages, &Gateway::answer),
      dialect_endpoint(core, "/v1/messages/count_tokens",
                       {.tag = "Messages",
                        .summary = "Count the tokens of a conversation",
                        .description = "Exact for local models; a provider that can count is asked; else an estimate, "
                                       "with the header x-steward-estimated.",
                        .request_schema = "MessagesRequest",
                        .response_schema = "TokenCount"},
                       Dialect::kMessages, &Gateway::count_tokens),
      gateway_endpoint(core, "POST", "/v1beta/models/{call*}", gemini, &Gateway::gemini),
      gateway_endpoint(core, "POST", "/v1/models/{call*}", gemini, &Gateway::gemini),
      gateway_endpoint(core, "GET", "/v1beta/models",
                       {.tag = "Gemini",
                        .summary = "List the models that this key may use, in Gemini's form",
                        .response_schema = "GeminiModelList"},
                       &Gateway::list_gemini_models),
      gateway_endpoint(core, "GET", "/v1beta/models/{call*}",
                       {.tag = "Gemini", .summary = "Show a model, in Gemini's form", .response_schema = "GeminiModel"},
                       &Gateway::get_gemini_model),
  };
}

}  // namespace

std::vector<Endpoint> model_api_endpoints(Core& core) {
  const std::string tag = "Models";
  using gateway::Gateway;
  std::vector<Endpoint> out = {
      dialect_endpoint(core, "/v1/chat/completions",
                       {.tag = tag,
                        .summary = "Answer a conversation",
                        .description = "OpenAI's Chat Completions. With stream:true, server-sent events.",
                        .request_schema = "ChatRequest",
                        .response_schema = "ChatCompletion"},
                       Dialect::kChat, &Gateway::answer),
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
  for (auto& endpoint : other_dialects(core)) out.push_back(std::move(endpoint));
  for (auto& endpoint : responses_endpoints(core)) out.push_back(std::move(endpoint));
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
  Endpoint topics = json_endpoint("POST", "/v1/events/{stream}/topics",
                                  {.tag = "Events",
                                   .summary = "Say which records a stream is to bring",
                                   .description = "Streams of records as they are named, or a beginning with a star "
                                                  "('conversation/conv_…', 'call/*'), among those one may see.",
                                   .request_schema = "Topics",
                                   .response_schema = "Topics"},
                                  [&core](AdminCall call) { return set_topics(core, std::move(call)); });
  topics.access = Access::kKey;
  out.push_back(std::move(topics));
  return out;
}

}  // namespace steward::server
