// The server's side of one WebSocket: reads ahead in a coroutine of its own, so that pings are answered while a message
// is worked on. close() ends and awaits that coroutine; the connection outlives it.
#pragma once
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>

#include "net/input.h"
#include "net/output.h"
#include "net/websocket.h"

namespace steward::net {

class ServerWebSocket final : public WebSocket {
 public:
  ServerWebSocket(Output& output, std::shared_ptr<Input> input, CancelToken cancel, WebSocketLimits limits,
                  Executor executor);
  ~ServerWebSocket() override;
  // After the handshake was answered.
  void start();

  Task<std::optional<std::string>> read() override;
  Task<Status> write(std::string text) override;
  Task<Status> ping() override;
  Task<void> close(uint16_t code, std::string reason) override;

 private:
  Task<void> pump();
  Task<void> take(FrameReader::Frame frame);
  Task<Status> put(std::string frame);
  void end();  // of what comes in

  Output& output_;
  std::shared_ptr<Input> input_;
  CancelToken cancel_;
  WebSocketLimits limits_;
  FrameReader frames_;
  std::deque<std::string> messages_;
  asio::steady_timer arrived_, room_, pumped_;  // conditions: a cancel wakes who waits
  Waiter turn_;
  bool writing_ = false, closing_ = false, ended_ = false, pumping_ = false, said_goodbye_ = false;
};

}  // namespace steward::net
