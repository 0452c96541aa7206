#include "gateway/routing/health.h"

#include <algorithm>

#include "base/json.h"

namespace steward::gateway::routing {
namespace {

constexpr double kSmoothing = 0.2;  // of the first byte's time: the last five calls weigh most
constexpr int kMostDoublings = 16;
constexpr DurationUs kLastResortUs = kSecondUs;  // between two tries of a resting deployment with nobody beside it

int status_of(const Error& error) {
  if (!error.details.is_object() || !error.details.contains("upstream_status")) return 0;
  const auto& status = error.details["upstream_status"];
  return status.is_number_integer() ? status.get<int>() : 0;
}

Failure failure_of_status(int status) {
  if (status == 429) return Failure::kRateLimited;
  if (status == 401 || status == 402 || status == 403 || status == 404) return Failure::kNotHere;
  if (status == 408 || status == 409 || status == 425 || status >= 500 || status < 400) return Failure::kMomentary;
  return Failure::kRequest;
}

bool says_of_the_circuit(const Error& error) {
  // Local inference has a supervisor of its own, which starts it anew at once.
  return error.code != ErrorCode::kEngineFailed && error.code != ErrorCode::kModelUnavailable;
}

std::optional<DurationUs> retry_after_of(const Error& error) {
  if (!error.details.is_object() || !error.details.contains("retry_after_us")) return std::nullopt;
  const auto& value = error.details["retry_after_us"];
  return value.is_number_integer() ? std::optional(value.get<DurationUs>()) : std::nullopt;
}

std::string_view to_text(Health::State state) {
  return state == Health::State::kClosed ? "closed" : state == Health::State::kOpen ? "open" : "half-open";
}

}  // namespace

bool key_was_refused(const Error& error) {
  if (error.code != ErrorCode::kUpstreamError || !error.details.is_object()) return false;
  return status_of(error) == 401 || (error.details.contains("key_refused") && error.details["key_refused"] == true);
}

Failure failure_of(const Error& error) {
  const int status = status_of(error);
  if (key_was_refused(error)) return Failure::kNotHere;
  switch (error.code) {
    case ErrorCode::kContextTooLong:
    case ErrorCode::kModelNotFound:
    case ErrorCode::kUnsupportedField:
    case ErrorCode::kNotImplemented:
    case ErrorCode::kBudgetExceeded:
    case ErrorCode::kPriceUnknown: return Failure::kNotHere;
    case ErrorCode::kQueueFull:
    case ErrorCode::kQueueTimeout: return Failure::kRateLimited;
    case ErrorCode::kRateLimited: return status != 0 ? Failure::kRateLimited : Failure::kOurs;
    case ErrorCode::kUpstreamError:
    case ErrorCode::kUpstreamUnreachable:
    case ErrorCode::kUpstreamTimeout:
    case ErrorCode::kEngineFailed:
    case ErrorCode::kModelUnavailable: return status == 0 ? Failure::kMomentary : failure_of_status(status);
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kInvalidJson:
    case ErrorCode::kInvalidUtf8:
    case ErrorCode::kBodyTooLarge: return status == 0 ? Failure::kRequest : failure_of_status(status);
    default: return Failure::kOurs;
  }
}

std::string_view to_text(Failure failure) {
  static constexpr std::string_view kNames[] = {"momentary", "rate limited", "not here", "request", "ours"};
  return kNames[static_cast<size_t>(failure)];
}

Health::One& Health::one(const std::string& deployment) {
  auto& found = all_[deployment];
  found.heard_us = clock_.monotonic_us();
  if (all_.size() > options_.most) {
    auto oldest = all_.end();
    for (auto it = all_.begin(); it != all_.end(); ++it) {
      if (it->first != deployment && (oldest == all_.end() || it->second.heard_us < oldest->second.heard_us))
        oldest = it;
    }
    if (oldest != all_.end()) all_.erase(oldest);
  }
  return found;
}

Health::Verdict Health::verdict(const One& one, CallTokens tokens, Resort resort) const {
  const TimeUs now = clock_.monotonic_us();
  Verdict out{.state = one.state, .last_error = one.last_error};
  if (one.state == State::kOpen && now >= one.open_until_us) out.state = State::kHalfOpen;
  if (out.state == State::kOpen) {
    out.may = false;
    out.again_us = one.open_until_us - now;
    out.until_us = clock_.now_us() + out.again_us;
  }
  if (out.state == State::kHalfOpen && one.probe_since_us != 0 && now - one.probe_since_us < options_.probe_us) {
    out.may = false;
    out.again_us = kSecondUs;
  }
  if (!out.may && resort == Resort::kLast) {
    const DurationUs since = one.last_resort_us == 0 ? kLastResortUs : now - one.last_resort_us;
    out.may = since >= kLastResortUs;
    out.again_us = std::min(out.again_us, std::max<DurationUs>(0, kLastResortUs - since));
  }
  out.limited_us = one.limits.holds_us(now, tokens, &out.limit);
  out.forbidden = one.forbidden_us != 0 && now - one.forbidden_us < options_.forbidden_us;
  return out;
}

Health::Verdict Health::look(const std::string& deployment, CallTokens tokens, Resort resort) const {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(deployment);
  return found == all_.end() ? Verdict{} : verdict(found->second, tokens, resort);
}

Health::Verdict Health::enter(const std::string& deployment, CallTokens tokens, Resort resort) {
  const std::lock_guard lock(mutex_);
  One& it = one(deployment);
  const Verdict out = verdict(it, tokens, resort);
  if (!out.may || out.limited_us > 0) return out;
  it.state = out.state;
  if (resort == Resort::kLast) it.last_resort_us = std::max<TimeUs>(1, clock_.monotonic_us());
  if (out.state == State::kHalfOpen) it.probe_since_us = std::max<TimeUs>(1, clock_.monotonic_us());
  it.limits.sent(tokens);
  return out;
}

void Health::count(One& it, bool failed) {
  it.last.push_back(failed);
  while (it.last.size() > options_.window) it.last.pop_front();
}

void Health::answered(const std::string& deployment, DurationUs first_byte_us) {
  const std::lock_guard lock(mutex_);
  One& it = one(deployment);
  const bool probed = it.state != State::kClosed;
  it.state = State::kClosed;
  it.in_a_row = it.rests = 0;
  it.probe_since_us = it.forbidden_us = 0;
  if (probed) it.last.clear();  // what failed before the rest says nothing of now
  count(it, false);
  ++it.answered;
  it.first_byte_us = it.first_byte_us == 0
                         ? first_byte_us
                         : static_cast<DurationUs>(static_cast<double>(it.first_byte_us) * (1 - kSmoothing) +
                                                   static_cast<double>(first_byte_us) * kSmoothing);
}

void Health::failed(const std::string& deployment, const Error& error) {
  const Failure failure = failure_of(error);
  const std::lock_guard lock(mutex_);
  One& it = one(deployment);
  it.probe_since_us = 0;
  if (failure == Failure::kOurs) return;
  const auto after = retry_after_of(error);
  if (failure == Failure::kRateLimited || (failure == Failure::kMomentary && after))
    it.limits.refused(after, clock_.monotonic_us());
  it.last_error = std::string(info(error.code).name);
  ++it.failed;
  if (status_of(error) == 403) it.forbidden_us = std::max<TimeUs>(1, clock_.monotonic_us());
  if (failure != Failure::kMomentary || !says_of_the_circuit(error)) return;
  count(it, true);
  ++it.in_a_row;
  const auto failures = static_cast<double>(std::ranges::count(it.last, true));
  const bool mostly =
      it.last.size() >= options_.window && failures >= options_.failure_rate * static_cast<double>(it.last.size());
  if (it.state == State::kHalfOpen || it.in_a_row >= options_.failures_in_a_row || mostly) open(it);
}

void Health::open(One& it) {
  // A call that began before the circuit opened and fails later doesn't make the rest longer.
  if (it.state == State::kOpen && clock_.monotonic_us() < it.open_until_us) return;
  const DurationUs rest = options_.rest_us << std::min(it.rests, kMostDoublings);
  it.state = State::kOpen;
  it.open_until_us = clock_.monotonic_us() + std::min(rest, options_.rest_max_us);
  ++it.rests;
}

void Health::told_limits(const std::string& deployment, const ProviderLimits& limits) {
  if (limits.empty()) return;
  const std::lock_guard lock(mutex_);
  One& it = one(deployment);
  it.limits.take(limits, clock_.monotonic_us());
  if (limits.retry_after_us) it.limits.refused(limits.retry_after_us, clock_.monotonic_us());
}

void Health::reload(HealthOptions options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  for (auto& [deployment, it] : all_) it.forbidden_us = 0;  // keys may have changed
}

Json Health::to_json() const {
  const std::lock_guard lock(mutex_);
  Json out = Json::array();
  for (const auto& [deployment, it] : all_) {
    const Verdict now = verdict(it, {.input = 1}, Resort::kNormal);
    Json row = {{"deployment", deployment}, {"circuit", to_text(now.state)},    {"answered", it.answered},
                {"failed", it.failed},      {"failures_in_a_row", it.in_a_row}, {"first_byte_us", it.first_byte_us}};
    if (now.state == State::kOpen) row["open_until"] = to_rfc3339(now.until_us);
    if (now.limited_us > 0) row["limited_us"] = now.limited_us, row["limit"] = now.limit;
    if (now.forbidden) row["forbidden"] = true;
    if (!it.last_error.empty()) row["last_error"] = it.last_error;
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace steward::gateway::routing
