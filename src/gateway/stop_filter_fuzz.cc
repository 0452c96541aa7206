// A text that a model streams, past stop strings out of the same bytes: however it is cut, what comes out is the text
// up to the first place where a stop string ends, found here by looking at the whole.
#include <cstdlib>

#include "gateway/stop_filter.h"

namespace {

std::string filtered(const std::vector<std::string>& stops, std::string_view text, size_t step) {
  steward::gateway::StopFilter filter(stops);
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) out += filter.feed(text.substr(0, step));
  return out + filter.flush();
}

// The stop string that ends first; of several that end there the one that begins first.
std::string expected(const std::vector<std::string>& stops, std::string_view text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const auto& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return std::string(text.substr(0, end - longest));
  }
  return std::string(text);
}

}  // namespace

// Up to the first zero byte lie the stop strings, a line each.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), std::min<size_t>(size, 512));
  const size_t zero = std::min(bytes.find('\0'), bytes.size());
  std::vector<std::string> stops;
  for (std::string_view lines = bytes.substr(0, zero); !lines.empty() && stops.size() < 4;) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    if (end > 0) stops.emplace_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  const std::string_view text = bytes.substr(std::min(zero + 1, bytes.size()));
  const std::string wanted = expected(stops, text);
  for (const size_t step : {size_t{1}, size_t{3}, size_t{512}}) {
    if (filtered(stops, text, step) != wanted) std::abort();
  }
  return 0;
}
