// Randomness, handed in so that a test can repeat it. Cryptographic where SystemRandom is wired.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace steward {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<uint8_t> out) = 0;  // may be called from any thread
  std::string bytes(size_t n);                    // n raw bytes
  uint64_t below(uint64_t bound);                 // uniform in [0, bound), bound > 0
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<uint8_t> out) override;  // libcrypto's generator; aborts if the system has no randomness
};

// A repeatable sequence for tests (not secret, not thread-safe).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void fill(std::span<uint8_t> out) override;

 private:
  uint64_t state_;
};

}  // namespace steward
