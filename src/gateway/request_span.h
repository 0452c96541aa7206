// The span of one request to the model API: from its making to its destruction, below the client's span and above those
// of the calls that are made for it (Call). On the request's io thread; costs nothing while traces are off.
#pragma once
#include "gateway/call.h"
#include "net/http_server.h"

namespace steward::gateway {

class RequestSpan {
 public:
  RequestSpan(Services& services, const net::Request& request, const identity::Caller& caller,
              std::string_view endpoint, std::string_view model);
  ~RequestSpan();
  RequestSpan(const RequestSpan&) = delete;
  RequestSpan& operator=(const RequestSpan&) = delete;

  TraceContext below() const;  // for the calls of this request
  void set(std::string name, SpanValue value);
  void failed(const Error& error);

 private:
  Services& services_;
  std::shared_ptr<Traces> traces_;
  TimeUs started_us_ = 0;  // monotonic
  Span span_;
};

// "chat", "text_completion", "embeddings": GenAI's word for what an endpoint does.
std::string_view genai_operation(std::string_view endpoint);

}  // namespace steward::gateway
