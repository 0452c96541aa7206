// Server-sent events, both ways (WHATWG HTML, 9.2). The reader takes bytes cut anywhere and yields whole events; it
// bounds an event's size.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace steward::net {

struct SseEvent {
  std::string event;  // or empty: "message"
  std::string data;
  std::string id;  // the last id seen in the stream, as the standard has it
};

class SseReader {
 public:
  explicit SseReader(size_t max_event_bytes = 8 * 1024 * 1024) : max_event_bytes_(max_event_bytes) {}
  // Events completed by these bytes. kUpstreamError if one is over the limit.
  Result<std::vector<SseEvent>> feed(std::string_view bytes);
  bool in_event() const { return !line_.empty() || has_data_; }  // the stream ended in mid-event
  std::optional<int64_t> retry_ms() const { return retry_ms_; }  // the last "retry:" seen

 private:
  Status take_bytes(std::string_view bytes);
  void take_line(std::vector<SseEvent>& out);
  void take_field(std::string_view name, std::string_view value);

  size_t max_event_bytes_;
  std::string line_;
  SseEvent current_;
  bool has_data_ = false;
  bool skip_lf_ = false;
  size_t bom_matched_ = 0;
  bool bom_done_ = false;
  bool failed_ = false;
  std::optional<int64_t> retry_ms_;
};

std::string sse_data(std::string_view data);  // "data: …\n\n", one line each
std::string sse_event(std::string_view event, std::string_view data, std::string_view id = {});
std::string sse_comment(std::string_view text);  // ": …\n\n"

}  // namespace steward::net
