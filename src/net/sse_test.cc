// Expected events follow the examples of WHATWG HTML, 9.2.6. The law: however the bytes are cut, the events are the
// same.
#include "net/sse.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace steward::net {

bool operator==(const SseEvent& a, const SseEvent& b) { return a.event == b.event && a.data == b.data && a.id == b.id; }
std::ostream& operator<<(std::ostream& out, const SseEvent& e) {
  return out << "{" << e.event << "|" << e.data << "|" << e.id << "}";
}

namespace {

std::vector<SseEvent> read_all(std::string_view bytes, size_t step = std::string_view::npos) {
  SseReader reader;
  std::vector<SseEvent> out;
  while (!bytes.empty()) {
    auto part = bytes.substr(0, step);
    bytes.remove_prefix(part.size());
    auto events = reader.feed(part).value();
    out.insert(out.end(), events.begin(), events.end());
  }
  return out;
}

TEST(Sse, TheStandardsExamples) {
  EXPECT_EQ(read_all("data: YHOO\ndata: +2\ndata: 10\n\n"), (std::vector<SseEvent>{{"", "YHOO\n+2\n10", ""}}));
  EXPECT_EQ(read_all(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
            (std::vector<SseEvent>{{"", "first event", "1"}, {"", "second event", ""}, {"", " third event", ""}}));
  EXPECT_EQ(read_all("data\n\ndata\ndata\n\ndata:"), (std::vector<SseEvent>{{"", "", ""}, {"", "\n", ""}}));
  EXPECT_EQ(read_all("data:test\n\ndata: test\n\n"), (std::vector<SseEvent>{{"", "test", ""}, {"", "test", ""}}));
}

TEST(Sse, LineEndsMarksAndFields) {
  EXPECT_EQ(read_all("\xef\xbb\xbf"
                     "data: a\r\n\r\ndata: b\r\rdata: c\n\n")
                .size(),
            3u);
  EXPECT_EQ(read_all("event: add\r\ndata: 1\r\n\r\nevent: lost\n\ndata: 2\n\n"),
            (std::vector<SseEvent>{{"add", "1", ""}, {"", "2", ""}}));
  EXPECT_EQ(read_all("id: 7\ndata: a\n\ndata: b\n\n"), (std::vector<SseEvent>{{"", "a", "7"}, {"", "b", "7"}}));
  SseReader reader;
  ASSERT_TRUE(reader.feed("retry: 1500\nretry: x\nunknown: y\n").has_value());
  EXPECT_EQ(reader.retry_ms(), 1500);
  EXPECT_FALSE(reader.in_event());
  ASSERT_TRUE(reader.feed("data: a").has_value());
  EXPECT_TRUE(reader.in_event());
}

TEST(Sse, AnEventHasABound) {
  SseReader reader(100);
  EXPECT_TRUE(
      reader.feed("data: " + std::string(60, 'x') + "\n\n" + "data: " + std::string(60, 'x') + "\n\n").has_value());
  auto refused = reader.feed("data: " + std::string(200, 'x'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUpstreamError);
  EXPECT_FALSE(reader.feed("\n\n").has_value());
  SseReader lines(100);  // many short lines are one long event
  Result<std::vector<SseEvent>> last;
  for (int i = 0; i < 30 && last.has_value(); ++i) last = lines.feed("data: 123456\n");
  EXPECT_FALSE(last.has_value());
}

// Noise before a "data:" would else make the event vanish, and the answer look whole without it.
TEST(Sse, ALineThatIsNoFieldBreaksTheStream) {
  for (const char* noise : {"\xff\xfe", "<html>", "\x01", "da ta"}) {
    SseReader reader;
    EXPECT_FALSE(reader.feed(std::string(noise) + "data: a\n\n").has_value()) << noise;
    EXPECT_FALSE(reader.feed("data: b\n\n").has_value()) << noise;
  }
}

TEST(Sse, WritersCannotBeBrokenOutOf) {
  EXPECT_EQ(sse_data("{\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(sse_event("delta", "a\nb\r\nc\rd", "9"), "event: delta\nid: 9\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(sse_event("x\ndata: evil", "", "1\r\nevil"), "event: x\nid: 1\ndata: \n\n");
  EXPECT_EQ(sse_comment("one\ntwo"), ": one\n: two\n\n");
}

TEST(Sse, AnyCutGivesTheSameEvents) {
  EXPECT_TRUE(rc::check("cuts do not matter", [] {
    auto pieces = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("data: ", "data", "event: ", "id: ", "retry: 5", ":", "\n", "\r", "\r\n", "\n\n",
                                      "x", "data:  ", "data: é", "data: \xef\xbb\xbf", "id: " + std::string(1, '\0')));
    std::string bytes = *rc::gen::element<std::string>("", "\xef\xbb\xbf");
    for (const auto& piece : pieces) bytes += piece;
    auto whole = read_all(bytes);
    RC_ASSERT(read_all(bytes, 1) == whole);
    RC_ASSERT(read_all(bytes, *rc::gen::inRange<size_t>(2, 9)) == whole);
  }));
}

TEST(Sse, WhatIsWrittenIsRead) {
  EXPECT_TRUE(rc::check("writer then reader", [] {
    auto text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', ':', ' ', '\n'));
    auto events = read_all(sse_event("e", text, "1"), 1);
    RC_ASSERT(events == (std::vector<SseEvent>{{"e", text, "1"}}));
  }));
}

}  // namespace
}  // namespace steward::net
