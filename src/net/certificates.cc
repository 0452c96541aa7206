#include "net/certificates.h"

#include <sys/stat.h>

#include "net/tls_transport.h"

namespace steward::net {
namespace fs = std::filesystem;
namespace {

std::string stamp_of(const fs::path& path) {
  struct stat now = {};
  if (::stat(path.c_str(), &now) != 0) return "gone";
  return fmt::format("{}:{}:{}:{}.{}:{:o}", now.st_dev, now.st_ino, now.st_size, now.st_mtim.tv_sec,
                     now.st_mtim.tv_nsec, now.st_mode);
}

// A key that others on the machine can read is no secret. The group may read it: that is how certificates are shared
// out (ssl-cert on Debian, LoadCredential of systemd).
Status check_key_mode(const fs::path& key) {
  struct stat now = {};
  if (::stat(key.c_str(), &now) != 0 || (now.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) == 0) return {};
  return fail(ErrorCode::kConfig,
              fmt::format("The TLS key {} has mode {:03o}: others on this machine can read or change it. chmod 600 (or "
                          "640) it; where it may have been read, make a new one.",
                          key.string(), now.st_mode & 0777));
}

}  // namespace

Certificates::Certificates(fs::path certificate, fs::path key, Clock& clock, Log log)
    : certificate_(std::move(certificate)), key_(std::move(key)), clock_(clock), log_(std::move(log)) {}

Result<std::shared_ptr<Certificates>> Certificates::load(fs::path certificate, fs::path key, Clock& clock, Log log) {
  std::shared_ptr<Certificates> made(new Certificates(std::move(certificate), std::move(key), clock, std::move(log)));
  made->seen_ = made->stamp();
  if (auto taken = made->take(); !taken) return fail(taken.error());
  return made;
}

std::string Certificates::stamp() const { return stamp_of(certificate_) + "|" + stamp_of(key_); }

Status Certificates::take() {
  if (auto good = check_key_mode(key_); !good) return good;
  auto loaded = TlsContext::load(certificate_, key_);
  if (!loaded) return fail(loaded.error());
  const CertificateFacts facts = (*loaded)->facts();
  const TimeUs now = clock_.now_us();
  const bool expired = facts.expires_at <= now;
  const std::string why = expired ? fmt::format("The TLS certificate {} expired at {}: clients refuse it.",
                                                certificate_.string(), to_rfc3339(facts.expires_at))
                                  : "";
  // Where there is no better one it is shown all the same: a server that doesn't start helps nobody.
  if (expired && current_ && state_.expires_at > now) return fail(ErrorCode::kConfig, why);
  current_ = std::move(*loaded);
  state_.path = certificate_.string();
  state_.subject = facts.subject;
  state_.fingerprint = facts.fingerprint;
  state_.expires_at = facts.expires_at;
  state_.loaded_at = now;
  state_.problem = why;
  if (expired) log_.error(why);
  return {};
}

std::shared_ptr<TlsContext> Certificates::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

CertificateState Certificates::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Status Certificates::look_again(When when) {
  const std::lock_guard lock(mutex_);
  const std::string now = stamp();
  if (when == When::kChanged && now == seen_) return {};
  seen_ = now;
  const std::string before = state_.fingerprint;
  const auto taken = take();
  if (!taken) {
    ++state_.failed_reloads;
    state_.problem = taken.error().message;
    log_.error("the new TLS certificate can't be used: the one before stays",
               {{"reason", state_.problem}, {"expires_at", to_rfc3339(state_.expires_at)}});
    return taken;
  }
  if (state_.fingerprint != before) {
    ++state_.reloads;
    log_.info("a new TLS certificate is shown to new connections",
              {{"subject", state_.subject}, {"expires_at", to_rfc3339(state_.expires_at)}});
  }
  return {};
}

}  // namespace steward::net
