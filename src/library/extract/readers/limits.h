// How much one attachment may become, and what is done about more. Text and pages beyond a limit are cut, with a note;
// an archive that swells beyond what any honest document does is refused as a bomb.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace steward::library::readers {

struct Limits {
  size_t text_bytes = 8 << 20;         // kept of the text: some two million words
  int64_t pages = 2000;                // read of a PDF, of slides, sheets and chapters
  size_t unpacked_bytes = 512U << 20;  // of all parts of an archive together
  size_t part_bytes = 64 << 20;        // of a part that is read whole (an HTML chapter, styles)
  size_t ratio = 400;                  // of a part's size to its packed size; DEFLATE reaches 1,032 for zeros alone
  size_t ratio_from_bytes = 4 << 20;   // where the ratio begins to count: small parts may be very regular
  size_t entries = 50'000;             // names in an archive
  std::chrono::seconds patience{30};   // then what was read so far is the text
};

}  // namespace steward::library::readers
