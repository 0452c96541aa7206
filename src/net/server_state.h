// What all connections of a server share. It lives as long as any of them; counters are read from any thread, the rest
// is set before start.
#pragma once
#include <atomic>
#include <memory>

#include "net/http_server.h"
#include "net/route_table.h"

namespace steward::net {

struct ServerState {
  ServerState(ServerLimits l, Clock& c, Random& r, Log g) : limits(l), clock(c), ids(c, r), log(std::move(g)) {}

  ServerLimits limits;
  Clock& clock;
  IdMaker ids;
  Log log;
  std::unique_ptr<RouteTable> routes;
  std::atomic<size_t> connections{0};
  std::atomic<size_t> under_way{0};
  std::atomic<size_t> bodies_bytes{0};
  std::atomic<bool> draining{false};
};

// Counts one in for as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<size_t>& count) : count_(count) { count_.fetch_add(1); }
  ~Counted() { count_.fetch_sub(1); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<size_t>& count_;
};

// The memory of one request's body, out of the server's max_bodies_bytes.
class BodyShare {
 public:
  explicit BodyShare(ServerState& state) : state_(state) {}
  ~BodyShare() { state_.bodies_bytes.fetch_sub(held_); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  bool grow_to(size_t bytes) {
    if (bytes <= held_) return true;
    size_t more = bytes - held_;
    held_ = bytes;
    return state_.bodies_bytes.fetch_add(more) + more <= state_.limits.max_bodies_bytes;
  }

 private:
  ServerState& state_;
  size_t held_ = 0;
};

}  // namespace steward::net
