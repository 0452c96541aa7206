#include "memory/terms.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "base/words.h"
#include "memory/function_words.h"

namespace steward::memory {
namespace {

constexpr std::array<const char*, kLanguages> kSnowball = {"english", "german",     "french", "spanish",
                                                           "italian", "portuguese", "dutch",  "swedish"};
constexpr size_t kWordsLookedAt = 300;  // of a text, for its language
constexpr size_t kLongestTerm = 48;     // bytes

struct FreeStemmer {
  void operator()(sb_stemmer* one) const { sb_stemmer_delete(one); }
};

// Snowball's state is not for two threads at once.
sb_stemmer* stemmer(Language language) {
  thread_local std::array<std::unique_ptr<sb_stemmer, FreeStemmer>, kLanguages> made;
  auto& one = made[static_cast<size_t>(language)];
  if (!one) one.reset(sb_stemmer_new(kSnowball[static_cast<size_t>(language)], nullptr));
  return one.get();
}

std::string shortened_term(std::string term) {
  if (term.size() <= kLongestTerm) return term;
  size_t end = kLongestTerm;
  while (end > 0 && (static_cast<uint8_t>(term[end]) & 0xc0) == 0x80) --end;
  return term.substr(0, end);
}

// Calls `take` with each term in order: a word by itself, or a pair (or a lonely one) of single characters.
template <class Take>
void each_term(std::string_view text, Take take) {
  std::string before;  // of a run of single characters
  size_t before_end = 0;
  bool paired = false;
  const auto end_run = [&] {
    if (!before.empty() && !paired) take(before, true);
    before.clear();
    paired = false;
  };
  each_word(text, [&](const Word& word) {
    if (!word.single) {
      end_run();
      take(word.folded, false);
      return true;
    }
    if (!before.empty() && word.begin == before_end) {
      take(before + word.folded, true);
      paired = true;
    } else {
      end_run();
    }
    before = word.folded;
    before_end = word.end;
    return true;
  });
  end_run();
}

// A space where Chinese only asks.
std::string without_chinese_asking(std::string_view question) {
  std::string out;
  for (size_t at = 0; at < question.size();) {
    const auto asks = std::ranges::find_if(kChineseAsking,
                                           [&](std::string_view one) { return question.substr(at).starts_with(one); });
    if (asks == kChineseAsking.end()) {
      out += question[at++];
    } else {
      out += ' ';
      at += asks->size();
    }
  }
  return out;
}

std::vector<Wanted> wanted_of(std::string_view question, const std::vector<Language>& languages) {
  const Language own = language_of(question);
  std::vector<Wanted> out, asking;
  std::set<std::string> seen;
  each_term(question, [&](const std::string& word, bool single) {
    if (out.size() >= kMaxWanted || (!single && is_function_word(own, word))) return;
    std::vector<std::string> terms;
    const auto add = [&](std::string term) {
      if (std::ranges::find(terms, term) == terms.end()) terms.push_back(std::move(term));
    };
    add(single ? word : stem(own, word));
    for (const Language language : languages) {
      if (!single && !is_function_word(language, word)) add(stem(language, word));
    }
    if (!seen.insert(terms.front()).second) return;
    const bool only_asks = !single && is_asking_word(word);
    (only_asks ? asking : out).push_back({word, std::move(terms)});
  });
  if (out.empty() && asking.size() <= kMaxWanted) return asking;
  return out;
}

}  // namespace

bool is_function_word(Language language, std::string_view word) {
  static const auto kSets = [] {
    std::array<std::set<std::string_view>, kLanguages> sets;
    for (size_t i = 0; i < kLanguages; ++i) {
      std::string_view all = kFunctionWords[i];
      for (size_t at = 0; at < all.size();) {
        const size_t end = std::min(all.find(' ', at), all.size());
        sets[i].insert(all.substr(at, end - at));
        at = end + 1;
      }
    }
    return sets;
  }();
  return kSets[static_cast<size_t>(language)].contains(word);
}

Language language_of(std::string_view text) {
  std::array<int, kLanguages> hits{};
  size_t words = 0;
  each_word(text, [&](const Word& word) {
    for (size_t i = 0; i < kLanguages && !word.single; ++i)
      hits[i] += is_function_word(static_cast<Language>(i), word.folded) ? 1 : 0;
    return ++words < kWordsLookedAt;
  });
  // The first of equals is English; another language has to say two words of its own more.
  size_t best = 0;
  for (size_t i = 1; i < kLanguages; ++i) {
    if (hits[i] > hits[best] && hits[i] >= hits[0] + 2) best = i;
  }
  return static_cast<Language>(best);
}

std::string stem(Language language, std::string_view word) {
  sb_stemmer* one = stemmer(language);
  if (!one) return shortened_term(std::string(word));
  const auto* stemmed =
      sb_stemmer_stem(one, reinterpret_cast<const sb_symbol*>(word.data()), static_cast<int>(word.size()));
  if (!stemmed) return shortened_term(std::string(word));
  return shortened_term({reinterpret_cast<const char*>(stemmed), static_cast<size_t>(sb_stemmer_length(one))});
}

Terms terms_in(std::string_view text, Language language) {
  Terms out;
  each_term(text, [&](const std::string& word, bool single) {
    if (!single && is_function_word(language, word)) return;
    ++out.counts[single ? word : stem(language, word)];
    ++out.length;
  });
  return out;
}

std::vector<Wanted> wanted_in(std::string_view question, const std::vector<Language>& languages) {
  auto out = wanted_of(without_chinese_asking(question), languages);
  return out.empty() ? wanted_of(question, languages) : out;
}

}  // namespace steward::memory
