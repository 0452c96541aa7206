// Any bytes as an address to fetch. What the guard lets through names a public host in one reading only: libcurl, which
// will connect, reads the same host and port out of it, it can be checked again with the same verdict, and an address
// in it is none that Asio (another implementation) takes for loopback, unspecified, multicast, link-local or private.
#include <curl/curl.h>

#include <boost/asio/ip/address.hpp>

#include "net/guard.h"

namespace {

using steward::net::Guard;

std::string part_of(const std::string& url, CURLUPart part) {
  CURLU* handle = curl_url();
  char* text = nullptr;
  if (curl_url_set(handle, CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) __builtin_trap();
  if (curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) text = nullptr;
  const std::string out = text != nullptr ? text : "";
  curl_free(text);
  curl_url_cleanup(handle);
  return out;
}

bool is_inside(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error) __builtin_trap();
  if (address.is_loopback() || address.is_multicast() || address.is_unspecified()) return true;
  if (address.is_v6()) return address.to_v6().is_link_local() || address.to_v6().is_v4_mapped();
  const auto bytes = address.to_v4().to_bytes();
  return bytes[0] == 10 || bytes[0] == 0 || (bytes[0] == 192 && bytes[1] == 168) ||
         (bytes[0] == 172 && bytes[1] >= 16 && bytes[1] < 32) || (bytes[0] == 169 && bytes[1] == 254);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto guard = Guard::make({});
  const auto url = guard->check(text);
  (void)steward::net::inside_kind(text);
  (void)Guard::make({.allow_inside = {text}});
  if (!url) return 0;
  if (url->port != 80 && url->port != 443) __builtin_trap();
  if (part_of(url->url, CURLUPART_PORT) != std::to_string(url->port)) __builtin_trap();
  if (!part_of(url->url, CURLUPART_USER).empty()) __builtin_trap();
  if (url->is_address && is_inside(url->host)) __builtin_trap();
  const auto again = guard->check(url->url);
  if (!again || again->host != url->host || again->port != url->port || again->url != url->url) __builtin_trap();
  return 0;
}
