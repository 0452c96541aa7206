// Text: UTF-8 checks, Unicode normalisation (ICU), and the small helpers that everyone needs.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace steward {

bool is_valid_utf8(std::string_view text);  // strict: no surrogates, no overlong forms
// Bytes at the end of `text` that begin a character but do not finish it (0-3): what a stream cutter must hold back.
size_t incomplete_utf8_tail(std::string_view text);
std::string replace_invalid_utf8(std::string_view text);  // each bad byte becomes U+FFFD
Result<std::string> nfkc(std::string_view text);          // kInvalidUtf8 on bad input
std::string collapse_whitespace(std::string_view text);   // runs of Unicode white space become one space; trimmed
std::string to_lower_ascii(std::string_view text);
bool equal_ignoring_ascii_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
// The known word nearest to `word` by edit distance (at most a third of its length, at least 2), for "did you mean".
// Empty if none.
std::string nearest(std::string_view word, const std::vector<std::string>& known);
std::string shell_quoted(std::string_view text);
std::string human_bytes(uint64_t bytes);  // "74.1 MB"

}  // namespace steward
