// The clock of a sample home while it is made: it stands at the moment of the sample life that is being written, so
// that every record, id, budget's period and price is of that moment, made by the same parts as in a home that was
// lived in. Spans of time are the machine's. One thread sets it; any may ask.
#pragma once
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/async.h"
#include "base/clock.h"
#include "server/core.h"

namespace steward::cli {

class SampleClock final : public Clock {
 public:
  SampleClock(Clock& machine, TimeUs start) : machine_(machine), now_us_(start) {}
  TimeUs now_us() override { return now_us_; }
  TimeUs monotonic_us() override { return machine_.monotonic_us(); }
  void set(TimeUs now) { now_us_ = now; }

 private:
  Clock& machine_;
  std::atomic<TimeUs> now_us_;
};

// What a part of the server answers, waited for on the thread that makes the sample.
template <class T>
T wait(server::Core& core, Task<T> task) {
  return asio::co_spawn(core.threads->context(0), std::move(task), asio::use_future).get();
}

}  // namespace steward::cli
