#include "net/server_websocket.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

namespace steward::net {
namespace {

// Waits until somebody cancels the timer, or it runs out. False: it ran out.
Task<bool> woken(asio::steady_timer& timer, std::chrono::milliseconds longest) {
  timer.expires_after(longest);
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return error == asio::error::operation_aborted;
}

constexpr std::chrono::milliseconds kSlice{500};
constexpr std::chrono::milliseconds kForever = std::chrono::hours(24);

}  // namespace

ServerWebSocket::ServerWebSocket(Output& output, std::shared_ptr<Input> input, CancelToken cancel,
                                 WebSocketLimits limits, Executor executor)
    : output_(output),
      input_(std::move(input)),
      cancel_(std::move(cancel)),
      limits_(limits),
      frames_(limits.max_message_bytes),
      arrived_(executor),
      room_(executor),
      pumped_(executor) {}

ServerWebSocket::~ServerWebSocket() = default;

void ServerWebSocket::start() {
  pumping_ = true;
  asio::co_spawn(arrived_.get_executor(), pump(), asio::detached);  // awaited in close()
}

void ServerWebSocket::end() {
  ended_ = true;
  arrived_.cancel();
}

Task<void> ServerWebSocket::pump() {
  while (!ended_) {
    while (messages_.size() >= limits_.max_waiting && !closing_) (void)co_await woken(room_, kForever);
    auto frames = frames_.feed(input_->bytes());
    input_->consume(input_->bytes().size());
    if (!frames) {
      const auto code = static_cast<uint16_t>(frames.error().details.value("close", int64_t{kCloseProtocol}));
      if (!std::exchange(said_goodbye_, true))
        (void)co_await put(frame_of(Opcode::kClose, close_payload(code, frames.error().message)));
      break;
    }
    for (auto& frame : *frames) co_await take(std::move(frame));
    if (ended_) break;
    const auto outcome = co_await input_->more(kReadAheadBytes);
    if (outcome == Input::Outcome::kEnd || (outcome == Input::Outcome::kTimeout && closing_)) break;
  }
  end();
  pumping_ = false;
  pumped_.cancel();
}

Task<void> ServerWebSocket::take(FrameReader::Frame frame) {
  switch (frame.kind) {
    case FrameReader::Kind::kText:
      messages_.push_back(std::move(frame.payload));
      arrived_.cancel();
      break;
    case FrameReader::Kind::kPing: (void)co_await put(frame_of(Opcode::kPong, frame.payload)); break;
    case FrameReader::Kind::kPong: break;
    case FrameReader::Kind::kClose:
      if (!std::exchange(said_goodbye_, true))
        (void)co_await put(frame_of(Opcode::kClose, close_payload(frame.code ? frame.code : kCloseNormal, "")));
      end();
  }
}

Task<std::optional<std::string>> ServerWebSocket::read() {
  // In slices: a server that stops asks by the token, from another thread.
  const Deadline idle = Deadline::in(limits_.idle);
  while (messages_.empty() && !ended_) {
    if (idle.passed() || cancel_.cancelled() || limits_.stop.cancelled()) co_return std::nullopt;
    (void)co_await woken(arrived_, kSlice);
  }
  if (messages_.empty()) co_return std::nullopt;
  std::string message = std::move(messages_.front());
  messages_.pop_front();
  room_.cancel();
  co_return message;
}

Task<Status> ServerWebSocket::put(std::string frame) {
  while (writing_) co_await turn_.wait();
  writing_ = true;
  const bool sent = co_await output_.write(frame);
  writing_ = false;
  turn_.wake();
  if (!sent) co_return fail(ErrorCode::kCancelled);
  co_return Status{};
}

Task<Status> ServerWebSocket::write(std::string text) {
  if (said_goodbye_) co_return fail(ErrorCode::kCancelled);
  co_return co_await put(frame_of(Opcode::kText, text));
}

Task<Status> ServerWebSocket::ping() {
  if (said_goodbye_) co_return fail(ErrorCode::kCancelled);
  co_return co_await put(frame_of(Opcode::kPing, ""));
}

Task<void> ServerWebSocket::close(uint16_t code, std::string reason) {
  closing_ = true;
  if (!std::exchange(said_goodbye_, true) && !ended_)
    (void)co_await put(frame_of(Opcode::kClose, close_payload(code, reason)));
  room_.cancel();
  if (pumping_) (void)co_await woken(pumped_, limits_.close);
  while (pumping_) {  // it said no goodbye in time
    input_->time_out();
    if (pumping_) (void)co_await woken(pumped_, std::chrono::milliseconds(50));
  }
}

}  // namespace steward::net
