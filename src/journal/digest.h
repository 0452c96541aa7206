// The digest chain, byte for byte.
//
//   body_digest = SHA-256(salt ‖ body)
//   digest      = SHA-256(the tenant's previous digest ‖ header ‖ body_digest)
//   header      = tenant, seq, id, stream, version, kind, schema, time, actor, on_behalf_of, cause, sources, acl, label
//
// Each header field is a u32 little-endian length and its bytes; integers are 8 bytes little-endian; `sources` is one
// field whose bytes are each source again as length and bytes. The previous digest of a tenant's first record is 32
// zeros. tests/vectors/digest.json holds vectors made by an independent program (tests/vectors/digest.py).
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "journal/record.h"

namespace steward::journal {

inline constexpr size_t kDigestBytes = 32;
inline constexpr size_t kSaltBytes = 32;

std::string header_bytes(const Record& record);

// Computes digests; reuses its state, so one belongs to one thread.
class ChainHasher {
 public:
  ChainHasher();
  ~ChainHasher();
  ChainHasher(const ChainHasher&) = delete;
  ChainHasher& operator=(const ChainHasher&) = delete;

  std::string body_digest(std::string_view salt, std::string_view body);
  std::string digest(std::string_view previous, const Record& record);  // from the record's header and body_digest
  static std::string first_previous() { return std::string(kDigestBytes, '\0'); }

 private:
  std::string hash(std::initializer_list<std::string_view> parts);
  struct State;
  std::unique_ptr<State> state_;
  std::string header_;
};

}  // namespace steward::journal
