// Stored responses: what `store`, `previous_response_id`, `background` and GET /v1/responses live on.
//
// A response is a stream of records, `response/resp_…`: `response.queued` (a background one that is to be made, with
// what was asked), `response.started` (each try), `response.stored` (as it ended, with its own input),
// `response.events` (the events of a background stream, so that it can be followed again). The journal is read itself,
// not a view of it: what was appended is there at once, so a response can be gone on with as soon as it was answered.
// Content lies in the record, or in a blob where it is large. A response belongs to the principal whose key made it;
// to others there is none. Erasing takes every record of the stream and their blobs. Any io thread; coroutines.
#pragma once
#include "gateway/call.h"
#include "gateway/conversations/disk.h"
#include "journal/record_kind.h"
#include "net/http_server.h"

namespace steward::gateway {

inline constexpr journal::RecordKind kResponseRecordKinds[] = {
    {"response.queued"}, {"response.started"}, {"response.stored"}, {"response.events"}};

struct StoredResponse {
  Id id;
  Id owner;                        // the principal
  Id key;                          // that asked; empty over the home's socket
  Json response = Json::object();  // as GET answers it
  Json input = Json::array();      // the items of this call alone, each with an id
  Id previous;                     // what it goes on from
  Id conversation;
  bool background = false;
  bool streamed = false;  // its events are kept
  Json request;           // of a queued one: what was asked
  Json headers;           // of a queued one: those of the request that say how it is to be answered
  int64_t tries = 0;      // of a queued one
  std::string status() const;
};

class ResponseStore {
 public:
  ResponseStore(Services& services, BlobDisk disk) : services_(services), disk_(std::move(disk)) {}

  // `also`: records of the same append (a conversation's). Durable when it returns.
  Task<Status> put(identity::Caller caller, StoredResponse what, std::vector<journal::Draft> also, Id call);
  Task<Status> queue(identity::Caller caller, StoredResponse what);
  Task<Status> note_started(identity::Caller caller, Id id);
  Task<Status> put_events(identity::Caller caller, Id id, std::string events);

  // kNotFound also where it is another's.
  Task<Result<StoredResponse>> find(identity::Caller caller, Id id);
  Task<Result<std::string>> events(identity::Caller caller, Id id);
  Task<Status> erase(identity::Caller caller, Id id);
  // All that was said up to and with this response: inputs and outputs, oldest first.
  Task<Result<Json>> history(identity::Caller caller, Id id);

  // Hidden when it returns, in no file soon after.
  Task<Status> erase_records(identity::Caller caller, std::vector<Id> records);
  // What names this thing as its source, so of a conversation or a project what is kept of answers about it for repeats
  // (Idempotency-Key), of a message also its words. That nothing does is well.
  Task<Status> erase_drawn_from(identity::Caller caller, Id thing);
  // A draft whose content lies in it or in a blob.
  Task<Result<journal::Draft>> draft(identity::Caller caller, std::string stream, std::string kind, Json about,
                                     Json content);
  Task<Result<Json>> content_of(const journal::Record& record);

 private:
  Result<std::vector<journal::Record>> records(const identity::Caller& caller, const Id& id) const;
  Task<Status> append(identity::Caller caller, std::vector<journal::Draft> drafts);

  Services& services_;
  BlobDisk disk_;
};

// Items as they are kept: a text is a message, and each has an id.
Json items_with_ids(Services& services, const Json& input);
// A page of a list of items, newest first unless `order` is "asc": {"object": "list", "data", "first_id", …}.
Result<Json> page_of(const Json& items, const net::Request& request);
const Id& doer(const identity::Caller& caller);

}  // namespace steward::gateway
