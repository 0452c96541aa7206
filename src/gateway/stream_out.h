// The bytes of a streamed answer on their way to the client: one writer at a time, and a sign of life while there is
// nothing to write, so that nothing between us and the client gives up. On the request's io thread; release() before
// the responder goes.
#pragma once
#include <chrono>
#include <functional>
#include <memory>

#include "base/async.h"
#include "net/http_server.h"

namespace steward::gateway {

class StreamOut {
 public:
  enum class Form { kEvents, kJsonArray };  // an array: one element an event, for Gemini's callers without alt=sse

  StreamOut(net::Responder& responder, Form form) : responder_(responder), form_(form) {}
  ~StreamOut() { alive_->cancel(CancelReason::kStopped); }
  StreamOut(const StreamOut&) = delete;
  StreamOut& operator=(const StreamOut&) = delete;

  // What is said after so much silence; 0: nothing. May be set anew at any time.
  void set_sign_of_life(std::chrono::microseconds silence, std::string bytes);
  Task<Status> begin();  // 200 and the headers that are set by now
  bool begun() const { return responder_.begun(); }
  Task<Status> write(std::string events);  // whole server-sent events
  Task<void> end();
  Task<void> release();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Shared {
    bool writing = false;
    Time last = std::chrono::steady_clock::now();
    std::chrono::microseconds silence{0};
    std::string sign;
  };
  static Task<void> wait_turn(std::shared_ptr<Shared> shared);
  static Task<void> keep_alive(net::Responder& responder, std::shared_ptr<CancelToken> alive,
                               std::shared_ptr<Shared> shared);
  Task<Status> put(std::string bytes);
  std::string elements_of(const std::string& events);

  net::Responder& responder_;
  Form form_;
  bool first_element_ = true;
  std::shared_ptr<CancelToken> alive_ = std::make_shared<CancelToken>();
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace steward::gateway
