#include "identity/password.h"

#include <sodium.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace steward::identity {
namespace {

constexpr size_t kMaxEmailBytes = 254;  // RFC 5321, 4.5.3.1.3

// Of the public lists of leaked passwords, the most common that are long enough to pass otherwise.
constexpr std::string_view kCommon[] = {"1234567890",
                                        "0123456789",
                                        "12345678910",
                                        "123456789a",
                                        "1q2w3e4r5t",
                                        "1q2w3e4r5t6y",
                                        "qwertyuiop",
                                        "qwerty12345",
                                        "qwerty123456",
                                        "asdfghjkl1",
                                        "password12",
                                        "password123",
                                        "password1234",
                                        "password12345",
                                        "passw0rd123",
                                        "p@ssw0rd123",
                                        "iloveyou12",
                                        "iloveyou123",
                                        "welcome123",
                                        "welcome1234",
                                        "admin12345",
                                        "admin123456",
                                        "letmein123",
                                        "letmein1234",
                                        "changeme123",
                                        "changemenow",
                                        "football123",
                                        "baseball123",
                                        "princess123",
                                        "superman123",
                                        "sunshine123",
                                        "abcdefghij",
                                        "abcd123456",
                                        "abc1234567",
                                        "aa12345678",
                                        "a123456789",
                                        "q123456789",
                                        "zxcvbnm123",
                                        "1qaz2wsx3edc",
                                        "qazwsxedcrfv",
                                        "michael123",
                                        "monkey12345",
                                        "dragon12345",
                                        "trustno1234",
                                        "secret1234",
                                        "steward123",
                                        "steward1234",
                                        "steward12345",
                                        "adminadmin",
                                        "passwordpassword",
                                        "correcthorsebatterystaple",
                                        "correct horse battery staple"};

std::unexpected<Error> refused(std::string_view reason, std::string message, size_t bound = 0) {
  Json details = {{"param", "password"}, {"reason", reason}};
  if (bound > 0) details["bound"] = bound;
  return fail(ErrorCode::kInvalidRequest, std::move(message), std::move(details));
}

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xC0) != 0x80; }));
}

// "aaaaaaaaaa", "ababababab": at most two characters, whatever the length.
bool is_monotonous(std::string_view text) { return std::set<char>(text.begin(), text.end()).size() <= 2; }

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  if (sodium_init() < 0) return fail(ErrorCode::kInternal, "libsodium could not be set up.");
  std::string out(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), kArgonPasses, kArgonBytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(ErrorCode::kQueueFull, "The server has no memory left to check a password; try again in a moment.");
  }
  out.resize(out.find('\0'));
  return out;
}

bool verify_password(const std::string& hash, std::string_view password) {
  return sodium_init() >= 0 && crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

bool needs_rehash(const std::string& hash) {
  return sodium_init() >= 0 && crypto_pwhash_str_needs_rehash(hash.c_str(), kArgonPasses, kArgonBytes) != 0;
}

Status check_password(std::string_view password, size_t least, std::string_view name, std::string_view email) {
  if (!is_valid_utf8(password)) return fail(ErrorCode::kInvalidUtf8);
  if (characters(password) < least)
    return refused("password_short",
                   fmt::format("A password has at least {} characters; several words make a good one.", least), least);
  if (password.size() > kMaxPasswordBytes)
    return refused("password_long", fmt::format("A password has at most {} bytes.", kMaxPasswordBytes),
                   kMaxPasswordBytes);
  const std::string folded = folded_name(password);
  if (std::ranges::find(kCommon, folded) != std::end(kCommon) || is_monotonous(folded))
    return refused("password_common", "That password is among the first that are tried; choose another.");
  if (folded == folded_name(name) || folded == folded_name(email))
    return refused("password_is_name", "A password must not be the name or the e-mail address.");
  return {};
}

std::string folded_name(std::string_view name) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (U_FAILURE(status) || !is_valid_utf8(name)) return "";
  const auto in = icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int32_t>(name.size())));
  std::string out;
  fold->normalize(in, status).toUTF8String(out);
  return U_FAILURE(status) ? std::string() : collapse_whitespace(out);
}

bool has_email_form(std::string_view text) {
  const size_t at = text.find('@');
  if (at == 0 || at == std::string_view::npos || at + 1 == text.size() || text.size() > kMaxEmailBytes) return false;
  const auto odd = [](unsigned char c) { return c <= 0x20 || c == 0x7f || c == '<' || c == '>' || c == ','; };
  return text.find('@', at + 1) == std::string_view::npos && std::ranges::none_of(text, odd) && is_valid_utf8(text);
}

}  // namespace steward::identity
