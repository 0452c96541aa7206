#include "library/extract/readers/charset.h"

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/utf8.h>

#include <memory>

#include "base/text.h"

namespace steward::library::readers {
namespace {

constexpr size_t kLookedAt = 64 << 10;  // of a long file, to judge its charset
constexpr size_t kHeadBytes = 2048;     // where a page says its own

bool begins(std::string_view bytes, std::string_view mark) { return bytes.starts_with(mark); }

// Text has no control characters but white space, escape (ISO-2022) and the odd one by accident.
bool is_binary(std::string_view bytes) {
  const auto head = bytes.substr(0, kLookedAt);
  size_t strange = 0;
  for (const char c : head) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return true;
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' && byte != 0x1b) ++strange;
  }
  return strange * 100 > head.size();
}

// UTF-16 without a mark: in the scripts of most files nearly every second byte is zero, on one side.
const char* as_utf16(std::string_view bytes) {
  const auto head = bytes.substr(0, kLookedAt & ~1U);
  if (head.size() < 4) return nullptr;
  size_t even = 0, odd = 0;
  for (size_t i = 0; i + 1 < head.size(); i += 2) even += head[i] == 0, odd += head[i + 1] == 0;
  const size_t pairs = head.size() / 2;
  if (odd * 10 > pairs * 7 && even * 20 < pairs) return "UTF-16LE";
  if (even * 10 > pairs * 7 && odd * 20 < pairs) return "UTF-16BE";
  return nullptr;
}

// <meta charset="x"> or <meta … content="text/html; charset=x"> or <?xml … encoding="x"?>
std::string told_charset(std::string_view bytes) {
  const std::string head = to_lower_ascii(bytes.substr(0, kHeadBytes));
  if (head.find("<html") == std::string::npos && head.find("<meta") == std::string::npos &&
      !std::string_view(head).starts_with("<?xml"))
    return "";
  for (const std::string_view word : {"charset=", "encoding="}) {
    const size_t at = head.find(word);
    if (at == std::string::npos) continue;
    const size_t from = head.find_first_not_of("\"' ", at + word.size());
    if (from == std::string::npos) continue;
    const size_t to = head.find_first_of("\"' ;/>?", from);
    return head.substr(from, to == std::string::npos ? 0 : to - from);
  }
  return "";
}

struct Script {
  const char* charset;
  bool (*own)(UChar32);  // a character that its texts are made of
};

bool is_han(UChar32 c) { return c >= 0x4e00 && c <= 0x9fff; }
bool is_kana(UChar32 c) { return c >= 0x3041 && c <= 0x30ff; }
bool is_hangul(UChar32 c) { return c >= 0xac00 && c <= 0xd7a3; }
bool is_sign(UChar32 c) { return (c >= 0x3000 && c <= 0x303f) || (c >= 0xff01 && c <= 0xff5e); }

// Tried in this order: what is read as the one is seldom made of its own characters when it is the other.
constexpr Script kEastAsian[] = {
    {"windows-31j", [](UChar32 c) { return is_han(c) || is_kana(c) || is_sign(c); }},
    {"EUC-KR", [](UChar32 c) { return is_hangul(c) || is_sign(c); }},
    {"GB2312", [](UChar32 c) { return is_han(c) || is_sign(c); }},
    {"Big5", [](UChar32 c) { return is_han(c) || is_sign(c); }},
};

// Nine in ten characters beyond ASCII are the script's own, and none is broken.
bool fits(std::string_view head, const Script& script) {
  const auto text = converted(head, script.charset);
  if (!text) return false;
  size_t own = 0, all = 0;
  const auto size = static_cast<int32_t>(text->size());
  for (int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT(text->data(), at, size, c);
    if (c < 0x80 && c >= 0) continue;
    ++all;
    own += script.own(c) ? 1 : 0;
    if (c < 0 || (c == 0xfffd && at < size)) return false;  // the last may be cut
  }
  return all > 0 && own * 10 >= all * 9;
}

// Half of the characters of Japanese text in Shift_JIS and more begin with bytes that Western text hardly has.
bool is_shift_jis(std::string_view head) {
  const auto leads = std::ranges::count_if(head, [](char c) { return static_cast<unsigned char>(c) - 0x81U < 0x1f; });
  const auto high = std::ranges::count_if(head, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return leads * 4 >= high && fits(head, kEastAsian[0]);
}

// ICU counts how often pairs and triples of letters stand in each language, which takes some lines of text; of a short
// list of names in an East Asian script it knows nothing, and says so by a low confidence.
std::string judged_charset(std::string_view bytes) {
  constexpr int32_t kSure = 30, kGuess = 10;
  const auto head = bytes.substr(0, kLookedAt);
  if (is_shift_jis(head)) return kEastAsian[0].charset;
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, decltype(&ucsdet_close)> detector(ucsdet_open(&error), &ucsdet_close);
  ucsdet_setText(detector.get(), head.data(), static_cast<int32_t>(head.size()), &error);
  const UCharsetMatch* match = ucsdet_detect(detector.get(), &error);
  const int32_t confidence = match == nullptr || U_FAILURE(error) ? 0 : ucsdet_getConfidence(match, &error);
  if (confidence < kSure) {
    for (const Script& script : kEastAsian) {
      if (fits(head, script)) return script.charset[0] == 'G' ? "GB18030" : script.charset;
    }
  }
  return confidence <= kGuess ? "windows-1252" : ucsdet_getName(match, &error);
}

}  // namespace

std::optional<std::string> converted(std::string_view bytes, const std::string& charset) {
  // What pages call these two is a superset in practice (WHATWG Encoding, "names and labels").
  const std::string name = charset == "shift_jis" || charset == "Shift_JIS" ? "windows-31j"
                           : charset == "iso-8859-1" || charset == "ISO-8859-1" || charset == "us-ascii"
                               ? "windows-1252"
                               : charset;
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> from(ucnv_open(name.c_str(), &error), &ucnv_close);
  if (U_FAILURE(error)) return std::nullopt;
  std::string out;
  const auto size = static_cast<int32_t>(std::min<size_t>(bytes.size(), INT32_MAX / 4));
  const int32_t need = ucnv_toAlgorithmic(UCNV_UTF8, from.get(), nullptr, 0, bytes.data(), size, &error);
  if (error != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(error)) return std::nullopt;
  out.resize(static_cast<size_t>(need));
  error = U_ZERO_ERROR;
  ucnv_reset(from.get());
  ucnv_toAlgorithmic(UCNV_UTF8, from.get(), out.data(), need, bytes.data(), size, &error);
  return U_FAILURE(error) ? std::nullopt : std::optional(std::move(out));
}

std::optional<std::string> to_utf8(std::string_view bytes) {
  if (begins(bytes, "\xef\xbb\xbf")) return replace_invalid_utf8(bytes.substr(3));
  if (begins(bytes, std::string_view("\xff\xfe\0\0", 4))) return converted(bytes.substr(4), "UTF-32LE");
  if (begins(bytes, std::string_view("\0\0\xfe\xff", 4))) return converted(bytes.substr(4), "UTF-32BE");
  if (begins(bytes, "\xff\xfe")) return converted(bytes.substr(2), "UTF-16LE");
  if (begins(bytes, "\xfe\xff")) return converted(bytes.substr(2), "UTF-16BE");
  if (const char* wide = as_utf16(bytes)) return converted(bytes, wide);
  if (is_binary(bytes)) return std::nullopt;
  if (is_valid_utf8(bytes)) return std::string(bytes);
  if (const std::string told = told_charset(bytes); !told.empty() && told != "utf-8") {
    if (auto text = converted(bytes, told)) return text;
  }
  return converted(bytes, judged_charset(bytes));
}

}  // namespace steward::library::readers
