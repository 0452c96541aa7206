#include "base/words.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "base/text.h"

namespace steward {
namespace {

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

}  // namespace

void each_word(std::string_view text, const std::function<bool(const Word&)>& take) {
  Cutter cutter(text);
  for (Word word; cutter.next(word);) {
    if (!take(word)) return;
  }
}

}  // namespace steward
