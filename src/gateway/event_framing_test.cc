// Amazon's event stream: bytes that botocore reads (tests/vectors/eventstream.py), cut anywhere, and broken ones.
#include "gateway/event_framing.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "journal/testing.h"

namespace steward::gateway {
namespace {

constexpr std::string_view kType = "application/vnd.amazon.eventstream";

struct Read {
  std::vector<net::SseEvent> events;
  bool refused = false, in_event = false;
};

Read read(std::string_view bytes, size_t step) {
  Read out;
  const auto framing = framing_of(kType);
  for (; !bytes.empty() && !out.refused; bytes.remove_prefix(std::min(step, bytes.size()))) {
    auto events = framing->feed(bytes.substr(0, step));
    out.refused = !events;
    if (events) out.events.insert(out.events.end(), events->begin(), events->end());
  }
  out.in_event = framing->in_event();
  return out;
}

Json vectors() {
  return parse_own(read_file(journal::source_file("tests/vectors/eventstream.json")).value())["streams"];
}

// What the vector says should come out: events with their inner JSON, errors as an "error" event with kind and reason.
void expect_same(const std::vector<net::SseEvent>& got, const Json& want) {
  std::vector<Json> telling;
  for (const auto& row : want) {
    if (row.contains("event") || row["message_type"] != "event") telling.push_back(row);
  }
  ASSERT_EQ(got.size(), telling.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const Json data = parse_own(got[i].data);
    if (telling[i].contains("event")) {
      EXPECT_EQ(data, telling[i]["event"]);
      EXPECT_EQ(got[i].event, telling[i]["event"]["type"].get<std::string>());
    } else {
      EXPECT_EQ(got[i].event, "error");
      EXPECT_EQ(data["error"]["type"], telling[i]["kind"]);
      EXPECT_EQ(data["error"]["message"], telling[i]["reason"]);
    }
  }
}

TEST(AmazonFraming, ReadsWhatBotocoreReadsHoweverItIsCut) {
  for (const auto& stream : vectors()) {
    const std::string bytes = *from_hex(stream["hex"].get<std::string>());
    for (const size_t step : {size_t{1}, size_t{7}, size_t{64}, bytes.size()}) {
      const Read out = read(bytes, step);
      ASSERT_FALSE(out.refused) << stream["name"];
      EXPECT_FALSE(out.in_event);
      expect_same(out.events, stream["read"]);
    }
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      const auto framing = framing_of(kType);
      std::vector<net::SseEvent> got = *framing->feed(std::string_view(bytes).substr(0, cut));
      auto rest = *framing->feed(std::string_view(bytes).substr(cut));
      got.insert(got.end(), rest.begin(), rest.end());
      expect_same(got, stream["read"]);
    }
  }
}

TEST(AmazonFraming, AnyFlippedBitIsSeen) {
  const std::string bytes = *from_hex(vectors()[2]["hex"].get<std::string>());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 1 << (at % 8));
    const Read out = read(broken, broken.size());
    EXPECT_TRUE(out.refused || (out.events.empty() && out.in_event)) << "byte " << at;
  }
}

TEST(AmazonFraming, AnEndInTheMiddleIsSeen) {
  const std::string bytes = *from_hex(vectors()[1]["hex"].get<std::string>());
  EXPECT_TRUE(read(std::string_view(bytes).substr(0, bytes.size() - 1), 50).in_event);
}

TEST(AmazonFraming, ALengthBeyondTheLimitIsRefusedBeforeItsBytesCome) {
  EXPECT_TRUE(read(std::string("\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 12), 12).refused);
  EXPECT_TRUE(read(std::string("\0\0\0\1\0\0\0\0\0\0\0\0", 12), 12).refused);
}

}  // namespace
}  // namespace steward::gateway
