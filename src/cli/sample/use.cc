#include "cli/sample/use.h"

#include <algorithm>

#include "gateway/peek.h"

namespace steward::cli {
using gateway::peek;
using gateway::peek_integer;
using gateway::peek_text;
namespace {

constexpr DurationUs kHourUs = 3600LL * kSecondUs, kDayUs = 24 * kHourUs;
constexpr uint64_t kSeed = 7;

struct Range {
  int64_t least = 0, most = 0;
  int64_t draw(Random& luck) const { return least + static_cast<int64_t>(luck.below(most - least + 1)); }
};

Range range_in(const Json& use, const char* name) {
  const Json& pair = peek(use, name);
  if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer() || !pair[1].is_number_integer()) return {};
  const auto least = pair[0].get<int64_t>();
  return {.least = least, .most = std::max(least, pair[1].get<int64_t>())};
}

bool on_day(const Json& use, int64_t day) {
  const int64_t weekday = (day + 3) % 7 + 1;  // 1: Monday; the epoch's first day was a Thursday
  const Json& days = peek(use, "days");
  return !days.is_array() || std::ranges::find(days, Json(weekday)) != days.end();
}

// One of a thousand calls or a few end otherwise.
ledger::Outcome draw_outcome(const Json& use, Random& luck) {
  const auto drawn = static_cast<int64_t>(luck.below(1'000));
  const int64_t gone = peek_integer(use, "of_1000_client_gone"), failed = peek_integer(use, "of_1000_failed");
  if (drawn < gone) return ledger::Outcome::kClientGone;
  return drawn < gone + failed ? ledger::Outcome::kUpstreamFailed : ledger::Outcome::kFinished;
}

struct UsedFrom {
  TimeUs from = 0, until = 0;
};

void plan_day(const Json& use, int64_t day, const UsedFrom& span, SampleCalls& calls, Random& luck,
              std::vector<SampleCall>& out) {
  const SampleModel& model = *calls.find_model(peek_text(use, "model"));
  const Range hours = range_in(use, "hours"), input = range_in(use, "input"), output = range_in(use, "output");
  const DurationUs open = std::max<int64_t>(1, hours.most - hours.least) * kHourUs;
  for (int64_t left = range_in(use, "calls").draw(luck); left > 0; --left) {
    const auto into = static_cast<DurationUs>(luck.below(static_cast<uint64_t>(open)));
    const TimeUs at = day * kDayUs + hours.least * kHourUs + into;
    const int64_t asked = input.draw(luck);
    SampleCall call = calls.plan(model, at, asked, output.draw(luck), luck);
    call.key = peek_text(use, "key");
    call.outcome = draw_outcome(use, luck);
    if (call.at >= span.from && call.ends_at() <= span.until) out.push_back(std::move(call));
  }
}

}  // namespace

Result<std::vector<SampleCall>> plan_use(const SampleLife& life, SampleCalls& calls) {
  std::vector<SampleCall> out;
  SeededRandom luck(kSeed);
  for (const auto& use : peek(life.home, "use")) {
    auto from = parse_rfc3339(peek_text(use, "from")), until = parse_rfc3339(peek_text(use, "until"));
    if (!from || !until || calls.find_model(peek_text(use, "model")) == nullptr)
      return fail(ErrorCode::kConfig,
                  fmt::format("home.json's use of the key '{}' is damaged.", peek_text(use, "key")));
    const UsedFrom span{.from = *from + life.moved_us, .until = *until + life.moved_us};
    for (int64_t day = span.from / kDayUs; day <= span.until / kDayUs; ++day) {
      if (on_day(use, day)) plan_day(use, day, span, calls, luck, out);
    }
  }
  return out;
}

}  // namespace steward::cli
