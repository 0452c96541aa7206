#pragma once
#include <memory>

#include "base/error.h"
#include "net/plain_transport.h"

namespace steward::net {

// A certificate with its key, for all connections of a server. TLS 1.2 and 1.3.
class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> load(const std::filesystem::path& certificate,
                                                  const std::filesystem::path& key);
  virtual ~TlsContext() = default;
  virtual std::unique_ptr<Transport> wrap(StreamSocket socket) = 0;
};

}  // namespace steward::net
