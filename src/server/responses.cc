#include "server/responses.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/conversations/responses_api.h"
#include "server/worker.h"

namespace steward::server {
namespace {

using gateway::ResponsesApi;
using Method = Task<void> (ResponsesApi::*)(identity::Caller, net::Request&, net::Responder&);

Task<Result<std::string>> put_blob(Core& core, Id tenant, std::string bytes) {
  const std::function<Result<std::string>()> work = [blobs = core.blobs.get(), tenant, bytes = std::move(bytes)] {
    return blobs->put(tenant, bytes);
  };
  co_return co_await core.worker->run<std::string>(work);
}

Task<Result<std::string>> get_blob(Core& core, Id tenant, std::string blob) {
  const std::function<Result<std::string>()> work = [blobs = core.blobs.get(), tenant, blob] {
    return blobs->get(tenant, blob);
  };
  co_return co_await core.worker->run<std::string>(work);
}

// Erasures of a moment share one job, which begins after it: so none comes too late for the job that it is told of.
// What was erased is hidden in the views, too, when this answers.
Task<void> purge_soon(Core& core, Id tenant, Id actor) {
  constexpr DurationUs kMomentUs = 2 * kSecondUs;
  const int64_t moment = core.clock.now_us() / kMomentUs;
  auto job = co_await core.jobs->enqueue(tenant, std::move(actor),
                                         {.kind = "erasure.purge",
                                          .lane = jobs::Lane::kPerson,
                                          .due_at = (moment + 1) * kMomentUs,
                                          .tries = jobs::kMostTries,  // erased is erased: a long read only delays it
                                          .once = fmt::format("responses/{}", moment)});
  if (!job) core.log.warn("what was erased is purged later", {{"code", info(job.error().code).name}});
  (void)co_await core.views->wait_applied(tenant, core.journal->written_seq(tenant));
}

Endpoint at(Core& core, std::string http_method, std::string pattern, Method method, EndpointDoc doc) {
  Endpoint endpoint;
  endpoint.method = std::move(http_method);
  endpoint.pattern = std::move(pattern);
  endpoint.access = Access::kKey;
  endpoint.doc = std::move(doc);
  endpoint.raw = [&core, method](identity::Caller caller, net::Request& request, net::Responder& responder) {
    return (core.responses.get()->*method)(std::move(caller), request, responder);
  };
  return endpoint;
}

const std::vector<Parameter>& page_query() {
  static const std::vector<Parameter> kQuery = {{"limit", "1 to 100; 20 unless told", "integer"},
                                                {"order", "asc or desc (the default)", "string"},
                                                {"after", "The id of the item after which to begin", "string"}};
  return kQuery;
}

// What of a conversation is not Talk's (talk_api.cc): its items, as Responses has them.
std::vector<Endpoint> item_endpoints(Core& core) {
  const std::string tag = "Conversations", items = "/v1/conversations/{id}/items";
  return {
      at(core, "GET", items, &ResponsesApi::list_items,
         {.tag = tag, .summary = "List a conversation's items", .response_schema = "ItemList", .query = page_query()}),
      at(core, "POST", items, &ResponsesApi::add_items,
         {.tag = tag, .summary = "Add items to a conversation", .response_schema = "ItemList"}),
      at(core, "GET", items + "/{item}", &ResponsesApi::retrieve_item,
         {.tag = tag, .summary = "Show an item", .response_schema = "Item"}),
      at(core, "DELETE", items + "/{item}", &ResponsesApi::erase_item,
         {.tag = tag, .summary = "Erase an item", .response_schema = "Conversation"}),
  };
}

Task<void> resume_queued(Core& core) {
  const Id tenant = core.tenant;
  const auto applied = co_await core.views->wait_applied(tenant, core.journal->written_seq(tenant));
  if (!applied) co_return;
  using Open = std::vector<gateway::OpenResponses::Open>;
  auto open =
      co_await core.views->query<Open>([tenant](journal::Db& db) { return gateway::OpenResponses::list(db, tenant); });
  if (!open.empty()) core.log.info("background responses are taken up again", {{"responses", open.size()}});
  core.responses->resume(tenant, std::move(open));
}

}  // namespace

std::vector<Endpoint> responses_endpoints(Core& core) {
  const std::string tag = "Responses", all = "/v1/responses", one = all + "/{id}";
  std::vector<Endpoint> out = {
      at(core, "POST", all, &ResponsesApi::create,
         {.tag = tag,
          .summary = "Answer a conversation, in the Responses dialect",
          .description = "OpenAI's Responses, with state: store, previous_response_id, conversation, background. With "
                         "stream:true, server-sent events.",
          .request_schema = "ResponsesRequest",
          .response_schema = "Response"}),
      at(core, "GET", all, &ResponsesApi::socket,
         {.tag = tag,
          .summary = "Responses over WebSocket",
          .description = "Asks for an upgrade; then each text message is a request of type response.create, and each "
                         "event of its answer a text message.",
          .success = 101}),
      at(core, "POST", all + "/input_tokens", &ResponsesApi::count,
         {.tag = tag,
          .summary = "Count the tokens of a conversation, in the Responses dialect",
          .request_schema = "ResponsesRequest",
          .response_schema = "TokenCount"}),
      at(core, "GET", one, &ResponsesApi::retrieve,
         {.tag = tag,
          .summary = "Show a stored response",
          .description = "With stream=true the events of a background response that was made with stream:true.",
          .response_schema = "Response",
          .query = {{"stream", "true: its events", "boolean"},
                    {"starting_after", "The sequence_number after which to begin", "integer"}}}),
      at(core, "DELETE", one, &ResponsesApi::erase,
         {.tag = tag, .summary = "Erase a stored response", .response_schema = "Deleted"}),
      at(core, "POST", one + "/cancel", &ResponsesApi::cancel,
         {.tag = tag, .summary = "Cancel a background response", .response_schema = "Response"}),
      at(core, "GET", one + "/input_items", &ResponsesApi::input_items,
         {.tag = tag,
          .summary = "List what a response was made from",
          .response_schema = "ItemList",
          .query = page_query()}),
  };
  for (auto& endpoint : item_endpoints(core)) out.push_back(std::move(endpoint));
  return out;
}

gateway::BlobDisk blob_disk(Core& core) {
  gateway::BlobDisk disk;
  disk.put = [&core](Id tenant, std::string bytes) { return put_blob(core, std::move(tenant), std::move(bytes)); };
  disk.get = [&core](Id tenant, std::string blob) { return get_blob(core, std::move(tenant), std::move(blob)); };
  disk.purge = [&core](Id tenant, Id actor) { return purge_soon(core, std::move(tenant), std::move(actor)); };
  return disk;
}

void open_responses(Core& core) {
  core.responses = std::make_unique<ResponsesApi>(core.gateway->services(), blob_disk(core), *core.threads);
  asio::co_spawn(core.threads->context(0), resume_queued(core), asio::detached);  // ends with the views
}

}  // namespace steward::server
