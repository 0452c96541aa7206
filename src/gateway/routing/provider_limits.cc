#include "gateway/routing/provider_limits.h"

#include <date/date.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/text.h"
#include "gateway/routing/durations.h"

namespace steward::gateway::routing {
namespace {

constexpr DurationUs kLongestHoldUs = 24LL * 3600 * kSecondUs;  // a provider that says longer is asked again next day
constexpr DurationUs kNoHintUs = kSecondUs;                     // a 429 that does not say when to come again
constexpr int64_t kUnixTimeFrom = 1'000'000'000;                // "reset" in seconds is far smaller
constexpr int64_t kLatestUnixTime = 253'402'300'799;            // the year 9999; later would not fit in microseconds

std::optional<int64_t> integer_of(std::string_view text) {
  text = trim(text);
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || value < 0) return std::nullopt;
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  if (!rest.empty() && rest[0] != '.' && rest[0] != ',' && rest[0] != ';') return std::nullopt;  // "100, 100;w=60"
  return value;
}

std::optional<DurationUs> until(std::optional<TimeUs> time, TimeUs now_us) {
  if (!time) return std::nullopt;
  return std::clamp<DurationUs>(*time - now_us, 0, kLongestHoldUs);
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). The shape is looked at first: date::parse would take "nan" and
// "1e99" for seconds and cast them.
bool looks_like_http_date(std::string_view text) {
  constexpr std::string_view kShape = "aaa, 00 aaa 0000 00:00:00 GMT";
  if (text.size() != kShape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char want = kShape[i], c = text[i];
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'), digit = c >= '0' && c <= '9';
    if (want == 'a' ? !letter : want == '0' ? !digit : c != want) return false;
  }
  return true;
}

std::optional<TimeUs> http_date(std::string_view text) {
  if (!looks_like_http_date(text)) return std::nullopt;
  std::istringstream in{std::string(text)};
  date::sys_seconds time;
  in >> date::parse("%a, %d %b %Y %H:%M:%S GMT", time);
  if (in.fail()) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::optional<DurationUs> reset_of(std::string_view text, TimeUs now_us) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  if (text.find('T') != std::string_view::npos) {
    const auto time = parse_rfc3339(text);
    return until(time ? std::optional(*time) : std::nullopt, now_us);
  }
  if (const auto seconds = integer_of(text); seconds && *seconds >= kUnixTimeFrom) {
    const int64_t whole = *seconds > kUnixTimeFrom * 1'000 ? *seconds / 1'000 : *seconds;  // some count milliseconds
    return until(std::min(whole, kLatestUnixTime) * kSecondUs, now_us);
  }
  auto duration = parse_duration(text);
  if (duration) *duration = std::min(*duration, kLongestHoldUs);
  return duration;
}

std::optional<DurationUs> retry_after(const std::function<std::string_view(std::string_view)>& header, TimeUs now_us) {
  if (const auto ms = trim(header("retry-after-ms")); !ms.empty()) {
    if (const auto duration = parse_duration(std::string(ms) + "ms")) return std::min(*duration, kLongestHoldUs);
  }
  const auto text = trim(header("retry-after"));
  if (text.empty()) return std::nullopt;
  if (const auto duration = parse_duration(text)) return std::min(*duration, kLongestHoldUs);
  return until(http_date(text), now_us);
}

int64_t counted(std::string_view bucket, CallTokens tokens) {
  if (bucket == "requests") return 1;
  if (bucket == "output-tokens") return 0;
  return bucket == "input-tokens" ? tokens.input : tokens.input + tokens.output;
}

}  // namespace

ProviderLimits read_provider_limits(const std::function<std::string_view(std::string_view)>& header, TimeUs now_us) {
  ProviderLimits out;
  out.retry_after_us = retry_after(header, now_us);
  const auto take = [&](std::string name, const std::string& limit, const std::string& remaining,
                        const std::string& reset) {
    ProviderLimits::Bucket bucket{.name = std::move(name),
                                  .limit = integer_of(header(limit)),
                                  .remaining = integer_of(header(remaining)),
                                  .reset_us = reset_of(header(reset), now_us)};
    if (bucket.remaining) out.buckets.push_back(std::move(bucket));
  };
  for (const std::string kind : {"requests", "tokens"})
    take(kind, "x-ratelimit-limit-" + kind, "x-ratelimit-remaining-" + kind, "x-ratelimit-reset-" + kind);
  for (const std::string kind : {"requests", "tokens", "input-tokens", "output-tokens"}) {
    const std::string prefix = "anthropic-ratelimit-" + kind;
    take(kind, prefix + "-limit", prefix + "-remaining", prefix + "-reset");
  }
  if (out.buckets.empty()) take("requests", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset");
  return out;
}

void LimitState::take(const ProviderLimits& limits, TimeUs monotonic_us) {
  for (const auto& bucket : limits.buckets) {
    auto held = std::ranges::find(held_, bucket.name, &Held::name);
    if (held == held_.end()) held = held_.insert(held_.end(), Held{.name = bucket.name});
    held->limit = bucket.limit.value_or(0);
    held->remaining = *bucket.remaining;
    held->told_at_us = monotonic_us;
    held->reset_at_us = monotonic_us + bucket.reset_us.value_or(0);
  }
}

void LimitState::refused(std::optional<DurationUs> retry_after_us, TimeUs monotonic_us) {
  const DurationUs hold = std::clamp<DurationUs>(retry_after_us.value_or(kNoHintUs), 0, kLongestHoldUs);
  not_before_us_ = std::max(not_before_us_, monotonic_us + hold);
}

DurationUs LimitState::holds_us(TimeUs monotonic_us, CallTokens tokens, std::string* why) const {
  DurationUs longest = 0;
  const auto take = [&](DurationUs hold, auto reason) {
    if (hold <= longest) return;
    longest = hold;
    if (why != nullptr) *why = reason();
  };
  take(not_before_us_ - monotonic_us, [] { return std::string("the provider asked to wait"); });
  for (const auto& held : held_) {
    if (monotonic_us >= held.reset_at_us) continue;
    // A bucket fills evenly from what was left to its limit, where it is full at the reset.
    int64_t needed = std::max<int64_t>(1, counted(held.name, tokens));
    if (held.limit > 0) needed = std::min(needed, held.limit);  // a larger call is the provider's to refuse
    if (held.remaining >= needed) continue;
    const double whole = static_cast<double>(held.reset_at_us - held.told_at_us);
    const auto missing = static_cast<double>(needed - held.remaining);
    const double share = held.limit > held.remaining ? missing / static_cast<double>(held.limit - held.remaining) : 1.0;
    const auto free_at = held.told_at_us + static_cast<DurationUs>(whole * std::min(1.0, share));
    take(free_at - monotonic_us,
         [&] { return fmt::format("{}: {} of {} left", held.name, std::max<int64_t>(0, held.remaining), held.limit); });
  }
  return std::max<DurationUs>(0, longest);
}

void LimitState::sent(CallTokens tokens) {
  for (auto& held : held_) {
    held.remaining -= counted(held.name, tokens);
  }
}

}  // namespace steward::gateway::routing
