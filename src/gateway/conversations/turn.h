// One call of Responses with its state resolved: what it goes on from has become its input, and what is to be kept of
// it is known.
//
// previous_response_id, conversation, store and background are Steward's own (whatever provider answers): the provider
// gets the whole input and keeps nothing. Encrypted reasoning travels in the items, so a model finds its thoughts
// again. Coroutines; the request's io thread.
#pragma once
#include "gateway/asked.h"
#include "gateway/conversations/conversation_store.h"

namespace steward::gateway {

// What a connection remembers of its own calls that are not stored (Responses over WebSocket): all that was said up to
// and with each response. Bounded: the oldest are forgotten.
class Memory {
 public:
  void keep(const Id& id, Json said);
  const Json* find(const Id& id) const;

 private:
  static constexpr size_t kMaxResponses = 32;
  std::vector<std::pair<Id, Json>> said_;
};

struct Turn {
  Id id;
  Id previous, conversation;
  Json input;    // its own items, with ids
  Json history;  // all items before them
  bool store = false, background = false, streamed = false;
  int64_t created_at = 0;
  Json request_body;  // as it came
  Asked asked;
  std::shared_ptr<const Request> request;  // for writing the answer down
  Json response;                           // as it ended; null before
};

struct MadeAnew {  // a response that an earlier process promised
  Id id;
  int64_t created_at = 0;
};

class Turns {
 public:
  Turns(Services& services, ResponseStore& responses, ConversationStore& conversations)
      : services_(services), responses_(responses), conversations_(conversations) {}

  // `again`: the response that is made anew; null: a new one. `memory` may be null; it outlives the turn.
  Task<Result<std::shared_ptr<Turn>>> prepare(identity::Caller caller, Json body, net::Headers headers,
                                              const MadeAnew* again, Memory* memory);
  // The response object of an answer that isn't there yet or never came.
  Json response_of(const Turn& turn, std::string_view status, const Error* error) const;
  Task<Status> store(identity::Caller caller, std::shared_ptr<Turn> turn, Id call);

 private:
  Status check_store(const identity::Caller& caller, const net::Headers& headers, const Json& body, Turn& turn) const;
  Task<Status> find_history(identity::Caller caller, std::shared_ptr<Turn> turn, const Memory* memory);
  Task<Status> answered(identity::Caller caller, std::shared_ptr<Turn> turn, Memory* memory, const WholeAnswer& answer,
                        Id call, ledger::Usage usage);

  Services& services_;
  ResponseStore& responses_;
  ConversationStore& conversations_;
};

}  // namespace steward::gateway
