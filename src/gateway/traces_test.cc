// W3C Trace Context's rules for `traceparent`, OTLP's encoding, and the queue's bound.
#include "gateway/traces.h"

#include <gtest/gtest.h>

namespace steward::gateway {
namespace {

constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Traceparent, IsReadAsTheStandardHasIt) {
  const auto read = read_traceparent(kGood);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(read->span_id, "b7ad6b7169203331");
  EXPECT_TRUE(read->sampled);
  EXPECT_FALSE(read_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")->sampled);
  EXPECT_TRUE(read_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0b")->sampled);
  // A later version may have more fields at its end.
  EXPECT_TRUE(read_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").has_value());
  for (const char* bad :
       {"", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"})
    EXPECT_FALSE(read_traceparent(bad).has_value()) << bad;
}

TEST(Traces, AreOffWithoutAnEndpointAndBoundedWithOne) {
  SeededRandom random(1);
  Traces traces(random, Log());
  EXPECT_FALSE(traces.begin(kGood).on());
  traces.add({});
  traces.configure({.endpoint = "http://127.0.0.1:1", .queue_length = 2});
  EXPECT_EQ(traces.begin(kGood).span_id, "b7ad6b7169203331");
  const auto fresh = traces.begin("garbage");
  EXPECT_EQ(fresh.trace_id.size(), 32u);
  EXPECT_TRUE(fresh.span_id.empty());
  for (int i = 0; i < 5; ++i) traces.add({});
  EXPECT_EQ(traces.dropped(), 3);
  EXPECT_FALSE(traces.content());
}

TEST(Traces, TheirAddressIsAsTheVariablesMeanIt) {
  EXPECT_EQ(traces_url("http://c:4318"), "http://c:4318/v1/traces");
  EXPECT_EQ(traces_url("http://c:4318/x/"), "http://c:4318/x/v1/traces");
  EXPECT_EQ(traces_url("http://c:4318/v1/traces"), "http://c:4318/v1/traces");
  EXPECT_EQ(traces_url(""), "");
}

TEST(Traces, OtlpWritesIdsInHexadecimalAndLongNumbersAsText) {
  Span span{.parent = {"0af7651916cd43dd8448eb211c80319c", "", true}, .span_id = "b7ad6b7169203331", .name = "chat m"};
  span.start_us = 1;
  span.set("n", int64_t{1} << 60);
  span.error = "upstream_error";
  const Json row = otlp_json({span}, "s", "1")["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
  EXPECT_EQ(row["traceId"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_FALSE(row.contains("parentSpanId"));
  EXPECT_EQ(row["startTimeUnixNano"], "1000");
  EXPECT_EQ(row["attributes"][0]["value"]["intValue"], "1152921504606846976");
  EXPECT_EQ(row["status"]["code"], 2);
  EXPECT_EQ(row["attributes"][1]["key"], "error.type");
}

}  // namespace
}  // namespace steward::gateway
