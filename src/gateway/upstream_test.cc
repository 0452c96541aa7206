#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "gateway/output_count.h"
#include "gateway/upstream_testing.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

using namespace testing_support;

// Wherever the bytes are cut - in a character, in a line end - the same events come.
RC_GTEST_PROP(UpstreamStream, AnyCutGivesTheSameEvents, ()) {
  const std::string bytes =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Gr\xC3\xBC\xC3\x9F \xF0\x9F\x8E\x89\"}}]}\r\n\r\n: "
      "ping\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
  const auto cuts = *rc::gen::container<std::set<size_t>>(rc::gen::inRange<size_t>(0, bytes.size()));
  std::vector<std::string> pieces;
  size_t from = 0;
  for (const size_t cut : cuts) pieces.push_back(bytes.substr(from, cut - from)), from = cut;
  pieces.push_back(bytes.substr(from));
  const auto told = tell({.pieces = pieces});
  RC_ASSERT(!told.error.has_value());
  RC_ASSERT(told.events.size() == 2u);
  RC_ASSERT(told.events[0]["choices"][0]["delta"]["content"] == "Gr\xC3\xBC\xC3\x9F \xF0\x9F\x8E\x89");
}

TEST(UpstreamStream, LiesAndFailuresAreClearErrors) {
  const std::string good = net::sse_data(R"({"choices":[{"index":0,"delta":{"content":"x"}}]})");
  const std::string deep = "{\"error\":" + std::string(30'000, '[') + std::string(30'000, ']') + "}";
  struct {
    const char* what;
    Given given;
    ErrorCode code;
    const char* says;
  } cases[] = {
      {"garbage", {.pieces = {good, "data: <html>\n\n"}}, ErrorCode::kUpstreamError, "not JSON"},
      {"broken text", {.pieces = {"data: {\"a\":\"\xC3\"}\n\n"}}, ErrorCode::kUpstreamError, "not JSON"},
      {"nested without end", {.pieces = {good, net::sse_data(deep)}}, ErrorCode::kUpstreamError, "not JSON"},
      {"a refusal nested without end",
       {.status = 400, .content_type = "application/json", .pieces = {deep}},
       ErrorCode::kInvalidRequest,
       "[[["},
      {"error after 200",
       {.pieces = {good, net::sse_data(R"({"error":{"message":"overloaded, come back"}})")}},
       ErrorCode::kUpstreamError,
       "overloaded, come back"},
      {"ends in the middle", {.pieces = {good}}, ErrorCode::kUpstreamUnreachable, "in the middle"},
      {"reset", {.pieces = {good}, .end = Error(ErrorCode::kUpstreamUnreachable)}, ErrorCode::kUpstreamUnreachable, ""},
      {"no stream", {.content_type = "text/html", .pieces = {"<html>"}}, ErrorCode::kUpstreamError, "no event stream"},
      {"refusal",
       {.status = 400,
        .content_type = "application/json",
        .pieces = {R"({"error":{"message":"bad top_p","type":"x","param":"top_p"}})"}},
       ErrorCode::kInvalidRequest,
       "bad top_p"},
      {"a refusal without a word",
       {.status = 400, .content_type = "application/json", .pieces = {}},
       ErrorCode::kInvalidRequest,
       "It gave no reason."},
      {"its key",
       {.status = 401, .content_type = "application/json", .pieces = {R"({"error":{"message":"no"}})"}},
       ErrorCode::kUpstreamError,
       "refused the key"},
      {"rate limit",
       {.status = 429, .content_type = "application/json", .pieces = {"{}"}},
       ErrorCode::kRateLimited,
       ""},
      {"down", {.status = 503, .content_type = "text/plain", .pieces = {"down"}}, ErrorCode::kUpstreamError, "down"},
      {"huge event",
       {.pieces = std::vector<std::string>(200, "data: " + std::string(64 * 1024, 'x') + "\n")},
       ErrorCode::kUpstreamError,
       ""},
  };
  for (auto& one : cases) {
    const auto told = tell(one.given);
    ASSERT_TRUE(told.error.has_value()) << one.what;
    EXPECT_EQ(told.error->code, one.code) << one.what << ": " << told.error->message;
    EXPECT_THAT(told.error->message, testing::HasSubstr(one.says)) << one.what;
  }
}

TEST(UpstreamStream, ResetAfterTheFinishIsAnEnd) {
  const auto told = tell({.pieces = {net::sse_data(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})")},
                          .end = Error(ErrorCode::kUpstreamUnreachable)});
  EXPECT_FALSE(told.error.has_value());
  EXPECT_EQ(told.events.size(), 1u);
}

TEST(Usage, HonestAndLying) {
  const auto usage = [](const char* text) { return read_usage({{"usage", parse_own(text)}}); };
  EXPECT_EQ(
      usage(
          R"({"prompt_tokens":307,"completion_tokens":26,"total_tokens":560,"completion_tokens_details":{"reasoning_tokens":227}})")
          ->completion_tokens,
      253);  // xAI
  EXPECT_EQ(usage(R"({"prompt_tokens":3.0,"completion_tokens":2,"total_tokens":5})")->prompt_tokens, 3);
  EXPECT_EQ(
      usage(R"({"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":9}})")->cached_tokens,
      3);
  for (const char* lie :
       {R"({"prompt_tokens":-1,"completion_tokens":2})", R"({"prompt_tokens":1,"completion_tokens":9000000000000000})",
        R"({})", "null", "[]", R"("x")", R"({"prompt_tokens":"7"})"}) {
    EXPECT_FALSE(usage(lie)) << lie;
  }
  EXPECT_FALSE(read_usage(Json::array()));
}

TEST(OutputCount, NoHonestStreamIsCountedOver) {
  OutputCount tokens, letters, bulk;
  const auto piece = [](std::string text) { return Deltas{Append{.text = std::move(text)}}; };
  for (int i = 0; i < 100; ++i) tokens.add(piece("word "));
  EXPECT_EQ(tokens.at_least(), 100);
  for (int i = 0; i < 400; ++i) letters.add(piece("x"));  // a byte a chunk: about 100 tokens
  EXPECT_EQ(letters.at_least(), 100);
  bulk.add(piece(std::string(16'000, 'x')));  // one chunk, but surely a thousand tokens
  EXPECT_EQ(bulk.at_least(), 1000);
  EXPECT_EQ(bulk.estimate(), 4000);
}

}  // namespace
}  // namespace steward::gateway
