// What goes to a client: whole writes, waiting while the client is slow, given up when it takes nothing for the write
// timeout. On the connection's io thread; one write at a time.
#pragma once
#include <array>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "net/transport.h"

namespace steward::net {

using SteadyTime = std::chrono::steady_clock::time_point;

class Output {
 public:
  Output(std::shared_ptr<Transport> transport, std::chrono::milliseconds timeout)
      : transport_(std::move(transport)), timeout_(timeout) {}

  // False: the client is gone, and nothing more can be written. The parts live until then.
  Task<bool> write(std::string_view head, std::string_view body = {}, std::string_view tail = {});
  bool broken() const { return broken_; }
  bool expired(SteadyTime now) const { return now >= deadline_; }
  void break_off() { broken_ = true; }

 private:
  std::shared_ptr<Transport> transport_;
  std::chrono::milliseconds timeout_;
  SteadyTime deadline_ = SteadyTime::max();
  bool broken_ = false;
  bool writing_ = false;
};

}  // namespace steward::net
