// Expected instants come from the zones' published rules, written as RFC 3339 with their offsets.
#include "ledger/period.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace steward::ledger {
namespace {

TimeUs at(std::string_view rfc3339) { return parse_rfc3339(rfc3339).value(); }

void expect_span(Period period, const char* zone, const char* time, const char* start, const char* end) {
  const Span span = period_at(period, find_zone(zone), at(time));
  EXPECT_EQ(to_rfc3339(span.start), to_rfc3339(at(start))) << zone << " " << time;
  EXPECT_EQ(to_rfc3339(span.end), to_rfc3339(at(end))) << zone << " " << time;
}

TEST(Period, DaysOfPlainZones) {
  expect_span(Period::kDay, "UTC", "2026-11-25T12:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z");
  expect_span(Period::kDay, "Asia/Shanghai", "2026-11-25T16:00:00Z", "2026-11-26T00:00:00+08:00",
              "2026-11-27T00:00:00+08:00");
  expect_span(Period::kDay, "Asia/Shanghai", "2026-11-25T15:59:59Z", "2026-11-25T00:00:00+08:00",
              "2026-11-26T00:00:00+08:00");
  expect_span(Period::kDay, "Asia/Kathmandu", "2026-11-25T18:15:00Z", "2026-11-26T00:00:00+05:45",
              "2026-11-27T00:00:00+05:45");
}

TEST(Period, DaysOfChangingClocks) {
  // Europe: 29 March and 25 October 2026. New York: 8 March and 1 November.
  expect_span(Period::kDay, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00+01:00",
              "2026-03-30T00:00:00+02:00");
  expect_span(Period::kDay, "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25T00:00:00+02:00",
              "2026-10-26T00:00:00+01:00");
  expect_span(Period::kDay, "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T00:00:00-05:00",
              "2026-03-09T00:00:00-04:00");
  expect_span(Period::kDay, "America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T00:00:00-04:00",
              "2026-11-02T00:00:00-05:00");
}

TEST(Period, ADayWithoutMidnightBeginsAtItsFirstInstant) {
  // Past years, since what clocks will do is up to governments. Chile's leapt from 24:00 to 01:00: 8 September 2024
  // begins at one.
  expect_span(Period::kDay, "America/Santiago", "2024-09-08T12:00:00Z", "2024-09-08T01:00:00-03:00",
              "2024-09-09T00:00:00-03:00");
  expect_span(Period::kDay, "America/Santiago", "2024-09-08T03:59:59Z", "2024-09-07T00:00:00-04:00",
              "2024-09-08T01:00:00-03:00");
  // In Havana midnight came twice on 3 November 2024: the first counts.
  expect_span(Period::kDay, "America/Havana", "2024-11-03T12:00:00Z", "2024-11-03T00:00:00-04:00",
              "2024-11-04T00:00:00-05:00");
  expect_span(Period::kDay, "America/Havana", "2024-11-03T05:30:00Z", "2024-11-03T00:00:00-04:00",
              "2024-11-04T00:00:00-05:00");
  // Samoa had no 30 December 2011.
  expect_span(Period::kDay, "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-29T00:00:00-10:00",
              "2011-12-31T00:00:00+14:00");
  expect_span(Period::kDay, "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T00:00:00+14:00",
              "2012-01-01T00:00:00+14:00");
}

TEST(Period, ADayThatBeganStaysBegunWhenClocksGoBackOverMidnight) {
  // St. John's, 6 November 2011: at 00:01 clocks went back to 23:01 of the fifth.
  expect_span(Period::kDay, "America/St_Johns", "2011-11-06T03:00:00Z", "2011-11-06T00:00:00-02:30",
              "2011-11-07T00:00:00-03:30");
}

TEST(Period, WeeksBeginOnMonday) {
  expect_span(Period::kWeek, "Europe/Berlin", "2026-11-25T12:00:00Z", "2026-11-23T00:00:00+01:00",
              "2026-11-30T00:00:00+01:00");
  expect_span(Period::kWeek, "Europe/Berlin", "2026-11-29T22:59:59Z", "2026-11-23T00:00:00+01:00",
              "2026-11-30T00:00:00+01:00");
  expect_span(Period::kWeek, "Europe/Berlin", "2026-11-29T23:00:00Z", "2026-11-30T00:00:00+01:00",
              "2026-12-07T00:00:00+01:00");
  expect_span(Period::kWeek, "America/New_York", "2026-10-28T12:00:00Z", "2026-10-26T00:00:00-04:00",
              "2026-11-02T00:00:00-05:00");
}

TEST(Period, MonthsAndForEver) {
  expect_span(Period::kMonth, "Europe/Berlin", "2026-10-31T23:00:00Z", "2026-11-01T00:00:00+01:00",
              "2026-12-01T00:00:00+01:00");
  expect_span(Period::kMonth, "Europe/Berlin", "2026-10-31T22:59:59Z", "2026-10-01T00:00:00+02:00",
              "2026-11-01T00:00:00+01:00");
  expect_span(Period::kMonth, "Asia/Shanghai", "2026-12-31T16:00:00Z", "2027-01-01T00:00:00+08:00",
              "2027-02-01T00:00:00+08:00");
  expect_span(Period::kMonth, "UTC", "2028-02-29T00:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z");
  const Span always = period_at(Period::kForever, find_zone("UTC"), at("2026-11-25T12:00:00Z"));
  EXPECT_EQ(always.start, 0);
  EXPECT_EQ(always.end, 0);
}

TEST(Period, UnknownZonesAreNone) {
  EXPECT_EQ(find_zone("Mars/Olympus"), nullptr);
  EXPECT_EQ(find_zone(""), nullptr);
  EXPECT_NE(find_zone("America/Argentina/Buenos_Aires"), nullptr);
}

const std::vector<std::string> kZones{
    "Europe/Berlin", "America/New_York", "Asia/Shanghai",       "America/Santiago",  "America/Havana",
    "Pacific/Apia",  "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran"};

RC_GTEST_PROP(PeriodLaw, PeriodsLieEndToEnd, ()) {
  const auto zone = find_zone(*rc::gen::elementOf(kZones));
  const Period period = *rc::gen::element(Period::kDay, Period::kWeek, Period::kMonth);
  const TimeUs time = *rc::gen::inRange<TimeUs>(at("2005-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"));
  const Span span = period_at(period, zone, time);
  RC_ASSERT(span.start <= time && time < span.end);
  RC_ASSERT(period_at(period, zone, span.start).start == span.start);
  RC_ASSERT(period_at(period, zone, span.end - 1).end == span.end);
  RC_ASSERT(period_at(period, zone, span.end).start == span.end);
}

}  // namespace
}  // namespace steward::ledger
