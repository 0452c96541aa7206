// What all connections of a server share. It lives as long as any of them; counters are read from any thread, the rest
// is set before start.
#pragma once
#include <atomic>
#include <memory>

#include "net/body_shares.h"
#include "net/http_server.h"
#include "net/route_table.h"

namespace steward::net {

struct ServerState {
  ServerState(ServerLimits l, Clock& c, Random& r, Log g) : limits(l), clock(c), ids(c, r), log(std::move(g)) {
    share_bodies(limits.max_body_bytes);
  }
  void share_bodies(size_t largest) {
    bodies = std::make_unique<BodyShares>(limits.max_bodies_bytes, limits.max_client_bodies_bytes, largest);
  }

  ServerLimits limits;
  Clock& clock;
  IdMaker ids;
  Log log;
  std::unique_ptr<RouteTable> routes;
  std::unique_ptr<BodyShares> bodies;
  std::function<std::string(const Request&)> client_namer;  // may be empty
  std::atomic<size_t> connections{0};
  std::atomic<size_t> under_way{0};
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

}  // namespace steward::net
