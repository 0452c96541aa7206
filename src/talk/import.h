// Conversations from a ChatGPT export (conversations.json) as records: trees with their branches, times, models, tool
// calls and cut answers. What is hidden or says nothing is left out, and what stood below it moves up. Pure.
//
// The same export makes other ids each time: it is for a home that has none of it.
#pragma once
#include "base/random.h"
#include "talk/records.h"

namespace steward::talk {

struct Imported {
  Id conversation;
  size_t messages = 0;
  std::vector<journal::Draft> drafts;  // one append
};

// Oldest first. kInvalidRequest: it is no such export.
Result<std::vector<Imported>> read_chat_export(const identity::Caller& owner, const Json& exported, Random& random);

}  // namespace steward::talk
