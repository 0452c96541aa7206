// Passages: the pieces that a message is remembered by, and who speaks in them.
//
// A message up to kWholeBytes is one passage; a longer one is cut where a paragraph, a line, a sentence or at least a
// word ends. Passages lie end to end, so that what is cited is word for word what was said. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace steward::memory {

inline constexpr size_t kWholeBytes = 1'600;    // about what the embedder takes in one pass
inline constexpr size_t kPassageBytes = 1'200;  // of a longer message: at most
inline constexpr size_t kMaxPassages = 256;     // of one message, some 300 kB: the rest of it is not remembered

struct Passage {
  size_t begin = 0, end = 0;  // bytes in the text
};
std::vector<Passage> passages_in(std::string_view text);

// "Caroline: I went …", as chats that were pasted or brought in have it: the name before the colon, or nothing.
std::string_view speaker_in(std::string_view text);

// About how many tokens a model reads in it: four bytes of a spaced script, or one character of another, are one.
size_t about_tokens(std::string_view text);

}  // namespace steward::memory
