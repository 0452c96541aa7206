// A connection under TLS, the server's side: the handshake is made before the first byte is read. Made on the thread
// that then owns it.
#pragma once
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "net/plain_transport.h"

namespace steward::net {

struct CertificateFacts {
  std::string subject;      // "CN=steward.example.com"
  std::string fingerprint;  // SHA-256, hex
  TimeUs expires_at = 0;    // UTC
};

// A certificate with its key, for connections of a server. TLS 1.2 and 1.3. A connection that it made keeps what it
// needs, so the context may be exchanged under it (net/certificates.h).
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> load(const std::filesystem::path& certificate,
                                                  const std::filesystem::path& key);
  virtual ~TlsContext() = default;
  virtual std::unique_ptr<Transport> wrap(StreamSocket socket) = 0;
  virtual CertificateFacts facts() const = 0;  // of the leaf
};

}  // namespace steward::net
