// What kinds of records there are. Each floor lists those that it writes in the header that documents them
// (`kRecordKinds`); whoever wires the server gathers the lists (server/record_kinds.h) and hands them to the journal
// (Options::kinds), which refuses a draft of any other kind. So a list can't fall behind the code that writes: what a
// floor forgets to list can't be written, and the first test of it fails. `steward debug record-kinds` prints what was
// gathered.
#pragma once
#include <string_view>

namespace steward::journal {

struct RecordKind {
  std::string_view name;        // "call.settled"
  std::string_view apart = {};  // why no public interface leads to one; empty: one does, and tests make it
  // Tells how things hang together, not what was said: erased only with its whole stream, since nothing could be folded
  // alike from what is left of it (Options::whole_kinds).
  bool whole = false;
};

}  // namespace steward::journal
