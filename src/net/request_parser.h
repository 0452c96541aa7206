// Bytes of one connection into request heads and bodies, strictly: whatever two servers could read in two ways (RFC
// 9112, 11.2: request smuggling) is refused rather than repaired. The grammar is Boost.Beast's; what Beast forgives is
// looked for here first.
//
// Refused: a bare LF or CR, a folded header, white space before a colon, NUL and other control characters, two or
// differing Content-Length, Content-Length beside Transfer-Encoding, a transfer coding other than exactly "chunked",
// chunked in HTTP/1.0, a missing or second Host, versions other than 1.0 and 1.1. Knows no sockets; not thread-safe.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/body_reader.h"
#include "net/http_server.h"

namespace steward::net {

struct RequestHead {
  std::string method;
  std::string target;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expect_continue = false;
  std::optional<uint64_t> content_length;
  bool chunked = false;
  Headers headers;
};

class RequestParser {
 public:
  explicit RequestParser(const ServerLimits& limits);
  ~RequestParser();

  void next();  // begins the next request
  // `bytes`: all that came since next(). Bytes taken, 0 while the head is not whole. Errors: 400, 414, 431.
  Result<size_t> feed_head(std::string_view bytes);
  RequestHead& head();
  // `bytes`: what is not taken yet. Appends content to `body`; returns bytes taken. Errors: 400, 413.
  void begin_body(size_t max_body_bytes) { body_.set_limit(max_body_bytes); }
  Result<size_t> feed_body(std::string_view bytes, std::string& body) { return body_.feed(bytes, body); }
  bool done() const;  // head and body are whole

 private:
  class Grammar;
  Status scan_head(std::string_view bytes);
  Status scan_line(std::string_view line);
  Status check_head(const RequestHead& head) const;

  const ServerLimits& limits_;
  std::unique_ptr<Grammar> grammar_;
  BodyReader body_;
  size_t scanned_ = 0;  // whole lines looked at
  size_t lines_ = 0;
  bool head_whole_ = false;
};

}  // namespace steward::net
