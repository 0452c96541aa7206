// The records of Talk: what is said, answered, placed, shared and attached, as it stands in the journal.
//
// A conversation is a stream, conversation/conv_…, shared with the Conversations API (gateway/conversations), whose
// kinds `conversation.created`, `.updated` and `.item_added` stay what they were. Its messages are a tree. What a
// message is (its place, its role, who is to answer) and what it says are records of their own, so that its words can
// be erased while the tree stands:
//
//   conversation.created        {owner, metadata, title?, title_by?, project?, folder?, remember?}
//   conversation.message_said   {owner, item, parent, role, attachments?, answer?: {item, model, …}, queued?}
//   conversation.answer_started {owner, item, parent, model, key?, instructions?, continues?, calls?,
//                                without?, memory?}: also each try
//   answer.kept                 answer/msg_…: {conversation, item, call?, content | blob}: a step of it (steps.h)
//   conversation.answer_ended   {item, status, model, route, call, usage, cost_nano_usd, …, memory?, error?}
//   conversation.content        {item, content | blob}: an item of Responses, in the record or, if large, in a blob
//   conversation.taken_back     {item}: a message that waited, and its answer that was never begun
//   conversation.placed         {title?, title_by?, pinned?, archived?, project?, folder?, current?}
//   conversation.titled         {title, title_by: rule | model}: made of what was said, which its sources name
//   conversation.deleted        {until_us}; conversation.restored {}
//   share.made                  {share, owner, with, leaf, tag?}; share.taken_back {share}
//   attachment.added            attachment/att_…: {owner, name, type, kind, bytes, blob}; attachment.read {…}
//   project.made, .changed      project/proj_…: {owner, name, instructions, model}; project.removed {}
//
// Names, titles and words stand in bodies alone. A record about a message has the message's id among its sources.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "identity/identity.h"
#include "journal/record.h"
#include "journal/record_kind.h"

namespace steward::talk {

inline constexpr std::string_view kCreated = "conversation.created", kUpdated = "conversation.updated",
                                  kItemAdded = "conversation.item_added", kMessageSaid = "conversation.message_said",
                                  kAnswerStarted = "conversation.answer_started",
                                  kAnswerEnded = "conversation.answer_ended", kAnswerKept = "answer.kept",
                                  kContent = "conversation.content", kTakenBack = "conversation.taken_back",
                                  kPlaced = "conversation.placed", kTitled = "conversation.titled",
                                  kDeleted = "conversation.deleted", kRestored = "conversation.restored",
                                  kShareMade = "share.made", kShareTakenBack = "share.taken_back",
                                  kAttachmentAdded = "attachment.added", kAttachmentRead = "attachment.read",
                                  kProjectMade = "project.made", kProjectChanged = "project.changed",
                                  kProjectRemoved = "project.removed";
// Items are added by the Conversations API (gateway/conversations/conversation_store.h). A message's words
// (kContent), a title that was made of them, a share and a file can be erased alone; the rest is the tree, and goes
// with its conversation.
inline constexpr journal::RecordKind kRecordKinds[] = {{.name = kCreated, .whole = true},
                                                       {.name = kUpdated, .whole = true},
                                                       {.name = kMessageSaid, .whole = true},
                                                       {.name = kAnswerStarted, .whole = true},
                                                       {.name = kAnswerEnded, .whole = true},
                                                       {.name = kContent},
                                                       {.name = kAnswerKept},
                                                       {.name = kTakenBack, .whole = true},
                                                       {.name = kPlaced, .whole = true},
                                                       {.name = kTitled},
                                                       {.name = kDeleted, .whole = true},
                                                       {.name = kRestored, .whole = true},
                                                       {.name = kShareMade},
                                                       {.name = kShareTakenBack, .whole = true},
                                                       {.name = kAttachmentAdded},
                                                       {.name = kAttachmentRead},
                                                       {.name = kProjectMade, .whole = true},
                                                       {.name = kProjectChanged, .whole = true},
                                                       {.name = kProjectRemoved, .whole = true}};

std::string conversation_stream(const Id& id);
std::string answer_stream(const Id& message);
std::string attachment_stream(const Id& id);
std::string project_stream(const Id& id);

// A record somebody makes, about `about` (a message, or empty).
journal::Draft draft_of(const identity::Caller& caller, std::string stream, std::string_view kind, const Json& body,
                        const Id& about = {});

// The item of Responses that a message's words are kept as; `reasoning` is an answer's.
Json item_of(const Id& message, std::string_view role, std::string_view text, std::string_view reasoning = {});
struct Said {
  std::string text, reasoning;
  Json tools = Json::array();
};
Said said_in(const Json& item);  // of any item that the API took: what of it is text

// A message's id from the client, or a new one's form: "msg_" and a ULID.
bool is_message_id(std::string_view text);
Id record_of(const Id& message);  // the id that the record of a message said has, so that it is said once

}  // namespace steward::talk
