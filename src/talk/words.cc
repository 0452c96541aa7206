#include "talk/words.h"

#include <deque>

#include "base/text.h"

namespace steward::talk {
namespace {

constexpr size_t kBefore = 60, kAfter = 140;  // characters around what was found
constexpr size_t kMostMarks = 32;

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

std::string indexed(std::string_view text) {
  std::string out;
  text = text.substr(0, kMaxIndexedBytes);
  out.reserve(text.size());
  each_word(text, [&](const Word& word) {
    if (!out.empty()) out += ' ';
    out += word.folded;
    return true;
  });
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
  each_word(text, [&](const Word& word) {
    if (word.begin >= to || found.size() >= kMostMarks) return false;
    last.push_back(word);
    if (last.size() > longest) last.pop_front();
    for (const Term& term : terms) {
      if (!same_words(last, term)) continue;
      const size_t begin = last[last.size() - term.words.size()].begin;
      if (found.empty()) from = back(text, begin, kBefore), to = forward(text, begin, kAfter);
      if (word.end <= to && (found.empty() || begin >= found.back().second)) found.emplace_back(begin, word.end);
    }
    return true;
  });
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
