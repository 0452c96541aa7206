#include "server/mcp/pace.h"

#include <algorithm>

namespace steward::server::mcp {

Status Pace::take(const Id& caller) {
  const TimeUs now = clock_.monotonic_us();
  const std::lock_guard lock(mutex_);
  if (full_at_.size() >= kMostCallers && !full_at_.contains(caller)) {
    std::erase_if(full_at_, [now](const auto& one) { return one.second <= now; });
    if (full_at_.size() >= kMostCallers)
      full_at_.erase(std::ranges::min_element(full_at_, {}, [](const auto& one) { return one.second; }));
  }
  TimeUs& full = full_at_[caller];
  const TimeUs after = std::max(full, now) + kEachUs;
  if (after - now > kAtOnce * kEachUs) {
    const int64_t seconds = (after - now - kAtOnce * kEachUs + kSecondUs - 1) / kSecondUs;
    return fail(ErrorCode::kRateLimited,
                fmt::format("Too many calls of tools: try again in {} second{}.", seconds, seconds == 1 ? "" : "s"));
  }
  full = after;
  return {};
}

}  // namespace steward::server::mcp
