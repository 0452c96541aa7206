// One answer of the server, as the Responder that a handler writes to: head, then a whole body or chunks.
#pragma once
#include <string>

#include "net/http_server.h"
#include "net/input.h"
#include "net/output.h"

namespace steward::net {

struct ResponseContext {
  std::string_view date;  // ready for the Date header
  bool head_only = false;
  bool http_1_0 = false;
  bool keep_alive = false;
};

class Response final : public Responder {
 public:
  // `input`: for an upgrade; null where none is taken.
  Response(Output& output, const Request& request, ResponseContext context, std::shared_ptr<Input> input = nullptr)
      : output_(output),
        request_(request),
        request_id_(request.request_id),
        cancel_(request.cancel),
        context_(context),
        input_(std::move(input)) {}

  Headers& headers() override { return headers_; }
  Task<Status> send(int status, std::string content_type, std::string body) override;
  Task<Status> begin(int status, std::string content_type) override;
  Task<Status> write(std::string chunk) override;
  Task<Status> end() override;
  bool begun() const override { return phase_ != Phase::kFresh; }
  Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(WebSocketLimits limits) override;

  bool finished() const { return phase_ == Phase::kDone; }  // whole, so that another request may follow
  void close_after() { context_.keep_alive = false; }
  bool keep_alive() const { return context_.keep_alive; }
  bool upgraded() const { return status_ == 101; }  // nothing of HTTP follows

 private:
  enum class Phase { kFresh, kStreaming, kDone };

  std::string head(int status, std::string_view content_type, std::optional<size_t> length);
  Task<Status> put(std::string_view head, std::string_view body = {}, std::string_view tail = {});

  Output& output_;
  const Request& request_;
  Id request_id_;
  CancelToken cancel_;
  ResponseContext context_;
  std::shared_ptr<Input> input_;
  Headers headers_;
  Phase phase_ = Phase::kFresh;
  bool chunked_ = false;
  int status_ = 0;
};

std::string http_date(TimeUs time_us);  // "Sun, 06 Nov 1994 08:49:37 GMT"

}  // namespace steward::net
