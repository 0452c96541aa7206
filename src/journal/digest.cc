#include "journal/digest.h"

#include <openssl/evp.h>

#include <stdexcept>

namespace steward::journal {
namespace {

void put_u32(std::string& out, size_t value) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void put(std::string& out, std::string_view bytes) {
  put_u32(out, bytes.size());
  out += bytes;
}

void put(std::string& out, uint64_t value) {
  put_u32(out, 8);
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void put(std::string& out, const std::vector<Id>& list) {
  size_t bytes = 0;
  for (const auto& item : list) bytes += 4 + item.size();
  put_u32(out, bytes);
  for (const auto& item : list) put(out, item);
}

void write_header(std::string& out, const Record& r) {
  out.clear();
  put(out, r.tenant);
  put(out, r.seq);
  put(out, r.id);
  put(out, r.stream);
  put(out, r.version);
  put(out, r.kind);
  put(out, uint64_t{r.schema});
  put(out, static_cast<uint64_t>(r.time));
  put(out, r.actor);
  put(out, r.on_behalf_of);
  put(out, r.cause);
  put(out, r.sources);
  put(out, r.acl);
  put(out, r.label);
}

}  // namespace

std::string header_bytes(const Record& record) {
  std::string out;
  write_header(out, record);
  return out;
}

// The digest is fetched once: EVP_Digest would look it up again for every record.
struct ChainHasher::State {
  EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(md);
  }
};

ChainHasher::ChainHasher() : state_(std::make_unique<State>()) {
  if (!state_->md || !state_->context) throw std::runtime_error("libcrypto has no SHA-256");
}
ChainHasher::~ChainHasher() = default;

std::string ChainHasher::hash(std::initializer_list<std::string_view> parts) {
  std::string out(kDigestBytes, '\0');
  unsigned int n = kDigestBytes;
  EVP_DigestInit_ex(state_->context, state_->md, nullptr);
  for (auto part : parts) EVP_DigestUpdate(state_->context, part.data(), part.size());
  EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), &n);
  return out;
}

std::string ChainHasher::body_digest(std::string_view salt, std::string_view body) { return hash({salt, body}); }

std::string ChainHasher::digest(std::string_view previous, const Record& record) {
  write_header(header_, record);
  return hash({previous, header_, record.body_digest});
}

}  // namespace steward::journal
