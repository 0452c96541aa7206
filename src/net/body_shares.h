// The memory that request bodies take, shared out among clients: what came of a body counts from its first byte until
// its request is answered, and a body begun but never ended costs its sender nothing. So beside the bound of all bodies
// together there is one for each client, and a client that holds much may hold no more than is left free: one alone
// takes a half at most, two a third each, and whoever comes next always finds as much room as the largest has.
//
// A client is what the server above names before the body is read: a key, a person, the home's socket. Who shows
// nothing that holds is a stranger. Addresses cost nothing, so all strangers together are one client; within that, each
// address is bounded by the same rule.
//
// The largest body that any route takes fits a known client that is alone, whatever the limits say. Any thread.
#pragma once
#include <mutex>
#include <string>
#include <unordered_map>

namespace steward::net {

class BodyShares {
 public:
  enum class Verdict { kTaken, kServerFull, kClientFull };

  // `largest`: the bytes of the largest body that is taken.
  BodyShares(size_t max_bytes, size_t max_client_bytes, size_t largest);

  Verdict take(const std::string& client, bool known, size_t bytes);
  void give_back(const std::string& client, bool known, size_t bytes);
  size_t held() const;
  size_t clients() const;  // that hold something

 private:
  struct Pool {
    size_t held = 0;
    std::unordered_map<std::string, size_t> by_client;
  };

  static void put(Pool& pool, const std::string& client, size_t bytes);
  static void take_out(Pool& pool, const std::string& client, size_t bytes);

  const size_t max_bytes_, max_client_bytes_;
  mutable std::mutex mutex_;
  Pool all_;        // the strangers under one name
  Pool strangers_;  // by address
};

// What one request holds of it.
class BodyShare {
 public:
  BodyShare(BodyShares& shares, std::string client, bool known)
      : shares_(shares), client_(std::move(client)), known_(known) {}
  ~BodyShare() {
    if (held_ > 0) shares_.give_back(client_, known_, held_);
  }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  BodyShares::Verdict grow_to(size_t bytes) {
    if (bytes <= held_) return BodyShares::Verdict::kTaken;
    const auto verdict = shares_.take(client_, known_, bytes - held_);
    if (verdict == BodyShares::Verdict::kTaken) held_ = bytes;
    return verdict;
  }

 private:
  BodyShares& shares_;
  const std::string client_;
  const bool known_;
  size_t held_ = 0;
};

}  // namespace steward::net
