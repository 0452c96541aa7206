// Conversations (OpenAI's Conversations API): items that responses add to and go on from.
//
// A conversation is a stream of records, `conversation/conv_…`: `conversation.created` and `conversation.updated` (its
// metadata), `conversation.item_added` (one item each, so that one can be erased). What was said in it in Talk is told
// here too: the items of its current path (path.h). It is read from the journal itself, like responses
// (response_store.h). It belongs to the principal whose key made it. Any io thread; coroutines.
#pragma once
#include "gateway/conversations/response_store.h"

namespace steward::gateway {

// Those that begin, change and delete a conversation are Talk's.
inline constexpr journal::RecordKind kConversationRecordKinds[] = {{"conversation.item_added"}};

class ConversationStore {
 public:
  ConversationStore(Services& services, ResponseStore& responses) : services_(services), responses_(responses) {}

  Task<Result<Json>> find(identity::Caller caller, Id id);  // the conversation as it is told
  Task<Result<Json>> items(identity::Caller caller, Id id);
  Task<Result<Json>> add(identity::Caller caller, Id id, Json items);  // the items with their ids
  Task<Result<Json>> item(identity::Caller caller, Id id, Id item);
  Task<Status> erase_item(identity::Caller caller, Id id, Id item);
  // The records that add these items, for an append of somebody else's.
  Task<Result<std::vector<journal::Draft>>> drafts_of(identity::Caller caller, Id id, Json items);

 private:
  struct Known {
    Json told;                                // as find() answers
    std::vector<journal::Record> all, items;  // items: those that are there
  };
  Result<Known> read(const identity::Caller& caller, const Id& id) const;

  Services& services_;
  ResponseStore& responses_;
};

}  // namespace steward::gateway
