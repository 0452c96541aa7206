// The routes of a Router compiled for matching, each wrapped in the middleware. Built once at the server's start, read
// by all io threads.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/http_server.h"
#include "net/target.h"

namespace steward::net {

struct CompiledRoute {
  Route route;
  Handler wrapped;                    // the handler inside all middleware
  std::vector<std::string> segments;  // of the pattern; "{x}" takes one, a last "{x*}" the rest
};

struct Match {
  const CompiledRoute* route = nullptr;  // null: none
  std::map<std::string, std::string> params;
  std::string allow;  // for 405: the methods that this path takes; empty: 404
};

using ErrorWriter = std::function<Task<void>(Request&, Responder&, Error)>;

class RouteTable {
 public:
  RouteTable(const std::vector<Route>& routes, const std::vector<Middleware>& middleware, ErrorWriter error_writer);
  Match match(std::string_view method, const Target& target) const;
  // What answers a request that no route takes, inside the middleware too.
  const Handler& not_found() const { return not_found_->wrapped; }
  const Handler& method_not_allowed() const { return method_not_allowed_->wrapped; }
  const ErrorWriter& error_writer() const { return error_writer_; }

 private:
  std::unique_ptr<CompiledRoute> compile(Route route, const std::vector<Middleware>& middleware) const;
  bool fits(const CompiledRoute& route, const std::vector<std::string>& segments) const;
  void find(const Target& target, std::vector<const CompiledRoute*>& out) const;

  ErrorWriter error_writer_;
  std::vector<std::unique_ptr<CompiledRoute>> all_;
  std::unordered_map<std::string, std::vector<const CompiledRoute*>> fixed_;  // without parameters, by path
  std::vector<const CompiledRoute*> with_params_;                             // in order of addition
  std::unique_ptr<CompiledRoute> not_found_, method_not_allowed_;
};

Task<void> write_default_error(Request& request, Responder& responder, Error error);  // OpenAI's envelope

}  // namespace steward::net
