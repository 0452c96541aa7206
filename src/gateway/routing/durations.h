// Spans of time as people, headers and providers write them: "2s", "500ms", "6m0s", "1.5h"; a bare number is seconds.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace steward::gateway::routing {

inline constexpr DurationUs kMaxDurationUs = 366LL * 24 * 3600 * kSecondUs;  // longer is no wait but a mistake

std::optional<DurationUs> parse_duration(std::string_view text);  // never negative; nullopt: not one, or too long
std::string duration_text(DurationUs duration_us);                // "2.1 s", "450 ms", "1 min 30 s"

}  // namespace steward::gateway::routing
