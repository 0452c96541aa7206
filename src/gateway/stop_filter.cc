#include "gateway/stop_filter.h"

#include <algorithm>

namespace steward::gateway {

StopFilter::StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& s) { return s.empty(); });
}

std::string StopFilter::feed(std::string_view piece) {
  if (stopped_) return {};
  if (stops_.empty()) return std::string(piece);
  held_ += piece;
  // The stop string that is complete first ends the text; of those that end together, the longest.
  size_t first_end = std::string::npos, cut = 0;
  for (const auto& stop : stops_) {
    const size_t at = held_.find(stop);
    if (at == std::string::npos) continue;
    const size_t end = at + stop.size();
    if (end < first_end || (end == first_end && at < cut)) first_end = end, cut = at;
  }
  if (first_end != std::string::npos) {
    stopped_ = true;
    std::string out = held_.substr(0, cut);
    held_.clear();
    return out;
  }
  size_t keep = 0;  // the longest tail that begins a stop string
  for (const auto& stop : stops_) {
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
      if (held_.ends_with(std::string_view(stop).substr(0, n))) {
        keep = n;
        break;
      }
    }
  }
  std::string out = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return out;
}

std::string StopFilter::flush() { return stopped_ ? std::string() : std::exchange(held_, {}); }

std::vector<std::string> stops_of(const Json& body) {
  const auto it = body.find("stop");
  if (it == body.end()) return {};
  if (it->is_string()) return {it->get<std::string>()};
  return it->is_array() ? it->get<std::vector<std::string>>() : std::vector<std::string>();
}

}  // namespace steward::gateway
