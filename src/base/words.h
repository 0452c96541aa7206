// Words: how a text is cut for an index, and how a question is cut the same way.
//
// A word is a run of letters, digits and marks, folded (case, width, accents), so that "Café" is found by "cafe".
// Scripts that write no spaces between words (Chinese, Japanese, Thai, …) and Korean are cut into single characters:
// what is made of a run of them is for whoever indexes. Pure functions; any thread.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace steward {

inline constexpr size_t kMaxWordBytes = 64;  // the rest of a longer one is not looked at

struct Word {
  std::string folded;
  size_t begin = 0, end = 0;  // bytes in the text
  bool single = false;        // a character of a script without spaces
};

// Calls `take` with each word in order until it answers false. The Word is reused.
void each_word(std::string_view text, const std::function<bool(const Word&)>& take);

}  // namespace steward
