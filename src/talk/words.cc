#include "talk/words.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <deque>

#include "base/text.h"

namespace steward::talk {
namespace {

constexpr size_t kBefore = 60, kAfter = 140;  // characters around what was found
constexpr size_t kMostMarks = 32;

bool is_mark(UChar32 c) {
  const auto type = u_charType(c);
  return type == U_NON_SPACING_MARK || type == U_COMBINING_SPACING_MARK;
}

bool writes_no_spaces(UChar32 c) {
  if (c < 0x0e00) return false;
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(c, &error)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_HANGUL:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
    case USCRIPT_TIBETAN: return true;
    default: return false;
  }
}

// The prolonged sound mark of kana is of no script of its own, and a letter.
bool is_letter(UChar32 c) { return u_isalnum(c) || is_mark(c) || c == 0x30fc; }

const icu::Normalizer2* normalizer(const icu::Normalizer2* (*get)(UErrorCode&)) {
  UErrorCode error = U_ZERO_ERROR;
  return get(error);
}

void fold_into(std::string_view word, std::string& out) {
  static const icu::Normalizer2* const kFold = normalizer(icu::Normalizer2::getNFKCCasefoldInstance);
  static const icu::Normalizer2* const kApart = normalizer(icu::Normalizer2::getNFDInstance);
  static const icu::Normalizer2* const kTogether = normalizer(icu::Normalizer2::getNFCInstance);
  out.clear();
  if (!kFold || !kApart || !kTogether) {
    out = word;
    return;
  }
  UErrorCode error = U_ZERO_ERROR;
  const auto text = icu::UnicodeString::fromUTF8({word.data(), static_cast<int32_t>(word.size())});
  const icu::UnicodeString apart = kApart->normalize(kFold->normalize(text, error), error);
  icu::UnicodeString bare;
  for (int32_t i = 0; i < apart.length(); ++i) {
    if (apart[i] < 0x0300 || apart[i] > 0x036f) bare.append(apart[i]);
  }
  kTogether->normalize(bare, error).toUTF8String(out);
}

// Cuts text into words, one at a time.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text), bytes_(reinterpret_cast<const uint8_t*>(text.data())) {}

  bool next(Word& word) {
    for (UChar32 c = 0; at_ < text_.size();) {
      const size_t begin = at_;
      c = read(at_);
      if (!is_letter(c)) continue;
      word.begin = begin;
      word.single = writes_no_spaces(c);
      bool ascii = c < 0x80;
      if (!word.single) run(ascii);
      word.end = at_;
      fold(ascii, word);
      if (!word.folded.empty()) return true;
    }
    return false;
  }

 private:
  UChar32 read(size_t& at) const {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(bytes_, at, text_.size(), c);
    return c;
  }
  void run(bool& ascii) {
    while (at_ < text_.size()) {
      size_t after = at_;
      const UChar32 c = read(after);
      if (!is_letter(c) || writes_no_spaces(c)) return;
      ascii = ascii && c < 0x80;
      at_ = after;
    }
  }
  void fold(bool ascii, Word& word) const {
    std::string_view raw = text_.substr(word.begin, std::min(word.end - word.begin, kMaxWordBytes));
    raw.remove_suffix(incomplete_utf8_tail(raw));
    if (!ascii) return fold_into(raw, word.folded);
    word.folded = to_lower_ascii(raw);
  }

  std::string_view text_;
  const uint8_t* bytes_;
  size_t at_ = 0;
};

bool same_words(const std::deque<Word>& last, const Term& term) {
  if (last.size() < term.words.size()) return false;
  const size_t first = last.size() - term.words.size();
  for (size_t i = 0; i < term.words.size(); ++i) {
    const bool may_go_on = term.open && i + 1 == term.words.size();
    const std::string& word = last[first + i].folded;
    if (may_go_on ? !word.starts_with(term.words[i]) : word != term.words[i]) return false;
  }
  return true;
}

size_t back(std::string_view text, size_t at, size_t characters) {
  while (at > 0 && characters > 0) {
    --at;
    if ((static_cast<uint8_t>(text[at]) & 0xc0) != 0x80) --characters;
  }
  return at;
}

size_t forward(std::string_view text, size_t at, size_t characters) {
  while (at < text.size()) {
    if ((static_cast<uint8_t>(text[at]) & 0xc0) != 0x80 && characters-- == 0) break;
    ++at;
  }
  return at;
}

// White space of every kind takes one place each, so that offsets stay.
std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return out;
}

void add_term(std::vector<Term>& out, std::string_view text, bool open) {
  Term term;
  bool single = false;
  each_word(text, [&](const Word& word) {
    term.words.push_back(word.folded);
    single = word.single;
    return term.words.size() < kMaxTerms * 4;
  });
  term.open = open && !single;
  if (!term.words.empty() && out.size() < kMaxTerms) out.push_back(std::move(term));
}

}  // namespace

void each_word(std::string_view text, const std::function<bool(const Word&)>& take) {
  Cutter cutter(text);
  for (Word word; cutter.next(word);) {
    if (!take(word)) return;
  }
}

std::string indexed(std::string_view text) {
  std::string out;
  text = text.substr(0, kMaxIndexedBytes);
  out.reserve(text.size());
  Cutter cutter(text);
  for (Word word; cutter.next(word);) {
    if (!out.empty()) out += ' ';
    out += word.folded;
  }
  return out;
}

std::vector<Term> terms_of(std::string_view question) {
  std::vector<Term> out;
  question = question.substr(0, kMaxQuestionBytes);
  for (size_t at = 0; at < question.size();) {
    if (question[at] == '"') {
      const size_t end = question.find('"', at + 1);
      const bool whole = end != std::string_view::npos;
      add_term(out, question.substr(at + 1, whole ? end - at - 1 : std::string_view::npos), !whole);
      at = whole ? end + 1 : question.size();
      continue;
    }
    const size_t end = std::min(question.find_first_of(" \t\n\"", at), question.size());
    add_term(out, question.substr(at, end - at), end == question.size());
    at = end < question.size() && question[end] != '"' ? end + 1 : end;
  }
  return out;
}

// Words hold letters, digits and marks alone, so quotes are safe around them.
std::string match_of(const std::vector<Term>& terms) {
  std::string out;
  for (const Term& term : terms) {
    out += out.empty() ? "\"" : " AND \"";
    out += join(term.words, " ");
    out += term.open ? "\" *" : "\"";
  }
  return out;
}

Snippet snippet_of(std::string_view text, const std::vector<Term>& terms) {
  size_t longest = 1, from = 0, to = std::string_view::npos;
  for (const Term& term : terms) longest = std::max(longest, term.words.size());
  std::deque<Word> last;
  std::vector<std::pair<size_t, size_t>> found;
  Cutter cutter(text);
  for (Word word; cutter.next(word) && word.begin < to && found.size() < kMostMarks;) {
    last.push_back(word);
    if (last.size() > longest) last.pop_front();
    for (const Term& term : terms) {
      if (!same_words(last, term)) continue;
      const size_t begin = last[last.size() - term.words.size()].begin;
      if (found.empty()) from = back(text, begin, kBefore), to = forward(text, begin, kAfter);
      if (word.end <= to && (found.empty() || begin >= found.back().second)) found.emplace_back(begin, word.end);
    }
  }
  Snippet out;
  to = found.empty() ? forward(text, 0, kBefore + kAfter) : std::max(to, found.front().second);
  const std::string_view around = text.substr(from, to - from);
  if (from > 0) out.text = "…";
  const size_t shift = utf16_length(out.text);
  out.text += one_line(around);
  if (to < text.size()) out.text += "…";
  for (const auto& [begin, end] : found) {
    const size_t start = shift + utf16_length(around.substr(0, begin - from));
    out.marks.emplace_back(start, start + utf16_length(text.substr(begin, end - begin)));
  }
  return out;
}

size_t utf16_length(std::string_view utf8) {
  size_t out = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte & 0xc0) != 0x80) out += byte >= 0xf0 ? 2 : 1;
  }
  return out;
}

std::string shortened(std::string_view text, size_t characters) {
  constexpr size_t kBytesOfCharacter = 4, kSlack = 64;  // enough to hold them, and white space between
  std::string_view head = text.substr(0, characters * kBytesOfCharacter + kSlack);
  head.remove_suffix(incomplete_utf8_tail(head));
  const std::string line = collapse_whitespace(head);
  const size_t end = forward(line, 0, characters);
  if (end >= line.size() && head.size() == text.size()) return line;
  std::string_view cut = std::string_view(line).substr(0, end);
  const size_t space = end < line.size() ? cut.rfind(' ') : std::string_view::npos;
  if (space != std::string_view::npos && space > cut.size() * 2 / 3) cut = cut.substr(0, space);
  return std::string(trim(cut)) + "…";
}

}  // namespace steward::talk
