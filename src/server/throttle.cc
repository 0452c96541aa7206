#include "server/throttle.h"

#include <algorithm>

namespace steward::server {
namespace {
constexpr size_t kMaxEntries = 20'000;
constexpr DurationUs kCalmUs = 3'600LL * kSecondUs;
constexpr int kMostDoublings = 20;
}  // namespace

void Throttle::set(Limits limits) {
  const std::scoped_lock lock(mutex_);
  limits_ = limits;
}

Result<int> Throttle::begin(const std::string& who, TimeUs now) {
  const std::scoped_lock lock(mutex_);
  if (!entries_.contains(who) && entries_.size() >= kMaxEntries) make_room(now);
  Entry& entry = entries_[who];
  if (entry.last != 0 && now - std::max(entry.last, entry.paused_until) > kCalmUs) entry = {};
  if (entry.paused_until > now) {
    const DurationUs wait = entry.paused_until - now;
    return fail(
        ErrorCode::kSignInPaused,
        fmt::format("There were too many tries: the next is possible in {} s.", (wait + kSecondUs - 1) / kSecondUs),
        {{"retry_after_us", wait}, {"retry_after_s", (wait + kSecondUs - 1) / kSecondUs}});
  }
  entry.last = now;
  if (++entry.failures < limits_.tries) return limits_.tries - entry.failures;
  const int doublings = std::min(entry.pauses++, kMostDoublings);
  entry.paused_until = now + std::min(limits_.pause_us << doublings, limits_.longest_us);
  entry.failures = 0;
  return 0;
}

void Throttle::succeeded(const std::string& who) {
  const std::scoped_lock lock(mutex_);
  entries_.erase(who);
}

void Throttle::take_back(const std::string& who) {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(who);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  if (entry.failures > 0) {
    --entry.failures;
  } else if (entry.pauses > 0) {  // this very try had begun the pause
    --entry.pauses;
    entry.paused_until = 0;
    entry.failures = limits_.tries - 1;
  }
}

void Throttle::make_room(TimeUs now) {
  std::erase_if(entries_, [now](const auto& each) {
    return now - std::max(each.second.last, each.second.paused_until) > kCalmUs;
  });
  if (entries_.size() < kMaxEntries) return;
  const auto calmest = std::ranges::min_element(
      entries_, {}, [](const auto& each) { return std::max(each.second.last, each.second.paused_until); });
  entries_.erase(calmest);
}

}  // namespace steward::server
