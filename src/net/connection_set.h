// The connections of one io thread, with the one timer that watches over all their deadlines: a deadline is then a
// number to write, not a timer to arm. On that io thread only, except construction.
#pragma once
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <unordered_set>

#include "net/server_state.h"

namespace steward::net {

class Connection;

// Connections without a request: those that had one and wait for the next, or those too whose first may be on its way.
enum class Idle { kServed, kAll };

class ConnectionSet : public std::enable_shared_from_this<ConnectionSet> {
 public:
  ConnectionSet(asio::io_context& context, std::shared_ptr<ServerState> state);

  asio::io_context& context() { return context_; }
  ServerState& state() { return *state_; }
  void add(Connection* connection);
  void remove(Connection* connection);
  std::string_view http_date();  // of this second; a later call changes it in place, so views stay good
  void close_idle(Idle which);
  size_t cut_all(CancelReason reason);  // cancels requests under way; how many
  void close_all();
  void drop_all();  // the thread has stopped: lets go of coroutines that nobody will wake
  void stop_timer() { timer_.reset(); }

 private:
  void arm();
  void sweep();
  std::vector<std::shared_ptr<Connection>> all() const;

  asio::io_context& context_;
  std::shared_ptr<ServerState> state_;
  std::unordered_set<Connection*> connections_;
  std::optional<asio::steady_timer> timer_;
  std::chrono::milliseconds period_;
  bool armed_ = false;
  TimeUs date_second_ = -1;
  std::string date_;
};

}  // namespace steward::net
