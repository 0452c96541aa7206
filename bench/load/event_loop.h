// One thread's epoll loop with timers to the microsecond: what both ends of a benchmark stand on.
//
// The ends must cost little beside what they measure, and must keep time: sockets never block, timers lie in one heap
// of absolute times (a late one doesn't move the next), and nothing is allocated for a timer or an event. Handlers
// outlive the loop's run; a timer that is no longer wanted is told by its tag, since none is ever taken back.
#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <vector>

namespace steward::bench {

// CLOCK_MONOTONIC, which every process of the machine reads alike: a time stamped by one end is comparable at the
// other.
int64_t now_us();

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void ready(uint32_t epoll_events) = 0;
  virtual void due(uint64_t tag) = 0;
};

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;

  void watch(int fd, uint32_t epoll_events, Handler& handler);
  void change(int fd, uint32_t epoll_events, Handler& handler);
  // A closed descriptor leaves by itself.
  void at(int64_t when_us, Handler& handler, uint64_t tag);
  void run();  // until stop()
  void stop() { stopped_ = true; }

 private:
  struct Timer {
    int64_t when_us;
    Handler* handler;
    uint64_t tag;
    bool operator>(const Timer& other) const { return when_us > other.when_us; }
  };

  void fire_due();

  int epoll_ = -1;
  bool stopped_ = false;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
};

// A listening socket on 127.0.0.0/8, or the descriptor of a connection under way; both without blocking. End the
// program with a sentence when the system refuses.
int listen_on(const std::string& address, uint16_t port);
int connect_to(const std::string& address, uint16_t port, const std::string& from);

// What a socket can take and give without waiting. `sent` removes from the front of `out`.
enum class Io { kOpen, kClosed };
Io read_all(int fd, std::string& in);
Io write_some(int fd, std::string& out);

// A process may open as many descriptors as its hard limit allows; answers that number.
uint64_t lift_file_limit();

}  // namespace steward::bench
