#include "net/http_server.h"

namespace steward::net {

void Router::add(std::string method, std::string pattern, Handler handler, size_t max_body_bytes) {
  routes_.push_back(Route{std::move(method), std::move(pattern), std::move(handler), max_body_bytes});
}

void Router::set_error_writer(std::function<Task<void>(Request&, Responder&, Error)> writer) {
  error_writer_ = std::move(writer);
}

void Router::set_client_namer(std::function<std::string(const Request&)> namer) { client_namer_ = std::move(namer); }

void Router::use(Middleware middleware) { middleware_.push_back(std::move(middleware)); }

const std::vector<Route>& Router::routes() const { return routes_; }

}  // namespace steward::net
