#include "server/web_headers.h"

#include "server/web_session.h"

namespace steward::server {
namespace {

constexpr std::pair<const char*, const char*> kHeaders[] = {
    {"content-security-policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
     "connect-src 'self'; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; "
     "base-uri 'none'; form-action 'self'; object-src 'none'"},
    {"x-content-type-options", "nosniff"},
    {"referrer-policy", "no-referrer"},
    {"cross-origin-opener-policy", "same-origin"},
    {"cross-origin-resource-policy", "same-origin"},
    {"x-frame-options", "DENY"},
    // The microphone is for dictation, which the person turns on.
    {"permissions-policy",
     "camera=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=(), midi=(), display-capture=(), "
     "microphone=(self)"}};
constexpr const char* kStrictTransport = "max-age=31536000";

}  // namespace

void set_web_headers(const Core& core, net::Headers& headers) {
  for (const auto& [name, value] : kHeaders) headers.set(name, value);
  if (is_served_over_tls(*core.config.get())) headers.set("strict-transport-security", kStrictTransport);
}

}  // namespace steward::server
