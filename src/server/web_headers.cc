#include "server/web_headers.h"

namespace steward::server {
namespace {

// Pictures may come from memory (blob:) and from the page itself (data:); scripts and styles only from files.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'";

}  // namespace

void add_web_headers(const Config& config, net::Headers& headers) {
  headers.set("content-security-policy", std::string(kPolicy));
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-frame-options", "DENY");
  headers.set("referrer-policy", "no-referrer");
  headers.set("cross-origin-opener-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
  headers.set("permissions-policy", "camera=(), geolocation=(), payment=(), usb=()");
  if (!config.path("server.tls_certificate").empty()) headers.set("strict-transport-security", "max-age=31536000");
}

}  // namespace steward::server
