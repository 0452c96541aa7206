// The limits that the system sets to this process, as far as the server depends on them. File descriptors: each
// connection takes one, and one more while its call is at a provider or at the engine. Most systems hand out a soft
// limit of 1,024 (for programs that use select(2)) and a hard one that is far higher; raise_file_limit() takes what the
// hard one allows.
#pragma once
#include <cstdint>
#include <string>

namespace steward {

struct FileLimit {
  uint64_t soft = 0;  // what holds
  uint64_t hard = 0;  // to which the process itself may raise it
};

FileLimit file_limit();
FileLimit raise_file_limit();  // soft := hard; answers what holds afterwards
uint64_t open_files();         // descriptors that are open now; 0 if the system doesn't tell

// What `connections` need at worst, with the server's own files.
uint64_t files_needed(uint64_t connections);
// A sentence if the limit is too low for them, else empty.
std::string file_limit_problem(const FileLimit& limit, uint64_t connections);

}  // namespace steward
