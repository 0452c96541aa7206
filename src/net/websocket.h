// WebSocket (RFC 6455), server side: messages of text both ways over one connection.
//
// Responder::accept_websocket() turns a request into one; the handler then reads and writes messages until it returns,
// which closes the connection. While it works on a message the connection goes on being read: pings are answered, a
// client that goes away cancels the request's token, and what comes meanwhile waits in a bounded row (beyond it the
// client has to wait). Binary messages, extensions and unmasked frames are refused by closing with the code that the
// standard has for it. On the connection's io thread; one coroutine reads, any number may write.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "base/error.h"

namespace steward::net {

struct WebSocketLimits {
  size_t max_message_bytes = size_t{32} << 20;  // as a request's body
  size_t max_waiting = 8;                       // messages that were read and not yet taken
  std::chrono::milliseconds idle{600'000};      // without a message, while none is waited for
  std::chrono::milliseconds close{5'000};       // for the client's goodbye
  CancelToken stop;                             // once cancelled, no further message is read
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;
  // The next message; nullopt: the client said goodbye, went away, or was silent for too long.
  virtual Task<std::optional<std::string>> read() = 0;
  virtual Task<Status> write(std::string text) = 0;  // kCancelled: the client is gone
  virtual Task<Status> ping() = 0;
  virtual Task<void> close(uint16_t code, std::string reason) = 0;  // once, last
};

inline constexpr uint16_t kCloseNormal = 1000, kCloseGoingAway = 1001, kCloseProtocol = 1002, kCloseUnsupported = 1003,
                          kCloseBadText = 1007, kCloseTooBig = 1009;

// The frames that a client sends, cut anywhere.
class FrameReader {
 public:
  enum class Kind { kText, kPing, kPong, kClose };
  struct Frame {
    Kind kind = Kind::kText;
    std::string payload;  // of kText the whole message
    uint16_t code = 0;    // of kClose, 0: none was told
  };
  explicit FrameReader(size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}
  // What these bytes complete. An error: its details' "close" is the code to close with; nothing more may be fed.
  Result<std::vector<Frame>> feed(std::string_view bytes);

 private:
  Result<bool> take(std::vector<Frame>& out);  // false: more is needed
  Status finish(std::vector<Frame>& out, uint8_t opcode, bool last, std::string payload);

  size_t max_message_bytes_;
  std::string held_;
  size_t begin_ = 0;  // of what is not taken yet
  std::string message_;
  bool in_message_ = false;
};

enum class Opcode : uint8_t { kText = 1, kClose = 8, kPing = 9, kPong = 10 };
std::string frame_of(Opcode opcode, std::string_view payload);
std::string close_payload(uint16_t code, std::string_view reason);
std::string accept_key(std::string_view client_key);  // of the handshake

}  // namespace steward::net
