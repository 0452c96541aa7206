#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>

namespace steward {
namespace {

const unsigned char* u8(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* u8(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

constexpr size_t kNonceBytes = 12, kTagBytes = 16;

struct CipherFree {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode_base64(std::string_view text, char c62, char c63, bool padded) {
  const auto bad = [] { return fail(ErrorCode::kInvalidRequest, "The text is not valid base64."); };
  if (padded) {
    if (text.size() % 4 != 0) return bad();
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return bad();
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    int v = -1;
    if (c >= 'A' && c <= 'Z')
      v = c - 'A';
    else if (c >= 'a' && c <= 'z')
      v = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      v = c - '0' + 52;
    else if (c == c62)
      v = 62;
    else if (c == c63)
      v = 63;
    if (v < 0) return bad();
    buffer = buffer << 6 | static_cast<uint32_t>(v);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(buffer >> bits & 0xff);
    }
  }
  return out;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned int n = 32;
  EVP_Digest(bytes.data(), bytes.size(), u8(out), &n, EVP_sha256(), nullptr);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string out(32, '\0');
  unsigned int n = 32;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), u8(bytes), bytes.size(), u8(out), &n);
  return out;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

Result<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return fail(ErrorCode::kInvalidRequest, "The text is not valid hexadecimal.");
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]), low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return fail(ErrorCode::kInvalidRequest, "The text is not valid hexadecimal.");
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(u8(out), u8(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

Result<std::string> from_base64(std::string_view text) { return decode_base64(text, '+', '/', true); }

std::string to_base64url(std::string_view bytes) {
  std::string out = to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

Result<std::string> from_base64url(std::string_view text) { return decode_base64(text, '-', '_', false); }

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr);
}
Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}
std::string Sha256::finish() {
  std::string out(32, '\0');
  unsigned int n = 32;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), u8(out), &n);
  return out;
}

std::string seal(std::string_view key, std::string_view plaintext, std::string_view context, Random& random) {
  std::string nonce = random.bytes(kNonceBytes), out(plaintext.size(), '\0'), tag(kTagBytes, '\0');
  Cipher c(EVP_CIPHER_CTX_new());
  int n = 0;
  EVP_EncryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, u8(key), u8(std::string_view(nonce)));
  EVP_EncryptUpdate(c.get(), nullptr, &n, u8(context), static_cast<int>(context.size()));
  EVP_EncryptUpdate(c.get(), u8(out), &n, u8(plaintext), static_cast<int>(plaintext.size()));
  EVP_EncryptFinal_ex(c.get(), u8(out) + n, &n);
  EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data());
  return nonce + out + tag;
}

Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view context) {
  const auto bad = [] {
    return fail(ErrorCode::kCorrupt, "The sealed secret can't be opened: it is damaged, or the master key is another.");
  };
  if (key.size() != 32 || sealed.size() < kNonceBytes + kTagBytes) return bad();
  const std::string_view body = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes)), out(body.size(), '\0');
  Cipher c(EVP_CIPHER_CTX_new());
  int n = 0;
  EVP_DecryptInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, u8(key), u8(sealed.substr(0, kNonceBytes)));
  EVP_DecryptUpdate(c.get(), nullptr, &n, u8(context), static_cast<int>(context.size()));
  EVP_DecryptUpdate(c.get(), u8(out), &n, u8(body), static_cast<int>(body.size()));
  EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data());
  if (EVP_DecryptFinal_ex(c.get(), u8(out) + n, &n) != 1) return bad();
  return out;
}

}  // namespace steward
