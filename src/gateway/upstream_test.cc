#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>

#include "base/file.h"
#include "gateway/answer.h"
#include "gateway/output_count.h"
#include "gateway/upstream_testing.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

using namespace testing_support;

// Beside the sources: build/PRESET/bin holds this program.
std::filesystem::path recordings() { return executable_dir() / "../../../tests/recordings"; }

// A recorded stream as bytes of SSE: one event's data a line in the file.
std::string recorded(const std::string& name) {
  std::ifstream in(recordings() / "vercel-ai" / name);
  std::string bytes, line;
  while (std::getline(in, line)) {
    if (!line.empty()) bytes += "data: " + line + "\n\n";
  }
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes + "data: [DONE]\n\n";
}

struct Outcome {
  Json choices;
  std::optional<ledger::Usage> usage;
  OutputCount count;
};
Outcome outcome_of(const Told& told, CallKind kind) {
  Gatherer gatherer(kind);
  Outcome out;
  for (Json event : told.events) {
    if (auto usage = read_usage(event)) out.usage = usage;
    out.count.add(event);
    mend_chunk(event);
    gatherer.add(event);
  }
  out.choices = gatherer.choices();
  return out;
}

TEST(Recordings, MistralToolCallWithoutIndex) {
  const auto out = outcome_of(tell({.pieces = {recorded("mistral-tool-call.chunks.txt")}}), CallKind::kChat);
  ASSERT_EQ(out.choices.size(), 1u);
  EXPECT_EQ(out.choices[0]["finish_reason"], "tool_calls");
  EXPECT_EQ(out.choices[0]["message"]["tool_calls"][0]["function"]["name"], "weather");
  EXPECT_EQ(out.choices[0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"location\": \"San Francisco\"}");
  ASSERT_TRUE(out.usage.has_value());
  EXPECT_EQ(out.usage->prompt_tokens, 124);
  EXPECT_EQ(out.usage->completion_tokens, 22);
}

TEST(Recordings, DeepSeekThoughtsAndCache) {
  const auto out = outcome_of(tell({.pieces = {recorded("chat-deepseek-tool-call.chunks.txt")}}), CallKind::kChat);
  ASSERT_TRUE(out.usage.has_value());
  EXPECT_EQ(out.usage->prompt_tokens, 339);
  EXPECT_EQ(out.usage->cached_tokens, 320);
  EXPECT_EQ(out.usage->completion_tokens, 83);
  EXPECT_EQ(out.usage->reasoning_tokens, 39);
  EXPECT_EQ(out.choices[0]["finish_reason"], "tool_calls");
  EXPECT_TRUE(out.choices[0]["message"]["reasoning_content"].is_string());
}

TEST(Recordings, GroqToolCall) {
  const auto out = outcome_of(tell({.pieces = {recorded("groq-tool-call.chunks.txt")}}), CallKind::kChat);
  EXPECT_EQ(out.choices[0]["message"]["tool_calls"][0]["id"], "tk85n1k4m");
  EXPECT_EQ(out.choices[0]["message"]["tool_calls"][0]["function"]["arguments"], "{}");
  EXPECT_TRUE(out.choices[0]["message"]["content"].is_null());
  ASSERT_TRUE(out.usage.has_value());
  EXPECT_EQ(out.usage->prompt_tokens, 210);
}

TEST(Recordings, OpenAiCompletion) {
  const auto out =
      outcome_of(tell({.pieces = {recorded("completion-openai-completion-text.chunks.txt")}}), CallKind::kCompletion);
  EXPECT_EQ(out.choices[0]["finish_reason"], "length");
  EXPECT_EQ(out.usage->completion_tokens, 16);
  EXPECT_EQ(out.count.estimate(), 16);  // a chunk a token: counted as the provider did
}

TEST(Recordings, OpenAiStreamWithTools) {
  const Json pairs = Json::parse(*read_file(recordings() / "pydantic-ai/test_run_stream_sync_streams_real_model.json"));
  const auto out = outcome_of(tell({.pieces = {pairs[0]["response"]["body"].get<std::string>()}}), CallKind::kChat);
  EXPECT_EQ(out.choices[0]["message"]["tool_calls"][0]["function"]["arguments"], "{\"country\":\"UK\"}");
  ASSERT_TRUE(out.usage.has_value());
  EXPECT_EQ(out.usage->prompt_tokens, 53);
  EXPECT_EQ(out.usage->completion_tokens, 15);
  const auto text = outcome_of(tell({.pieces = {pairs[1]["response"]["body"].get<std::string>()}}), CallKind::kChat);
  EXPECT_EQ(text.choices[0]["message"]["content"], "The capital of the UK is London.");
}

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
  struct {
    const char* what;
    Given given;
    ErrorCode code;
    const char* says;
  } cases[] = {
      {"garbage", {.pieces = {good, "data: <html>\n\n"}}, ErrorCode::kUpstreamError, "not JSON"},
      {"broken text", {.pieces = {"data: {\"a\":\"\xC3\"}\n\n"}}, ErrorCode::kUpstreamError, "not JSON"},
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
  const auto usage = [](const char* text) { return read_usage({{"usage", Json::parse(text)}}); };
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
  const auto piece = [](std::string text) {
    return Json{{"choices", {{{"index", 0}, {"delta", {{"content", std::move(text)}}}}}}};
  };
  for (int i = 0; i < 100; ++i) tokens.add(piece("word "));
  EXPECT_EQ(tokens.at_least(), 100);
  for (int i = 0; i < 400; ++i) letters.add(piece("x"));  // a byte a chunk: about 100 tokens
  EXPECT_EQ(letters.at_least(), 100);
  bulk.add(piece(std::string(16'000, 'x')));  // one chunk, but surely a thousand tokens
  EXPECT_EQ(bulk.at_least(), 1000);
  EXPECT_EQ(bulk.estimate(), 4000);
}

TEST(MendChunk, StrictForms) {
  Json chunk = Json::parse(
      R"({"service_tier":"on_demand","choices":[{"delta":{"tool_calls":[{"id":"a"},{"id":"b"}]},"finish_reason":"eos"},7]})");
  EXPECT_TRUE(mend_chunk(chunk));
  EXPECT_FALSE(chunk.contains("service_tier"));
  EXPECT_EQ(chunk["choices"][0]["index"], 0);
  EXPECT_EQ(chunk["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(chunk["choices"][0]["delta"]["tool_calls"][1]["index"], 1);
  EXPECT_EQ(chunk["choices"][1]["index"], 1);
  Json none = {{"choices", Json::array()}};
  EXPECT_FALSE(mend_chunk(none));
}

TEST(Gatherer, TwoChoicesMixed) {
  Gatherer gatherer(CallKind::kChat);
  const auto piece = [](int index, const char* text) {
    return Json{{"choices", {{{"index", index}, {"delta", {{"content", text}}}}}}};
  };
  for (const auto& [index, text] : std::vector<std::pair<int, const char*>>{{1, "b"}, {0, "a"}, {1, "d"}, {0, "c"}})
    gatherer.add(piece(index, text));
  EXPECT_EQ(gatherer.choices()[0]["message"]["content"], "ac");
  EXPECT_EQ(gatherer.choices()[1]["message"]["content"], "bd");
  EXPECT_EQ(gatherer.choices()[1]["index"], 1);
}

TEST(Gatherer, NonsenseOfAnyTypeIsSurvived) {
  Gatherer gatherer(CallKind::kChat);
  for (const char* text :
       {"[]", "7", "{\"choices\":7}", "{\"choices\":[7]}", "{\"choices\":[{\"index\":\"x\",\"delta\":7}]}",
        "{\"choices\":[{\"delta\":{\"content\":7,\"tool_calls\":[7,{\"index\":\"q\",\"function\":7},{\"index\":-5}]}}]"
        "}"}) {
    gatherer.add(Json::parse(text));
  }
  EXPECT_EQ(gatherer.choices()[0]["message"]["content"].is_null() || gatherer.choices()[0]["message"]["content"] == "",
            true);
}

}  // namespace
}  // namespace steward::gateway
