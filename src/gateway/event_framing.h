// How a provider's events are cut out of its bytes: as server-sent events, or as Amazon's binary event stream, whose
// chunks hold the same events in base64. Bytes may be cut anywhere.
#pragma once
#include <memory>

#include "net/sse.h"

namespace steward::gateway {

class EventFraming {
 public:
  virtual ~EventFraming() = default;
  virtual Result<std::vector<net::SseEvent>> feed(std::string_view bytes) = 0;  // kUpstreamError: garbage, too large
  virtual bool in_event() const = 0;                                            // the bytes ended in mid-event
};

// By the answer's content type; null: it is no stream of events.
std::unique_ptr<EventFraming> framing_of(std::string_view content_type);

}  // namespace steward::gateway
