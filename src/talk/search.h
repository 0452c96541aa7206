// Looking for words in what somebody may read: their own conversations, and of what is shared with them the path that
// is. Titles, messages and the text of attachments; newest first. The index itself is asked for whose it may be
// (view.h, column `scope`), so nothing of anybody else's is counted, ranked or passed over. Reader threads.
#pragma once
#include "talk/rows.h"
#include "talk/words.h"

namespace steward::talk {

struct Hit {
  int64_t number = 0;  // of the row of the index: a cursor
  Id conversation;
  std::string title;
  Id owner;
  std::optional<MessageRow> message;        // none: the title itself
  std::optional<AttachmentRow> attachment;  // the words stand in it
};

struct SearchQuery {
  Id principal;
  std::vector<Id> readers;
  std::vector<Term> terms;
  Id conversation;     // empty: in all
  int64_t before = 0;  // a number; 0: from the newest
  size_t limit = 20;
};

std::vector<Hit> search_words(journal::Db& db, const Id& tenant, const SearchQuery& query);

}  // namespace steward::talk
