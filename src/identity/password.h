// Passwords: argon2id by libsodium (RFC 9106's second choice: 3 passes over 64 MiB), and which ones are taken.
//
// Slow and heavy by design: call on a worker behind a bounded queue, never on an io thread. The hash names its own
// parameters, so that they can grow: needs_rehash() tells of one made with less.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace steward::identity {

inline constexpr uint64_t kArgonPasses = 3;
inline constexpr size_t kArgonBytes = size_t{64} << 20;
inline constexpr size_t kMaxPasswordBytes = 1'024;

Result<std::string> hash_password(std::string_view password);  // "$argon2id$v=19$m=65536,t=3,p=1$…"
bool verify_password(const std::string& hash, std::string_view password);
bool needs_rehash(const std::string& hash);

// Length and the well-known ones; `name` and `email` are too easily guessed to be one. kInvalidRequest, param
// "password".
Status check_password(std::string_view password, size_t least_characters, std::string_view name,
                      std::string_view email);

// How two names are compared: NFKC, case folded, white space collapsed. Empty if it is no valid UTF-8.
std::string folded_name(std::string_view name);
bool has_email_form(std::string_view text);

}  // namespace steward::identity
