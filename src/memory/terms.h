// Terms: what of a text stands in memory's index of words, and what of a question looks for it.
//
// Words come folded (base/words.h). In the languages whose endings are known (Snowball) a word is its stem, so that
// "painted" is found by "painting"; function words ("the", "und") are left out. A run of characters of a script
// without spaces stands as its overlapping pairs, and one alone as itself. Which language a text is in is told from
// its function words; what tells nothing is taken as English, whose endings do the least harm. A word of a question
// looks for its stem in each language that the person has written in, as one and the same word.
//
// Pure functions; any thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace steward::memory {

enum class Language : uint8_t { kEnglish, kGerman, kFrench, kSpanish, kItalian, kPortuguese, kDutch, kSwedish };
inline constexpr size_t kLanguages = 8;

Language language_of(std::string_view text);
std::string stem(Language language, std::string_view word);  // of a folded word
bool is_function_word(Language language, std::string_view word);

struct Terms {
  std::map<std::string, int64_t> counts;
  int64_t length = 0;  // of all of them
};
Terms terms_in(std::string_view text, Language language);

// One word of a question: any of these terms is it.
struct Wanted {
  std::string word;  // as it was asked, folded
  std::vector<std::string> terms;
};
inline constexpr size_t kMaxWanted = 48;  // of one question

// `languages`: those that what is searched was written in. Words that only ask ("what", "did") are left out, unless
// nothing else is there.
std::vector<Wanted> wanted_in(std::string_view question, const std::vector<Language>& languages);

}  // namespace steward::memory
