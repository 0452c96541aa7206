// Any bytes as a request: refused with a 4xx or taken, and the same verdict, head and body however the bytes are cut.
#include "net/request_parser.h"
#include "net/target.h"

namespace {

using namespace steward;
using namespace steward::net;

struct Verdict {
  std::string outcome;  // "more", an error's code, or the request
  bool operator==(const Verdict&) const = default;
};

ServerLimits small() {
  ServerLimits limits;
  limits.max_header_bytes = 1024;
  limits.max_headers = 16;
  limits.max_target_bytes = 128;
  return limits;
}

constexpr size_t kMaxBody = 512;

Verdict refused(const Error& error) {
  int status = info(error.code).http_status;
  if (status < 400 || status > 499) __builtin_trap();
  return {std::to_string(status)};
}

// As a connection does it: the unconsumed bytes grow by `step` at a time.
Verdict parse(std::string_view bytes, size_t step) {
  static const ServerLimits kLimits = small();
  RequestParser parser(kLimits);
  std::string body;
  size_t begin = 0, end = 0;
  bool in_body = false;
  while (end < bytes.size() && !(in_body && parser.done())) {
    end = std::min(bytes.size(), end + step);
    if (!in_body) {
      auto taken = parser.feed_head(bytes.substr(begin, end - begin));
      if (!taken) return refused(taken.error());
      begin += *taken;
      if (*taken == 0) continue;
      in_body = true;
      if (parser.head().content_length.value_or(0) > kMaxBody) return {"413"};
      if (!parser.done()) parser.begin_body(kMaxBody);
    }
    auto taken = parser.feed_body(bytes.substr(begin, end - begin), body);
    if (!taken) return refused(taken.error());
    begin += *taken;
    if (body.size() > kMaxBody) __builtin_trap();
  }
  if (!in_body || !parser.done()) return {"more"};
  auto target = parse_target(parser.head().target);
  if (target && target->path.find('\0') != std::string::npos) __builtin_trap();
  return {parser.head().method + " " + (target ? target->path : "?") + " " + body};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Verdict whole = parse(bytes, std::max<size_t>(size, 1));
  for (size_t step : {1, 7}) {
    const Verdict cut = parse(bytes, step);
    // A limit may be noticed sooner in one than in the other; taken and refused must not be confused.
    const bool whole_refused = whole.outcome.starts_with('4'), cut_refused = cut.outcome.starts_with('4');
    if (whole_refused != cut_refused || (!whole_refused && whole != cut)) __builtin_trap();
  }
  return 0;
}
