// /v1/conversations: conversations and their messages. The items of Responses are beside them (responses.cc).
#include "server/admin.h"
#include "server/people_api.h"
#include "server/talk.h"
#include "talk/talk.h"

namespace steward::server {
namespace {

using talk::Talk;

Task<Result<Reply>> told(int status, Task<Result<Json>> answer) {
  auto body = co_await std::move(answer);
  if (!body) co_return fail(std::move(body.error()));
  co_return Reply{status, std::move(*body)};
}

// One's own by session or by key: whoever holds a conversation's id and may read it.
Endpoint key_endpoint(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler) {
  Endpoint endpoint =
      json_endpoint(std::move(method), std::move(pattern), std::move(doc), std::move(handler), /*repeatable=*/true);
  endpoint.access = Access::kKey;
  return endpoint;
}

using OfOne = Task<Result<Json>> (Talk::*)(identity::Caller, Id);
JsonHandler of_one(Core& core, OfOne method) {
  return [&core, method](AdminCall call) {
    return told(200, (core.talk.get()->*method)(call.caller, call.request.params.at("id")));
  };
}

std::vector<Endpoint> whole_endpoints(Core& core) {
  const std::string tag = "Conversations", all = "/v1/conversations", one = all + "/{id}";
  const std::vector<Parameter> query = {{"limit", "1 to 100; 20 unless told", "integer"},
                                        {"after", "The id of the conversation after which to begin", "string"},
                                        {"archived", "false (the default), true or any", "string"},
                                        {"pinned", "true or false", "string"},
                                        {"project", "Of this project alone", "string"},
                                        {"folder", "Of this folder alone", "string"}};
  return {
      person_endpoint("GET", all,
                      {.tag = tag,
                       .summary = "My conversations, and those that are shared with me; the newest change first",
                       .response_schema = "ConversationList",
                       .query = query},
                      [&core](AdminCall call) { return told(200, core.talk->list(call.caller, call.request.query)); }),
      key_endpoint("POST", all,
                   {.tag = tag,
                    .summary = "Begin a conversation",
                    .description = "An id of the client's own makes a repeat harmless.",
                    .request_schema = "NewConversation",
                    .response_schema = "Conversation"},
                   [&core](AdminCall call) { return told(200, core.talk->create(call.caller, std::move(call.body))); }),
      key_endpoint("GET", one, {.tag = tag, .summary = "Show a conversation", .response_schema = "Conversation"},
                   of_one(core, &Talk::find)),
      key_endpoint("POST", one,
                   {.tag = tag,
                    .summary = "Change a conversation: its title, place, current message or metadata",
                    .request_schema = "ConversationChange",
                    .response_schema = "Conversation"},
                   [&core](AdminCall call) {
                     const Id id = call.request.params.at("id");
                     return told(200, core.talk->change(call.caller, id, std::move(call.body)));
                   }),
      key_endpoint("DELETE", one, {.tag = tag, .summary = "Erase a conversation at once", .response_schema = "Deleted"},
                   of_one(core, &Talk::erase)),
      key_endpoint("POST", one + "/delete",
                   {.tag = tag,
                    .summary = "Delete a conversation; it can be taken back for a while",
                    .description = "Hidden at once; erased with all that hangs on it after talk.undo_seconds.",
                    .response_schema = "Deleted"},
                   of_one(core, &Talk::remove)),
      key_endpoint("POST", one + "/restore",
                   {.tag = tag, .summary = "Take a deletion back", .response_schema = "Conversation"},
                   of_one(core, &Talk::restore)),
  };
}

using OfMessage = Task<Result<Json>> (Talk::*)(identity::Caller, Id, Id);
JsonHandler of_message(Core& core, OfMessage method) {
  return [&core, method](AdminCall call) {
    const Id id = call.request.params.at("id"), message = call.request.params.at("message");
    return told(200, (core.talk.get()->*method)(call.caller, id, message));
  };
}

std::vector<Endpoint> message_endpoints(Core& core) {
  const std::string tag = "Conversations", messages = "/v1/conversations/{id}/messages", one = messages + "/{message}";
  return {
      key_endpoint("GET", messages,
                   {.tag = tag,
                    .summary = "A window of the path down to a message, oldest first",
                    .response_schema = "MessageList",
                    .query = {{"at", "A message: the path through it; else the current one", "string"},
                              {"before", "Those that end before this one", "string"},
                              {"after", "Those that begin after this one", "string"},
                              {"limit", "1 to 200; 50 unless told", "integer"}}},
                   [&core](AdminCall call) {
                     return told(200,
                                 core.talk->messages(call.caller, call.request.params.at("id"), call.request.query));
                   }),
      key_endpoint("POST", messages,
                   {.tag = tag,
                    .summary = "Say something, and have it answered",
                    .description = "Durable when this answers. Below an answer that is under way it waits for that.",
                    .request_schema = "NewMessage",
                    .response_schema = "MessageAndAnswer",
                    .success = 201},
                   [&core](AdminCall call) {
                     const Id id = call.request.params.at("id");
                     return told(201, core.talk->say(call.caller, id, std::move(call.body)));
                   }),
      key_endpoint("GET", "/v1/conversations/{id}/tree",
                   {.tag = tag, .summary = "All branches of a conversation", .response_schema = "MessageTree"},
                   of_one(core, &Talk::tree)),
      key_endpoint("GET", one + "/told",
                   {.tag = tag,
                    .summary = "What the model was told for an answer",
                    .description = "Put together again from what stands now: what was erased since is gone from it.",
                    .response_schema = "ToldToModel"},
                   of_message(core, &Talk::told)),
      key_endpoint("POST", one + "/retry",
                   {.tag = tag,
                    .summary = "Have a message answered again, beside the answers that are there",
                    .request_schema = "Retry",
                    .response_schema = "MessageAndAnswer"},
                   [&core](AdminCall call) {
                     const Id id = call.request.params.at("id"), message = call.request.params.at("message");
                     return told(200, core.talk->retry(call.caller, id, message, std::move(call.body)));
                   }),
      key_endpoint("POST", one + "/continue",
                   {.tag = tag,
                    .summary = "Go on with an answer that was stopped or cut off",
                    .response_schema = "MessageAndAnswer"},
                   of_message(core, &Talk::go_on)),
      key_endpoint("POST", one + "/stop",
                   {.tag = tag,
                    .summary = "Stop an answer, or take back a message that waits",
                    .description = "What was written of it stays, and is charged.",
                    .response_schema = "MessageAndAnswer"},
                   of_message(core, &Talk::stop_answer)),
  };
}

}  // namespace

std::vector<Endpoint> talk_endpoints(Core& core) {
  std::vector<Endpoint> out = whole_endpoints(core);
  for (auto& endpoint : message_endpoints(core)) out.push_back(std::move(endpoint));
  for (auto& endpoint : talk_thing_endpoints(core)) out.push_back(std::move(endpoint));
  return out;
}

}  // namespace steward::server
