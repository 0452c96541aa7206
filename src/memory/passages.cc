#include "memory/passages.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace steward::memory {
namespace {

constexpr size_t kLongestName = 40;  // bytes
constexpr int kWordsOfName = 3;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// Where the last of these ends in the second half of text[0, most); 0: nowhere.
size_t end_of_last(std::string_view text, size_t most, std::string_view mark) {
  const size_t at = text.substr(0, most).rfind(mark);
  return at == std::string_view::npos || at + mark.size() <= most / 2 ? 0 : at + mark.size();
}

size_t cut_at(std::string_view text) {
  if (text.size() <= kPassageBytes) return text.size();
  for (const std::string_view paragraph : {"\n\n", "\n"}) {
    if (const size_t end = end_of_last(text, kPassageBytes, paragraph)) return end;
  }
  size_t sentence = 0;
  for (const std::string_view mark : {". ", "! ", "? ", "。", "！", "？", "؟ "})
    sentence = std::max(sentence, end_of_last(text, kPassageBytes, mark));
  if (sentence > 0) return sentence;
  if (const size_t end = end_of_last(text, kPassageBytes, " ")) return end;
  size_t end = kPassageBytes;
  while (end > 1 && is_continuation(text[end])) --end;
  return end;
}

}  // namespace

std::vector<Passage> passages_in(std::string_view text) {
  if (trim(text).empty()) return {};
  if (text.size() <= kWholeBytes) return {{0, text.size()}};
  std::vector<Passage> out;
  for (size_t at = 0; at < text.size() && out.size() < kMaxPassages;) {
    const size_t length = cut_at(text.substr(at));
    out.push_back({at, at + length});
    at += length;
  }
  return out;
}

std::string_view speaker_in(std::string_view text) {
  const std::string_view head = text.substr(0, kLongestName + 3);
  size_t colon = head.find(": ");
  if (const size_t wide = head.find("："); wide < colon) colon = wide;
  if (colon == std::string_view::npos || colon == 0 || colon > kLongestName) return {};
  const std::string_view name = head.substr(0, colon);
  int words = 0;
  bool begins = true;
  for (size_t at = 0; at < name.size();) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(reinterpret_cast<const uint8_t*>(name.data()), at, name.size(), c);
    if (c == ' ') {
      begins = true;
      continue;
    }
    if (begins && (u_islower(c) || !u_isalpha(c) || ++words > kWordsOfName)) return {};
    if (!begins && !u_isalnum(c) && c != '.' && c != '-' && c != '\'' && c != 0x2019) return {};
    begins = false;
  }
  return name;
}

size_t about_tokens(std::string_view text) {
  size_t ascii = 0, others = 0;
  for (const char byte : text) {
    if (is_continuation(byte)) continue;
    static_cast<unsigned char>(byte) < 0x80 ? ++ascii : ++others;
  }
  return (ascii + 3) / 4 + others;
}

}  // namespace steward::memory
