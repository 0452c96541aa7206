// Rows as the API tells them.
#pragma once
#include "talk/records.h"
#include "talk/rows.h"
#include "talk/run.h"

namespace steward::talk {

Json conversation_json(const ConversationRow& row, const Id& reader);
// `run`: the answer while it is made, or null. Attachments are those of the whole conversation. `own`: for its owner,
// who alone sees what an answer was given of other conversations.
Json message_json(const MessageRow& row, const Said& said, const std::vector<AttachmentRow>& attachments,
                  const Run* run, bool own);
Json branch_json(const MessageRow& row);  // of the tree
Json attachment_json(const AttachmentRow& row);
Json share_json(const ShareRow& row);
Json project_json(const ProjectRow& row);
// {"object": "list", "data", "first_id", "last_id", "has_more"}
Json list_json(Json data, bool more);
Json or_null(const std::string& text);

}  // namespace steward::talk
