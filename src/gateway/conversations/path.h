// The current path of a conversation, from the records of its stream: which of them hold its items, in order.
//
// What the Conversations API adds is a list; what is said in Talk (src/talk/records.h) is a tree whose leaf is
// `current`. Both are read here, so that the one API tells what the other did. Pure.
#pragma once
#include <vector>

#include "journal/record.h"

namespace steward::gateway {

// Places in `records`, which are those of one stream in order.
std::vector<size_t> current_path(const std::vector<journal::Record>& records);
bool is_deleted(const std::vector<journal::Record>& records);  // hidden, and erased soon

}  // namespace steward::gateway
