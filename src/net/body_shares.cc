#include "net/body_shares.h"

#include <algorithm>

namespace steward::net {
namespace {

const std::string kStrangers;  // no client that is known has an empty name

size_t held_by(const std::unordered_map<std::string, size_t>& clients, const std::string& name) {
  const auto found = clients.find(name);
  return found == clients.end() ? 0 : found->second;
}

size_t left_of(size_t all, size_t held) { return all - std::min(all, held); }

}  // namespace

// Twice the largest body: with less, the rule of the free half would refuse it to a client that is alone.
BodyShares::BodyShares(size_t max_bytes, size_t max_client_bytes, size_t largest)
    : max_bytes_(std::max(max_bytes, 2 * largest)), max_client_bytes_(std::max(max_client_bytes, largest)) {}

BodyShares::Verdict BodyShares::take(const std::string& client, bool known, size_t bytes) {
  const std::scoped_lock lock(mutex_);
  const std::string& name = known ? client : kStrangers;
  const size_t after = held_by(all_.by_client, name) + bytes;
  if (after > max_client_bytes_) return Verdict::kClientFull;
  if (after > left_of(max_bytes_, all_.held + bytes)) return Verdict::kServerFull;
  if (!known) {
    const size_t of_address = held_by(strangers_.by_client, client) + bytes;
    const size_t left = left_of(max_client_bytes_, strangers_.held + bytes);
    if (of_address > left) return Verdict::kClientFull;
    put(strangers_, client, bytes);
  }
  put(all_, name, bytes);
  return Verdict::kTaken;
}

void BodyShares::give_back(const std::string& client, bool known, size_t bytes) {
  const std::scoped_lock lock(mutex_);
  take_out(all_, known ? client : kStrangers, bytes);
  if (!known) take_out(strangers_, client, bytes);
}

void BodyShares::put(Pool& pool, const std::string& client, size_t bytes) {
  pool.held += bytes;
  pool.by_client[client] += bytes;
}

void BodyShares::take_out(Pool& pool, const std::string& client, size_t bytes) {
  pool.held -= bytes;
  const auto found = pool.by_client.find(client);
  if ((found->second -= bytes) == 0) pool.by_client.erase(found);
}

size_t BodyShares::held() const {
  const std::scoped_lock lock(mutex_);
  return all_.held;
}

size_t BodyShares::clients() const {
  const std::scoped_lock lock(mutex_);
  return all_.by_client.size() - all_.by_client.count(kStrangers) + strangers_.by_client.size();
}

}  // namespace steward::net
