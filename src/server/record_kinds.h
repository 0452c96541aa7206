// Every kind of record that this release can write: the lists of all floors, gathered (journal/record_kind.h). The
// journal refuses any other.
#pragma once
#include <vector>

#include "journal/record_kind.h"

namespace steward::server {

std::vector<journal::RecordKind> record_kinds();

}  // namespace steward::server
