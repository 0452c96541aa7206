// The addresses of Responses with state, and of Conversations: handlers, whole; the server only routes to them.
//
//   POST /v1/responses, /v1/responses/input_tokens        create (stored, background), count
//   GET  /v1/responses (WebSocket)                        socket: one message a call (docs/responses.md)
//   GET, DELETE /v1/responses/{id}, …/input_items, POST …/cancel
//   /v1/conversations/{id}/items …                          (the rest of a conversation is Talk's: src/talk)
//
// Made after the gateway and the views; ends before them. Handlers run on their request's io thread.
#pragma once
#include "gateway/batched.h"
#include "gateway/conversations/background.h"

namespace steward::net {
class WebSocket;
}
namespace steward::gateway {

class ResponsesApi {
 public:
  using Caller = identity::Caller;
  ResponsesApi(Services& services, BlobDisk disk, net::IoThreads& threads);

  // A line of a batch, to be posted; the answer's `asked` of one that was (Turn).
  Task<Result<std::shared_ptr<Turn>>> line(Caller caller, Json body, const net::Headers& headers);
  Task<Result<std::shared_ptr<Turn>>> answered_line(Caller caller, Json body, const net::Headers& headers,
                                                    const PostedCall& posted);

  Task<void> create(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> count(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> socket(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> retrieve(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> erase(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> cancel(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> input_items(Caller caller, net::Request& request, net::Responder& responder);

  Task<void> list_items(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> add_items(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> retrieve_item(Caller caller, net::Request& request, net::Responder& responder);
  Task<void> erase_item(Caller caller, net::Request& request, net::Responder& responder);

  // What an earlier process left queued, from the view.
  void resume(Id tenant, std::vector<OpenResponses::Open> open) {
    background_.resume(std::move(tenant), std::move(open));
  }
  void begin_stop() { stop_.cancel(CancelReason::kShutdown); }  // sockets take no further message
  void stop() { background_.stop(); }

 private:
  Task<void> create_background(Caller caller, Json body, net::Request& request, net::Responder& responder);
  Task<void> follow(std::shared_ptr<BackgroundRun> run, size_t from, net::Request& request, net::Responder& responder);
  Task<void> follow_stored(Caller caller, Id id, size_t from, net::Request& request, net::Responder& responder);
  Task<void> socket_message(Caller caller, std::string message, Memory& memory, net::Request& upgrade,
                            net::WebSocket& socket);
  Task<Status> prewarm(std::shared_ptr<Turn> turn, Memory& memory, net::WebSocket& socket);

  Services& services_;
  ResponseStore responses_;
  ConversationStore conversations_;
  Turns turns_;
  Background background_;
  CancelToken stop_;
};

}  // namespace steward::gateway
