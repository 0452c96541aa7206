#include "net/input.h"

#include <poll.h>

#include <cstring>

namespace steward::net {

Task<Input::Outcome> Input::more(size_t room) {
  if (ended_) co_return Outcome::kEnd;
  size_t before = end_ - begin_;
  timed_out_ = false;
  start_read(room);
  co_await waiter_.wait();
  if (end_ - begin_ > before) co_return Outcome::kBytes;
  co_return timed_out_ ? Outcome::kTimeout : Outcome::kEnd;
}

void Input::time_out() {
  timed_out_ = true;
  waiter_.wake();
}

void Input::watch(std::function<void()> gone) {
  if (ended_) return gone();
  gone_ = std::move(gone);
  if (end_ - begin_ < kReadAheadBytes) start_read(kIdleBufferBytes);
}

void Input::poll_gone() {
  if (!blind()) return;
  pollfd state{.fd = transport_->native_handle(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR))) end();
}

void Input::shrink() {
  if (begin_ != end_ || reading_ || capacity_ <= kIdleBufferBytes) return;
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

void Input::start_read(size_t room) {
  if (reading_ || ended_) return;
  make_room(room);
  reading_ = true;
  transport_->read_some(asio::buffer(data_.get() + end_, capacity_ - end_), shared_from_this());
}

void Input::make_room(size_t room) {
  if (begin_ == end_) begin_ = end_ = 0;
  size_t held = end_ - begin_;
  if (capacity_ - end_ >= room) return;
  if (capacity_ >= held + room) {
    std::memmove(data_.get(), data_.get() + begin_, held);
  } else {
    size_t capacity = std::max(std::max(kIdleBufferBytes, held + room), std::min(2 * capacity_, kReadAheadBytes));
    auto data = std::make_unique_for_overwrite<char[]>(capacity);
    if (held > 0) std::memcpy(data.get(), data_.get() + begin_, held);
    data_ = std::move(data);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

void Input::on_read(ErrorValue error, size_t bytes) {
  reading_ = false;
  end_ += bytes;
  if (error) return end();
  if (waiter_.waiting()) return waiter_.wake();
  if (gone_ && end_ - begin_ < kReadAheadBytes) start_read(kIdleBufferBytes);
}

void Input::end() {
  ended_ = true;
  if (auto gone = std::exchange(gone_, nullptr)) gone();
  waiter_.wake();
}

}  // namespace steward::net
