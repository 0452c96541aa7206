// The one guard: every address that a caller, a model or a provider's answer supplies is fetched through it, so that
// nobody can make the server reach inside (server-side request forgery).
//
// check() tells what the text alone tells: the scheme, no name or password, the port, a host written in the one usual
// way (a host that readers differ on - decimal, octal, hexadecimal, percent-encoded - is refused, not interpreted), no
// name of the inside. may_reach() judges an address that the host resolved to. Whoever connects judges the very address
// that it connects to (http_client.h, `guard` and `connect_to`): a name that answers differently the second time gains
// nothing. A list of hosts lets the owner allow some of the inside; the addresses where clouds hand out credentials are
// never allowed.
//
// What is refused: IANA's special-purpose registries (RFC 6890 and its updates) for IPv4, and all of IPv6 but global
// unicast (2000::/3) less its special blocks. A value, never changed after it is made: any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace steward::net {

inline constexpr size_t kMaxUrlBytes = 8192;

struct GuardRules {
  std::vector<uint16_t> ports = {80, 443};  // empty: any
  // "files.example", "10.1.2.3:8080", "[fd00::1]:80", "10.1.0.0/16": hosts on the inside that may be reached; without a
  // port, on any.
  std::vector<std::string> allow_inside;
};

struct GuardedUrl {
  std::string url;  // as it is sent
  std::string scheme, host;
  uint16_t port = 0;
  bool is_address = false;    // the host is an IP address
  bool allowed_host = false;  // the owner's list names the host
};

class Guard {
 public:
  static Result<Guard> make(const GuardRules& rules);  // kConfig: an entry of allow_inside that can't be read

  // kUrlRefused says why, without telling more of the inside than the caller wrote.
  Result<GuardedUrl> check(std::string_view url) const;
  // `address` as inet_ntop writes it.
  Status may_reach(const GuardedUrl& url, std::string_view address) const;
  // For a connection of which only the far end is known.
  bool may_reach(std::string_view address, uint16_t port) const;

 private:
  struct Allowed {
    std::string host;   // lower case; empty: a block of addresses
    std::string block;  // its bytes: 4 or 16
    int bits = 0;
    uint16_t port = 0;  // 0: any
  };
  Status add(std::string_view entry);
  bool allows_host(std::string_view host, uint16_t port) const;
  bool allows_address(const std::string& bytes, uint16_t port) const;

  std::vector<uint16_t> ports_;
  std::vector<Allowed> allowed_;
};

// What kind of inside an address is ("loopback", "private", "link-local", …); empty: it is public. What is no address
// is "not an address".
std::string_view inside_kind(std::string_view address);
// The places where clouds tell credentials.
bool is_metadata_address(std::string_view address);

}  // namespace steward::net
