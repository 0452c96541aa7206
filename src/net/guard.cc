#include "net/guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace steward::net {
namespace {

struct Block {
  const char* network;
  int bits;
  std::string_view kind;
};

// IANA's IPv4 special-purpose address registry, and what is no unicast address.
constexpr Block kInside4[] = {
    {"0.0.0.0", 8, "this network"},          {"10.0.0.0", 8, "private"},
    {"100.64.0.0", 10, "carrier-grade NAT"}, {"127.0.0.0", 8, "loopback"},
    {"169.254.0.0", 16, "link-local"},       {"172.16.0.0", 12, "private"},
    {"192.0.0.0", 24, "protocol"},           {"192.0.2.0", 24, "documentation"},
    {"192.31.196.0", 24, "special"},         {"192.52.193.0", 24, "special"},
    {"192.88.99.0", 24, "6to4 relay"},       {"192.168.0.0", 16, "private"},
    {"192.175.48.0", 24, "special"},         {"198.18.0.0", 15, "benchmarking"},
    {"198.51.100.0", 24, "documentation"},   {"203.0.113.0", 24, "documentation"},
    {"224.0.0.0", 4, "multicast"},           {"240.0.0.0", 4, "reserved"},
    {"168.63.129.16", 32, "cloud metadata"},
};
// The special blocks within global unicast; everything outside of 2000::/3 is inside for us.
constexpr Block kInside6[] = {
    {"2001::", 23, "protocol"},  // Teredo, ORCHID, benchmarking, …
    {"2001:db8::", 32, "documentation"}, {"2002::", 16, "6to4"},
    {"2620:4f:8000::", 48, "special"},   {"3fff::", 20, "documentation"},
};
constexpr Block kNamed6[] = {
    {"::", 128, "unspecified"},    {"::1", 128, "loopback"},   {"::ffff:0:0", 96, "IPv4-mapped"},
    {"::", 96, "IPv4-compatible"}, {"64:ff9b::", 96, "NAT64"}, {"64:ff9b:1::", 48, "NAT64"},
    {"100::", 64, "discard"},      {"fc00::", 7, "private"},   {"fe80::", 10, "link-local"},
    {"fec0::", 10, "site-local"},  {"ff00::", 8, "multicast"}, {"5f00::", 16, "segment routing"},
};
constexpr std::string_view kMetadata[] = {"169.254.169.254", "169.254.170.2",   "169.254.170.23",
                                          "168.63.129.16",   "100.100.100.200", "192.0.0.192",
                                          "fd00:ec2::254",   "fd00:ec2::23",    "fd20:ce::254"};
constexpr std::string_view kInsideSuffixes[] = {".localhost", ".localdomain", ".local", ".internal", ".intranet",
                                                ".private",   ".corp",        ".home",  ".lan",      ".home.arpa",
                                                ".onion",     ".invalid",     ".consul"};

std::string bytes_of(std::string_view address) {
  const std::string text(address);
  unsigned char bytes[16];
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return {reinterpret_cast<char*>(bytes), 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return {reinterpret_cast<char*>(bytes), 16};
  return "";
}

std::string text_of(const std::string& bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

bool in_block(const std::string& bytes, const std::string& network, int bits) {
  if (bytes.size() != network.size()) return false;
  const auto whole = static_cast<size_t>(bits / 8);
  if (bytes.compare(0, whole, network, 0, whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const int mask = 0xff << (8 - bits % 8);
  return ((static_cast<unsigned char>(bytes[whole]) ^ static_cast<unsigned char>(network[whole])) & mask) == 0;
}

template <size_t N>
std::string_view kind_in(const std::string& bytes, const Block (&blocks)[N]) {
  for (const auto& block : blocks) {
    if (in_block(bytes, bytes_of(block.network), block.bits)) return block.kind;
  }
  return {};
}

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::kUrlRefused, "The address may not be fetched: " + std::move(why));
}

struct UrlHandle {
  CURLU* handle = curl_url();
  ~UrlHandle() { curl_url_cleanup(handle); }
  std::string get(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) return "";
    std::string out = text;
    curl_free(text);
    return out;
  }
};

// The host as it stands in the text, to hold against what the parser makes of it.
std::string_view raw_host(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (url.starts_with('['))
    return url.substr(0, url.find(']') == std::string_view::npos ? url.size() : url.find(']') + 1);
  return url.substr(0, url.find(':'));
}

bool ends_in_a_number(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') == std::string_view::npos ? 0 : host.rfind('.') + 1);
  const bool digits = !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
  return digits || last.starts_with("0x");
}

bool is_plain_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const auto label : split(host, '.')) {
    const bool good = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
                      std::ranges::all_of(label, [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
                      });
    if (!good) return false;
  }
  return true;
}

bool is_inside_name(std::string_view host) {
  if (host.find('.') == std::string_view::npos) return true;
  return std::ranges::any_of(kInsideSuffixes, [&](auto suffix) { return host.ends_with(suffix); });
}

std::string_view without_brackets(std::string_view host) {
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

Status check_text(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return refuse(fmt::format("it is longer than {} bytes.", kMaxUrlBytes));
  const auto odd = [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '\\'; };
  if (std::ranges::any_of(url, odd))
    return refuse("it has spaces, control characters, backslashes or letters beyond ASCII: percent-encode them.");
  const std::string start = to_lower_ascii(url.substr(0, 8));
  if (!start.starts_with("http://") && !start.starts_with("https://"))
    return refuse("only http:// and https:// are fetched.");
  return {};
}

}  // namespace

std::string_view inside_kind(std::string_view address) {
  const std::string bytes = bytes_of(address);
  if (bytes.empty()) return "not an address";
  if (bytes.size() == 4) return kind_in(bytes, kInside4);
  if ((static_cast<unsigned char>(bytes[0]) & 0xe0) == 0x20) return kind_in(bytes, kInside6);
  const auto named = kind_in(bytes, kNamed6);
  return named.empty() ? "reserved" : named;
}

bool is_metadata_address(std::string_view address) {
  const std::string bytes = bytes_of(address);
  return std::ranges::any_of(kMetadata, [&](auto known) {
    const std::string one = bytes_of(known);
    if (bytes == one) return true;
    return bytes.size() == 16 && one.size() == 4 && bytes.ends_with(one);  // mapped, NAT64, …
  });
}

Result<Guard> Guard::make(const GuardRules& rules) {
  Guard guard;
  guard.ports_ = rules.ports;
  for (const auto& entry : rules.allow_inside) {
    if (auto added = guard.add(entry); !added) return fail(added.error());
  }
  return guard;
}

Status Guard::add(std::string_view entry) {
  const auto bad = [&] {
    return fail(ErrorCode::kConfig,
                fmt::format("'{}' is no host for allow_inside: write HOST, HOST:PORT or 10.1.0.0/16.", entry));
  };
  Allowed allowed;
  std::string_view host = trim(entry);
  const auto number = [](std::string_view text, auto& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
  };
  const bool v6_bare = std::ranges::count(host, ':') > 1 && !host.starts_with('[');
  const size_t colon = v6_bare ? std::string_view::npos : host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) {
    if (!number(host.substr(colon + 1), allowed.port) || allowed.port == 0) return bad();
    host = host.substr(0, colon);
  }
  if (const size_t slash = host.find('/'); slash != std::string_view::npos) {
    allowed.block = bytes_of(without_brackets(host.substr(0, slash)));
    const bool read = number(host.substr(slash + 1), allowed.bits);
    if (!read || allowed.block.empty() || allowed.bits < 0 || allowed.bits > static_cast<int>(allowed.block.size()) * 8)
      return bad();
  } else if (const std::string bytes = bytes_of(without_brackets(host)); !bytes.empty()) {
    allowed.block = bytes;
    allowed.bits = static_cast<int>(bytes.size()) * 8;
  } else {
    allowed.host = to_lower_ascii(host);
    if (!is_plain_name(allowed.host)) return bad();
  }
  allowed_.push_back(std::move(allowed));
  return {};
}

bool Guard::allows_host(std::string_view host, uint16_t port) const {
  return std::ranges::any_of(allowed_, [&](const Allowed& one) {
    return !one.host.empty() && one.host == host && (one.port == 0 || one.port == port);
  });
}

bool Guard::allows_address(const std::string& bytes, uint16_t port) const {
  return std::ranges::any_of(allowed_, [&](const Allowed& one) {
    return one.host.empty() && in_block(bytes, one.block, one.bits) && (one.port == 0 || one.port == port);
  });
}

bool Guard::may_reach(std::string_view address, uint16_t port) const {
  if (is_metadata_address(address)) return false;
  return inside_kind(address).empty() || allows_address(bytes_of(address), port);
}

Status Guard::may_reach(const GuardedUrl& url, std::string_view address) const {
  if (is_metadata_address(address)) return refuse("its host leads to a cloud's metadata service.");
  if (url.allowed_host || may_reach(address, url.port)) return {};
  return refuse(fmt::format("its host leads inside ({}).", inside_kind(address)));
}

Result<GuardedUrl> Guard::check(std::string_view text) const {
  if (auto good = check_text(text); !good) return fail(good.error());
  UrlHandle url;
  if (curl_url_set(url.handle, CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER) != CURLUE_OK)
    return refuse("it is not a valid URL, or names a user or password.");
  if (!url.get(CURLUPART_USER).empty() || !url.get(CURLUPART_PASSWORD).empty() ||
      text.substr(0, text.find_first_of("/?#", text.find("://") + 3)).find('@') != std::string_view::npos)
    return refuse("it names a user or password.");

  GuardedUrl out{.url = url.get(CURLUPART_URL), .scheme = url.get(CURLUPART_SCHEME), .host = "", .port = 0};
  const std::string port = url.get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (out.port == 0) return refuse("it names no port.");
  const std::string parsed = to_lower_ascii(url.get(CURLUPART_HOST));
  const std::string raw = to_lower_ascii(raw_host(text));
  const std::string bytes = bytes_of(without_brackets(parsed));
  out.is_address = !bytes.empty();
  const bool usual = out.is_address && bytes.size() == 16 ? bytes_of(without_brackets(raw)) == bytes : raw == parsed;
  if (raw.find('%') != std::string::npos || !usual) return refuse("its host is written in an unusual way.");

  std::string_view name = parsed;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (!out.is_address && (ends_in_a_number(name) || !is_plain_name(name)))
    return refuse("its host is neither a name nor an address in the usual form.");
  out.host = out.is_address ? text_of(bytes) : std::string(name);
  out.allowed_host = !out.is_address && allows_host(out.host, out.port);
  const bool listed = out.allowed_host || (out.is_address && allows_address(bytes, out.port));
  if (!listed && !ports_.empty() && std::ranges::find(ports_, out.port) == ports_.end())
    return refuse(fmt::format("port {} is not among those that are fetched from (limits.fetch_ports).", out.port));
  if (!out.is_address && !listed && is_inside_name(out.host)) return refuse("its host is a name of the inside.");
  if (out.is_address) {
    if (auto reach = may_reach(out, out.host); !reach) return fail(reach.error());
  }
  return out;
}

}  // namespace steward::net
