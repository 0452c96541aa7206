#include "ledger/price_cache.h"

namespace steward::ledger {
namespace {
constexpr size_t kMostRows = 2'000;   // models asked for in an hour; names come from callers, so they are bounded
constexpr size_t kLongestName = 300;  // bytes; a longer one is no model's
constexpr DurationUs kKeptUs = 3600LL * kSecondUs;
}  // namespace

std::shared_ptr<const ShippedModel> ShippedCache::find(std::string_view provider, std::string_view model, TimeUs now) {
  if (provider.size() + model.size() > kLongestName) return nullptr;
  const std::string name = fmt::format("{}/{}", provider, model);
  {
    const std::lock_guard lock(mutex_);
    if (hour_ != now / kKeptUs || rows_.size() >= kMostRows) {
      rows_.clear();
      hour_ = now / kKeptUs;
    }
    if (const auto it = rows_.find(name); it != rows_.end()) return it->second;
  }
  auto found = find_shipped(provider, model, now);
  auto row = found ? std::make_shared<const ShippedModel>(std::move(*found)) : nullptr;
  const std::lock_guard lock(mutex_);
  rows_[name] = row;
  return row;
}

}  // namespace steward::ledger
