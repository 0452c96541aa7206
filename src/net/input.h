// What a client sends, read ahead into one bounded buffer. While a handler works the input goes on reading, so that a
// client that goes away is seen at once; what a client pipelines meanwhile is kept for the next request. On the
// connection's io thread only.
#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "net/transport.h"
#include "net/waiter.h"

namespace steward::net {

inline constexpr size_t kIdleBufferBytes =
    4 * 1024;  // what a connection holds while it waits: 10,000 of them are 40 MB
inline constexpr size_t kReadAheadBytes =
    64 * 1024;  // read ahead while a handler works, and the step in which bodies are read

class Input final : public ReadSink, public std::enable_shared_from_this<Input> {
 public:
  enum class Outcome { kBytes, kEnd, kTimeout };

  explicit Input(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}

  std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  void consume(size_t count) { begin_ += count; }
  // Waits until more has come than there was, or the client ended, or time_out() is called. `room`: bytes worth reading
  // at once.
  Task<Outcome> more(size_t room);
  void time_out();

  // From now on `gone` is called once when the client goes away. unwatch() when the handler is done.
  void watch(std::function<void()> gone);
  void unwatch() { gone_ = nullptr; }
  bool blind() const { return gone_ && !reading_ && !ended_; }  // watching, but the read-ahead is full
  void poll_gone();                                             // so the kernel is asked instead
  bool ended() const { return ended_; }
  void shrink();  // gives memory back if nothing is held
  void drop() { waiter_.drop(); }

  void on_read(ErrorValue error, size_t bytes) override;

 private:
  void start_read(size_t room);
  void make_room(size_t room);
  void end();

  std::shared_ptr<Transport> transport_;
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool reading_ = false, ended_ = false, timed_out_ = false;
  Waiter waiter_;
  std::function<void()> gone_;
};

}  // namespace steward::net
