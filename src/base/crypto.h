// Hashes, encodings and sealed boxes used all over; thin over libcrypto.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"

namespace steward {

std::string sha256(std::string_view bytes);                             // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes
std::string to_hex(std::string_view bytes);
Result<std::string> from_hex(std::string_view hex);
std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);
std::string to_base64url(std::string_view bytes);  // without padding
Result<std::string> from_base64url(std::string_view text);
bool equal_constant_time(std::string_view a, std::string_view b);

// Incremental SHA-256 for files and streams.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string finish();  // 32 raw bytes; once

 private:
  void* context_;
};

// AES-256-GCM with a fresh nonce: nonce ‖ ciphertext ‖ tag. `key` is 32 bytes; `context` is authenticated, not stored.
std::string seal(std::string_view key, std::string_view plaintext, std::string_view context, Random& random);
Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view context);

}  // namespace steward
