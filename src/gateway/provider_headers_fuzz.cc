// What a provider says in its answer's headers, and a client in its own: limits are never negative and never hold
// longer than a day, durations are bounded, a trace's context is what the standard allows.
#include <cstdlib>

#include "gateway/routing/durations.h"
#include "gateway/routing/provider_limits.h"
#include "gateway/traces.h"

namespace {

using namespace steward;
using namespace steward::gateway;

constexpr DurationUs kDayUs = 24LL * 3600 * kSecondUs;
constexpr TimeUs kNow = 1'764'000'000'000'000;

void hold(bool law) {
  if (!law) std::abort();
}

// Lines "name: value", as many as there are.
std::map<std::string, std::string, std::less<>> headers_of(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos) out.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return out;
}

void limits(std::string_view text) {
  const auto headers = headers_of(text);
  const auto read = routing::read_provider_limits(
      [&](std::string_view name) {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string_view() : std::string_view(found->second);
      },
      kNow);
  hold(read.retry_after_us.value_or(0) >= 0 && read.retry_after_us.value_or(0) <= kDayUs);
  for (const auto& bucket : read.buckets) {
    hold(bucket.limit.value_or(0) >= 0 && bucket.remaining.value_or(0) >= 0);
    hold(bucket.reset_us.value_or(0) >= 0 && bucket.reset_us.value_or(0) <= kDayUs);
  }
  routing::LimitState state;
  state.take(read, kNow);
  state.refused(read.retry_after_us, kNow);
  state.sent({.input = 1'000, .output = 100});
  for (const TimeUs later : {DurationUs{0}, DurationUs{1}, kDayUs / 2}) {
    const auto holds = state.holds_us(kNow + later, {.input = 1'000'000, .output = 1'000}, nullptr);
    hold(holds >= 0 && holds <= kDayUs);
  }
  hold(state.holds_us(kNow + kDayUs, {.input = 1, .output = 1}, nullptr) == 0);
}

void durations(std::string_view text) {
  const auto read = routing::parse_duration(text);
  if (!read) return;
  hold(*read >= 0 && *read <= routing::kMaxDurationUs);
  (void)routing::duration_text(*read);
}

void traces(std::string_view text) {
  const auto context = read_traceparent(text);
  if (!context) return;
  hold(context->trace_id.size() == 32 && context->span_id.size() == 16);
  hold((context->trace_id + context->span_id).find_first_not_of("0123456789abcdef") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  limits(text);
  durations(text);
  traces(text);
  return 0;
}
