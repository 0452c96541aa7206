#include "gateway/routing/affinity.h"

#include <algorithm>

#include "base/crypto.h"

namespace steward::gateway::routing {
namespace {

void add(std::string& all, std::string_view part) {  // with its length: "ab","c" is not "a","bc"
  all += fmt::format("{}:", part.size());
  all += part;
}

}  // namespace

std::string affinity_key(std::string_view tenant, std::string_view key, const std::vector<std::string_view>& named,
                         const std::vector<std::string_view>& first_texts) {
  std::string all;
  add(all, tenant);
  add(all, key);
  const auto name = std::ranges::find_if(named, [](std::string_view one) { return !one.empty(); });
  if (name != named.end()) {
    add(all, "named");
    add(all, *name);
    return to_hex(sha256(all)).substr(0, 32);
  }
  if (std::ranges::all_of(first_texts, &std::string_view::empty)) return "";
  add(all, "begins");
  for (const auto text : first_texts) add(all, text);
  return to_hex(sha256(all)).substr(0, 32);
}

std::optional<std::string> Affinity::find(const std::string& route, const std::string& key) {
  if (key.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  drop_old();
  const auto found = by_key_.find(route + "\n" + key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second->deployment;
}

void Affinity::remember(const std::string& route, const std::string& key, std::string deployment) {
  if (key.empty()) return;
  const std::string full = route + "\n" + key;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(full); found != by_key_.end()) {
    entries_.erase(found->second);
    by_key_.erase(found);
  }
  entries_.push_front({full, std::move(deployment), clock_.monotonic_us()});
  by_key_[full] = entries_.begin();
  drop_old();
}

void Affinity::drop_old() {
  const TimeUs oldest = clock_.monotonic_us() - options_.time_to_live_us;
  while (!entries_.empty() && (entries_.size() > options_.most || entries_.back().touched_us < oldest)) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

void Affinity::reload(AffinityOptions options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  drop_old();
}

size_t Affinity::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace steward::gateway::routing
