// Fetches an address that somebody else supplied: through the guard at each hop, from the one address that was judged.
//
// Each hop: check the text, resolve once, judge every address that came (one that leads inside refuses the hop: a name
// with a good and a bad address is an attempt), connect to an address that was judged, never through a proxy. At most
// kMaxRedirects redirects, each a hop of its own. GET only; no cookies, no caller's headers. The body is held to a
// size, the whole to a time, the type to a list. Errors: kUrlRefused, kUrlFailed, kCancelled. On an io thread.
#pragma once
#include <string>
#include <vector>

#include "net/guard.h"
#include "net/http_client.h"
#include "net/resolver.h"

namespace steward::net {

inline constexpr int kMaxRedirects = 3;

struct GuardedRequest {
  std::string url;
  size_t max_bytes = 20 * 1024 * 1024;
  std::chrono::milliseconds total{20'000};
  // Beginnings of content types ("image/", "application/pdf"); an answer without one, or application/octet-stream, is
  // taken too and left to the reader's own look. Empty: all.
  std::vector<std::string> types;
  CancelToken cancel;
};

struct Fetched {
  std::string url;           // after redirects
  std::string content_type;  // lower case, without parameters; may be empty
  std::string body;
};

Task<Result<Fetched>> guarded_fetch(const Guard& guard, Resolver& resolver, HttpClient& client, GuardedRequest request);

}  // namespace steward::net
