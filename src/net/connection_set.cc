#include "net/connection_set.h"

#include "net/connection.h"
#include "net/response.h"

namespace steward::net {
namespace {

// Often enough for the shortest limit to be kept within a quarter, seldom enough to cost nothing with 10,000
// connections.
std::chrono::milliseconds sweep_period(const ServerLimits& limits) {
  auto shortest = std::min({limits.head_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(50));
}

}  // namespace

ConnectionSet::ConnectionSet(asio::io_context& context, std::shared_ptr<ServerState> state)
    : context_(context),
      state_(std::move(state)),
      timer_(std::in_place, context),
      period_(sweep_period(state_->limits)) {}

void ConnectionSet::add(Connection* connection) {
  connections_.insert(connection);
  arm();
}

void ConnectionSet::remove(Connection* connection) { connections_.erase(connection); }

std::string_view ConnectionSet::http_date() {
  TimeUs second = state_->clock.now_us() / kSecondUs;
  if (second != date_second_) {
    date_second_ = second;
    const std::string now = net::http_date(second * kSecondUs);
    date_.assign(now);  // in place, never by a move: answers under way hold a view of these bytes
  }
  return date_;
}

void ConnectionSet::arm() {
  if (armed_ || !timer_ || connections_.empty()) return;
  armed_ = true;
  timer_->expires_after(period_);
  timer_->async_wait([self = shared_from_this()](ErrorValue error) {
    self->armed_ = false;
    if (error) return;
    self->sweep();
    self->arm();
  });
}

void ConnectionSet::sweep() {
  auto now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<Connection>> late;  // acting on one may end it, and so change the set
  for (Connection* connection : connections_) {
    if (connection->needs_attention(now)) late.push_back(connection->shared_from_this());
  }
  for (auto& connection : late) connection->attend(now);
}

std::vector<std::shared_ptr<Connection>> ConnectionSet::all() const {
  std::vector<std::shared_ptr<Connection>> out;
  for (Connection* connection : connections_) out.push_back(connection->shared_from_this());
  return out;
}

void ConnectionSet::close_idle(Idle which) {
  for (auto& connection : all()) connection->close_if_idle(which);
}

size_t ConnectionSet::cut_all(CancelReason reason) {
  size_t count = 0;
  for (auto& connection : all()) count += connection->cut(reason) ? 1 : 0;
  return count;
}

void ConnectionSet::close_all() {
  for (auto& connection : all()) connection->close();
}

void ConnectionSet::drop_all() {
  for (auto& connection : all()) connection->drop();
}

}  // namespace steward::net
