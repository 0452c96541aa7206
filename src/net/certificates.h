// The certificate that a server shows, exchanged while it runs.
//
// look_again() reads certificate and key anew when one of the files has changed (by inode, size and time, so that a
// rename into place counts as well as a write). A pair that can't be used - half written, of different keys, expired
// already, a key that others may read - leaves the one in force, and state() tells what was wrong until a good one
// comes. New connections get the new one; those that stand keep what they began with. Any thread.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace steward::net {

class Server;
class TlsContext;

struct CertificateState {
  std::string path;
  std::string subject;      // "CN=steward.example.com"
  std::string fingerprint;  // SHA-256 of the leaf, hex
  TimeUs expires_at = 0;    // of the one in force; UTC
  TimeUs loaded_at = 0;     // when it was taken
  std::string problem;      // it has expired, or files that came later can't be used; empty: none
  int64_t reloads = 0;      // exchanged since the start
  int64_t failed_reloads = 0;
};

class Certificates {
 public:
  enum class When { kChanged, kNow };

  static Result<std::shared_ptr<Certificates>> load(std::filesystem::path certificate, std::filesystem::path key,
                                                    Clock& clock, Log log);
  std::shared_ptr<TlsContext> current() const;
  CertificateState state() const;
  Status look_again(When when);  // fails with what is wrong with the new pair

 private:
  Certificates(std::filesystem::path certificate, std::filesystem::path key, Clock& clock, Log log);
  std::string stamp() const;
  Status take();

  const std::filesystem::path certificate_, key_;
  Clock& clock_;
  Log log_;
  mutable std::mutex mutex_;
  std::string seen_;  // stamp of the files last looked at
  std::shared_ptr<TlsContext> current_;
  CertificateState state_;
};

std::shared_ptr<Certificates> certificates_of(Server& server);  // null: it speaks no TLS

}  // namespace steward::net
