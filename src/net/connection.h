// One client's connection: requests one after another, each received, routed, answered. Its coroutine owns it; it
// belongs to one io thread.
//
// A deadline is a number that the ConnectionSet's timer looks at. When it has passed, waiting for input ends with a
// timeout (answered with 408), anything else closes the socket.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "net/connection_set.h"
#include "net/input.h"
#include "net/output.h"
#include "net/request_parser.h"
#include "net/response.h"

namespace steward::net {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ConnectionSet> set, std::shared_ptr<Transport> transport, std::string remote,
             bool over_unix);
  ~Connection();

  static Task<void> run(std::shared_ptr<Connection> self);

  bool needs_attention(SteadyTime now) const;
  void attend(SteadyTime now);
  void close_if_idle(Idle which);
  bool cut(CancelReason reason);
  void close() { transport_->close(); }
  void drop() { input_->drop(); }

 private:
  enum class Next { kRequest, kClose, kGone };
  enum class Late { kNothing, kWakeInput, kClose };

  Task<Next> serve_one();
  // Error: refused with it. An empty optional: the client left without a request.
  Task<std::optional<Status>> receive_head();
  Task<Status> receive_body(Request& request, BodyShare& share, size_t max_bytes);
  Task<Next> handle(Request& request, Match match);
  Task<void> answer(const Handler& handler, Request& request, Response& response);
  Task<void> refuse(Request& request, Error error);
  Task<void> linger();
  Status fill_request(Request& request, Target& target);
  void guess_path(Request& request);
  ResponseContext response_context(bool keep_alive);
  void set_deadline(SteadyTime at, Late late) { deadline_ = at, late_ = late; }
  void no_deadline() { set_deadline(SteadyTime::max(), Late::kNothing); }

  std::shared_ptr<ConnectionSet> set_;
  ServerState& state_;
  std::shared_ptr<Transport> transport_;
  std::shared_ptr<Input> input_;
  Output output_;
  RequestParser parser_;
  std::string remote_;
  bool over_unix_;
  Counted counted_;
  SteadyTime deadline_ = SteadyTime::max();
  Late late_ = Late::kNothing;
  bool in_request_ = false;
  bool served_ = false;  // a request came over it
  std::optional<CancelToken> under_way_;
};

}  // namespace steward::net
