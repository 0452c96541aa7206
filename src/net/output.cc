#include "net/output.h"

namespace steward::net {
namespace {

using Parts = std::array<asio::const_buffer, 3>;

// Takes `written` bytes off the front; false when nothing is left.
bool advance(Parts& parts, size_t written) {
  bool left = false;
  for (auto& part : parts) {
    size_t step = std::min(written, part.size());
    part += step;
    written -= step;
    left = left || part.size() > 0;
  }
  return left;
}

// What a coroutine that is destroyed in the middle of a write leaves behind: a stream that can't be gone on with.
struct MidWrite {
  bool& writing;
  bool& broken;
  SteadyTime& deadline;
  bool whole = false;
  ~MidWrite() {
    writing = false;
    deadline = SteadyTime::max();
    if (!whole) broken = true;
  }
};

}  // namespace

Task<bool> Output::write(std::string_view head, std::string_view body, std::string_view tail) {
  if (broken_ || writing_) co_return false;
  writing_ = true;
  MidWrite guard{writing_, broken_, deadline_};
  Parts parts{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size()),
              asio::buffer(tail.data(), tail.size())};
  ErrorValue error;
  bool left = advance(parts, transport_->write_now(parts, error));
  while (left && !error) {
    deadline_ = std::chrono::steady_clock::now() + timeout_;
    size_t written = 0;
    error = co_await transport_->write_some(parts, written);
    left = advance(parts, written);
  }
  guard.whole = !error;
  co_return guard.whole;
}

}  // namespace steward::net
