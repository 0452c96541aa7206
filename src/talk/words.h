// Words: how a text is cut for the index, and how a question is cut the same way.
//
// Words are folded (base/words.h). A run of characters of a script without spaces is a phrase in a question: so any
// part of such a text is found, however a dictionary would cut it. The index holds the words joined by spaces; marks
// come from the same cutting, so what is marked is what was found. Pure functions; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"

namespace steward::talk {

inline constexpr size_t kMaxIndexedBytes = size_t{16} << 20;  // of one message
inline constexpr size_t kMaxTerms = 16;                       // of one question
inline constexpr size_t kMaxQuestionBytes = 400;

std::string indexed(std::string_view text);  // folded words, joined by spaces

struct Term {
  std::vector<std::string> words;  // a phrase
  bool open = false;               // its last word may go on: somebody is still typing it
};

// What somebody typed: words that must all occur, "several words" in this order. Empty: nothing to look for.
std::vector<Term> terms_of(std::string_view question);
std::string match_of(const std::vector<Term>& terms);  // for FTS5

struct Snippet {
  std::string text;
  std::vector<std::pair<size_t, size_t>> marks;  // from, to; UTF-16 code units of `text`
};

// The place in the text where a term is first found, with what stands around it.
Snippet snippet_of(std::string_view text, const std::vector<Term>& terms);

size_t utf16_length(std::string_view utf8);
// At most so many characters (code points), cut at a word where one ends near, white space collapsed.
std::string shortened(std::string_view text, size_t characters);

}  // namespace steward::talk
