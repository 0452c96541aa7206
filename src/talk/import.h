// Conversations from a ChatGPT export (conversations.json) as records: trees with their branches, times, models, tool
// calls and cut answers. What is hidden or says nothing is left out, and what stood below it moves up. Pure.
//
// The same export makes other ids each time: it is for a home that has none of it.
#pragma once
#include "base/random.h"
#include "talk/records.h"

namespace steward::talk {

// An answer among the drafts: an export tells its model and no more; whoever knows what it used and cost completes
// the draft that ends it.
struct ImportedAnswer {
  size_t started = 0, content = 0, ended = 0;  // places in the drafts
  std::string model;
  size_t asked_bytes = 0, answer_bytes = 0;  // of the words above it on its path, and of its own
  bool cut = false;
};

struct Imported {
  Id conversation;
  std::string title;
  size_t messages = 0;
  std::vector<journal::Draft> drafts;  // one append, or several in this order
  std::vector<ImportedAnswer> answers;
};

// Oldest first. kInvalidRequest: it is no such export.
Result<std::vector<Imported>> read_chat_export(const identity::Caller& owner, const Json& exported, Random& random);

}  // namespace steward::talk
