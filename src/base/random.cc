#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace steward {

std::string Random::bytes(size_t n) {
  std::string out(n, '\0');
  fill({reinterpret_cast<uint8_t*>(out.data()), n});
  return out;
}

uint64_t Random::below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;  // rejects the uneven rest, so that every value is as likely
  for (;;) {
    uint64_t value = 0;
    fill({reinterpret_cast<uint8_t*>(&value), sizeof value});
    if (value < limit) return value % bound;
  }
}

namespace {

// A call of the generator costs a microsecond whatever it gives, so small wants are served from a pool of each thread's
// own. What was given is wiped: it stands in no memory but the caller's.
class RandomPool {
 public:
  void fill(std::span<uint8_t> out) {
    if (left_ < out.size()) {
      if (RAND_bytes(bytes_.data(), static_cast<int>(bytes_.size())) != 1) std::abort();
      left_ = bytes_.size();
    }
    left_ -= out.size();
    std::memcpy(out.data(), bytes_.data() + left_, out.size());
    OPENSSL_cleanse(bytes_.data() + left_, out.size());
  }

 private:
  std::array<uint8_t, 1024> bytes_{};
  size_t left_ = 0;
};

constexpr size_t kPooledBytes = 64;

}  // namespace

void SystemRandom::fill(std::span<uint8_t> out) {
  if (out.empty()) return;
  if (out.size() <= kPooledBytes) {
    static thread_local RandomPool pool;
    return pool.fill(out);
  }
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

void SeededRandom::fill(std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); i += 8) {  // splitmix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    std::memcpy(out.data() + i, &z, std::min<size_t>(8, out.size() - i));
  }
}

}  // namespace steward
