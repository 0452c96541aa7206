// Providers' batches against a server of plain sockets that answers what it was told beforehand. What it says follows
// the providers' references: OpenAI's Batch, Anthropic's Message Batches, Gemini's batchGenerateContent.
#include "gateway/batches/provider_batches.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "net/raw_socket_testing.h"

namespace steward::gateway {
namespace {

using namespace net::testing_support;

struct AskedOfProvider {
  std::string head, body;
  std::string line() const { return head.substr(0, head.find(" HTTP/1.1\r\n")); }  // "GET /v1/batches/x"
  bool has(std::string_view header) const { return head.find(fmt::format("\r\n{}\r\n", header)) != std::string::npos; }
};

class ScriptedProvider {
 public:
  ScriptedProvider() : thread_([this] { run(); }) {}
  ~ScriptedProvider() {
    over_ = true;
    thread_.join();
  }
  uint16_t port() const { return listener_.port(); }
  void will_say(std::string_view body, int status = 200, std::string_view header = "") {
    const std::lock_guard lock(mutex_);
    answers_.push_back(fmt::format("HTTP/1.1 {} X\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                                   header, body.size(), body));
  }
  std::vector<AskedOfProvider> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void run() {
    while (!over_) {
      RawSocket socket = listener_.accept(10ms);
      if (!socket.is_open()) continue;
      AskedOfProvider asked = read(socket);
      std::string answer = "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      const std::lock_guard lock(mutex_);
      asked_.push_back(std::move(asked));
      if (!answers_.empty()) answer = std::exchange(answers_.front(), {}), answers_.pop_front();
      socket.send(answer);
    }
  }

  static AskedOfProvider read(RawSocket& socket) {
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    AskedOfProvider out{.head = socket.read_until("\r\n\r\n"), .body = {}};
    const size_t end = out.head.find("\r\n\r\n");
    if (end == std::string::npos) return out;
    out.body = out.head.substr(end + 4);
    out.head.resize(end + 2);
    const size_t at = out.head.find(kLength);
    const size_t length = at == std::string::npos ? 0 : std::stoul(out.head.substr(at + kLength.size()));
    while (out.body.size() < length) {
      const std::string more = socket.read_some();
      if (more.empty()) break;
      out.body += more;
    }
    return out;
  }

  RawListener listener_;
  std::mutex mutex_;
  std::deque<std::string> answers_;
  std::vector<AskedOfProvider> asked_;
  std::atomic<bool> over_ = false;
  std::thread thread_;  // last: it uses the others
};

Task<Status> take_all(ProviderBatches& batches, std::string id, BatchState state, std::vector<LineAnswer>& into) {
  co_return co_await batches.each_answer(id, state, [&into](LineAnswer answer) -> Task<Status> {
    into.push_back(std::move(answer));
    co_return Status{};
  });
}

Task<Status> take_one(ProviderBatches& batches, std::string id, BatchState state, int& taken) {
  co_return co_await batches.each_answer(id, state, [&taken](LineAnswer) -> Task<Status> {
    ++taken;
    co_return fail(ErrorCode::kInternal, "the journal is full");
  });
}

class ProviderBatchesTest : public testing::Test {
 protected:
  ~ProviderBatchesTest() override { threads_.stop(); }

  std::unique_ptr<ProviderBatches> of(std::string_view like) {
    ProviderOptions options;
    options.name = "up";
    options.base_url = fmt::format("http://127.0.0.1:{}/v1", provider_.port());
    options.key = "k-secret";
    options.profile = profile_for(like, nullptr);
    return batches_of(options, clients_, clock_, {});
  }
  template <class T>
  T run(Task<T> task) {
    return asio::co_spawn(threads_.context(0), std::move(task), asio::use_future).get();
  }
  std::vector<LineAnswer> answers(ProviderBatches& batches, const BatchState& state) {
    std::vector<LineAnswer> out;
    const Status ok = run(take_all(batches, "b1", state, out));
    EXPECT_TRUE(ok.has_value()) << ok.error().message;
    return out;
  }
  std::vector<std::string> asked_for() {
    std::vector<std::string> out;
    for (const AskedOfProvider& one : provider_.asked()) out.push_back(one.line());
    return out;
  }

  ScriptedProvider provider_;
  ManualClock clock_;
  net::IoThreads threads_{1};
  net::HttpClients clients_{threads_, Log()};
};

using Lines = std::vector<PostedLine>;
using Texts = std::vector<std::string>;
const UpstreamPath kChat{.path = "/chat/completions", .headers = {}};

Lines two_lines() { return {{"line-0", R"({"model":"m","n":1})"}, {"line-7", R"({"model":"m","s":"a\nb"})"}}; }

TEST_F(ProviderBatchesTest, WhoHasNone) {
  EXPECT_EQ(of("mistral"), nullptr);
  EXPECT_NE(of("groq"), nullptr);
}

TEST_F(ProviderBatchesTest, OpenAiTakesAFileAndABatchOfIt) {
  provider_.will_say(R"({"id":"file-in","object":"file"})");
  provider_.will_say(R"({"id":"batch_1","object":"batch","status":"validating"})");
  const auto posted = run(of("openai")->post(kChat, "m", two_lines()));
  ASSERT_TRUE(posted.has_value()) << posted.error().message;
  EXPECT_EQ(*posted, "batch_1");
  const auto asked = provider_.asked();
  ASSERT_EQ(asked_for(), (Texts{"POST /v1/files", "POST /v1/batches"}));
  EXPECT_TRUE(asked[0].has("Authorization: Bearer k-secret"));
  const std::string& form = asked[0].body;
  const size_t cut = form.find("\r\n");
  const std::string mark = form.substr(0, cut);
  EXPECT_TRUE(asked[0].has("Content-Type: multipart/form-data; boundary=" + mark.substr(2)));
  EXPECT_EQ(form,
            mark + "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n" + mark +
                "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"lines.jsonl\"\r\n"
                "Content-Type: application/jsonl\r\n\r\n"
                R"({"custom_id":"line-0","method":"POST","url":"/v1/chat/completions","body":{"model":"m","n":1}})"
                "\n"
                R"({"custom_id":"line-7","method":"POST","url":"/v1/chat/completions","body":{"model":"m","s":"a\nb"}})"
                "\n\r\n" +
                mark + "--\r\n");
  EXPECT_EQ(asked[1].body,
            R"({"input_file_id":"file-in","endpoint":"/v1/chat/completions","completion_window":"24h"})");
  EXPECT_TRUE(asked[1].has("Content-Type: application/json"));
}

TEST_F(ProviderBatchesTest, AFileWhoseBatchIsRefusedIsTakenAway) {
  provider_.will_say(R"({"id":"file-in"})");
  provider_.will_say(R"({"error":{"message":"enqueued token limit","type":"invalid_request_error"}})", 429);
  provider_.will_say("{}");
  const auto posted = run(of("openai")->post(kChat, "m", two_lines()));
  ASSERT_FALSE(posted.has_value());
  EXPECT_EQ(posted.error().code, ErrorCode::kRateLimited);
  EXPECT_EQ(posted.error().message, "The provider answered 429 to POST /batches: enqueued token limit");
  EXPECT_EQ(posted.error().details["upstream_status"], 429);
  EXPECT_EQ(asked_for(), (Texts{"POST /v1/files", "POST /v1/batches", "DELETE /v1/files/file-in"}));
}

TEST_F(ProviderBatchesTest, WhatIsNoGoodAnswerIsToldAndNoRedirectIsFollowed) {
  const auto openai = of("openai");
  provider_.will_say("no such page", 404);
  provider_.will_say("", 307, "Location: /v1/elsewhere\r\n");
  provider_.will_say("<html>");
  provider_.will_say(R"({"id":"../models?x"})");
  const std::vector<std::pair<std::string, int>> wanted = {
      {"The provider answered 404 to POST /files: no such page", 404},
      {"The provider answered 307 to POST /files, a redirect, which is not followed: set its base_url to the address "
       "where it leads.",
       307},
      {"The provider answered POST /files with no JSON object.", 0},
      {"The provider took POST /files and gave it no name that can be used.", 0}};
  for (const auto& [message, status] : wanted) {
    const auto posted = run(openai->post(kChat, "m", two_lines()));
    ASSERT_FALSE(posted.has_value());
    EXPECT_EQ(posted.error().message, message);
    const Json& details = posted.error().details;
    EXPECT_EQ(details.is_object() ? details.value("upstream_status", 0) : 0, status);
  }
  EXPECT_EQ(asked_for(), Texts(4, "POST /v1/files"));
}

TEST_F(ProviderBatchesTest, OpenAiIsLookedAtReadAndTakenAway) {
  const auto openai = of("openai");
  provider_.will_say(R"({"id":"b1","status":"finalizing","input_file_id":"file-in"})");
  provider_.will_say(
      R"({"id":"b1","status":"expired","input_file_id":"file-in","output_file_id":"file-out","error_file_id":"file-err"})");
  auto state = run(openai->look("b1"));
  ASSERT_TRUE(state.has_value());
  EXPECT_FALSE(state->ended);
  state = run(openai->look("b1"));
  ASSERT_TRUE(state.has_value() && state->ended && !state->refused);
  provider_.will_say(
      R"({"id":"r1","custom_id":"line-7","response":{"status_code":200,"body":{"id":"c"}},"error":null})"
      "\nnot a line\n\n"
      R"({"id":"r2","custom_id":"line-8","response":{"status_code":4294967496,"body":{}},"error":null})"
      "\n"
      R"({"id":"r3","custom_id":"line-0","response":{"status_code":400,"body":{"error":{"message":"no"}}},"error":null})");
  provider_.will_say(R"({"custom_id":"line-3","response":null,"error":{"code":"batch_expired","message":"too late"}})"
                     "\n"
                     R"({"custom_id":"line-4","response":null,"error":{"code":"odd","message":"x"}})"
                     "\n");
  const auto got = answers(*openai, *state);
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[0].id + got[0].body, R"(line-7{"id":"c"})");
  EXPECT_EQ(got[0].status, 200);
  EXPECT_EQ(got[1].id + got[1].body, R"(line-0{"error":{"message":"no"}})");
  EXPECT_EQ(got[1].status, 400);
  EXPECT_EQ(got[2].id + got[2].body, "line-3too late");
  EXPECT_EQ(got[2].status, 0);
  EXPECT_EQ(got[3].status, 500);
  for (int file = 0; file < 3; ++file) provider_.will_say("{}");
  run(openai->forget("b1", *state));
  EXPECT_EQ(asked_for(), (Texts{"GET /v1/batches/b1", "GET /v1/batches/b1", "GET /v1/files/file-out/content",
                                "GET /v1/files/file-err/content", "DELETE /v1/files/file-in",
                                "DELETE /v1/files/file-out", "DELETE /v1/files/file-err"}));
}

TEST_F(ProviderBatchesTest, AnOpenAiBatchThatFailedSaysWhy) {
  provider_.will_say(
      R"({"status":"failed","errors":{"object":"list","data":[{"code":"x","message":"no such model","line":1}]}})");
  const auto state = run(of("openai")->look("b1"));
  ASSERT_TRUE(state.has_value() && state->ended && state->refused);
  EXPECT_EQ(state->refused->message, "The provider's batch failed: no such model");
}

TEST_F(ProviderBatchesTest, ReadingStopsWhereTheTakerDoesAndTellsAFailedReading) {
  const auto anthropic = of("anthropic");
  const std::string line = R"({"custom_id":"line-0","result":{"type":"expired"}})";
  provider_.will_say(line + "\n" + line + "\n");
  int taken = 0;
  const auto stopped = run(take_one(*anthropic, "b1", {}, taken));
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().message, "the journal is full");
  EXPECT_EQ(taken, 1);
  provider_.will_say(R"({"type":"error","error":{"type":"not_found_error","message":"gone"}})", 404);
  const auto gone = run(take_one(*anthropic, "b1", {}, taken));
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().message, "The provider answered 404 to GET /messages/batches/b1/results: gone");
  EXPECT_EQ(gone.error().details["upstream_status"], 404);
  EXPECT_EQ(taken, 1);
}

TEST_F(ProviderBatchesTest, AnthropicIsPostedWithTheDialectsHeaders) {
  provider_.will_say(R"({"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress"})");
  const UpstreamPath path{.path = "/messages", .headers = {{"anthropic-beta", "x-2026"}}};
  const auto posted = run(of("anthropic")->post(path, "m", two_lines()));
  ASSERT_TRUE(posted.has_value());
  EXPECT_EQ(*posted, "msgbatch_1");
  const auto asked = provider_.asked();
  EXPECT_EQ(asked_for(), Texts{"POST /v1/messages/batches"});
  for (const char* header : {"x-api-key: k-secret", "anthropic-version: 2023-06-01", "anthropic-beta: x-2026"})
    EXPECT_TRUE(asked[0].has(header)) << header;
  EXPECT_EQ(asked[0].body, R"({"requests":[{"custom_id":"line-0","params":{"model":"m","n":1}},)"
                           R"({"custom_id":"line-7","params":{"model":"m","s":"a\nb"}}]})");
}

TEST_F(ProviderBatchesTest, AnthropicIsReadAtItsOwnAddressWhateverItNames) {
  const auto anthropic = of("anthropic");
  provider_.will_say(R"({"id":"b1","processing_status":"ended","results_url":"http://127.0.0.1:1/elsewhere"})");
  const auto state = run(anthropic->look("b1"));
  ASSERT_TRUE(state.has_value() && state->ended);
  std::string lines;
  for (const char* result :
       {R"({"type":"succeeded","message":{"id":"msg"}})",
        R"({"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"busy"}}})",
        R"({"type":"errored","error":{"type":"error","error":{"type":"new_error","message":"?"}}})",
        R"({"type":"canceled"})", R"({"type":"expired"})", R"({"type":"succeeded"})", R"({"type":"unheard of"})"})
    lines += fmt::format(R"({{"custom_id":"line-1","result":{}}})", result) + "\n";
  provider_.will_say(lines);
  const auto got = answers(*anthropic, *state);
  std::vector<int> statuses;
  for (const LineAnswer& one : got) statuses.push_back(one.status);
  ASSERT_EQ(statuses, (std::vector<int>{200, 529, 500, 0, 0}));
  EXPECT_EQ(got[0].body, R"({"id":"msg"})");
  EXPECT_EQ(got[1].body, R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})");
  EXPECT_EQ(got[3].body, "The provider's batch was canceled before it answered this request.");
  provider_.will_say("{}");
  run(anthropic->forget("b1", *state));
  EXPECT_EQ(asked_for(), (Texts{"GET /v1/messages/batches/b1", "GET /v1/messages/batches/b1/results",
                                "DELETE /v1/messages/batches/b1"}));
}

TEST_F(ProviderBatchesTest, WhatHasEndedNeedsNoCancelling) {
  const auto anthropic = of("anthropic");
  provider_.will_say(R"({"processing_status":"canceling"})");
  EXPECT_TRUE(run(anthropic->cancel("b1")).has_value());
  for (const char* status : {"ended", "in_progress"}) {
    provider_.will_say(R"({"type":"error","error":{"type":"invalid_request_error","message":"not now"}})", 400);
    provider_.will_say(fmt::format(R"({{"processing_status":"{}"}})", status));
    EXPECT_EQ(run(anthropic->cancel("b1")).has_value(), std::string_view(status) == "ended");
  }
  const std::string cancel = "POST /v1/messages/batches/b1/cancel", look = "GET /v1/messages/batches/b1";
  EXPECT_EQ(asked_for(), (Texts{cancel, cancel, look, cancel, look}));
}

TEST_F(ProviderBatchesTest, GeminiIsPostedInline) {
  provider_.will_say(R"({"name":"batches/g1","metadata":{"state":"BATCH_STATE_PENDING"}})");
  const UpstreamPath path{.path = "/models/gem-1:generateContent", .headers = {}};
  const auto posted = run(of("gemini")->post(path, "models/gem-1", two_lines()));
  ASSERT_TRUE(posted.has_value()) << posted.error().message;
  EXPECT_EQ(*posted, "batches/g1");
  EXPECT_EQ(asked_for(), Texts{"POST /v1/models/gem-1:batchGenerateContent"});
  EXPECT_TRUE(provider_.asked()[0].has("x-goog-api-key: k-secret"));
  EXPECT_EQ(provider_.asked()[0].body, R"({"batch":{"display_name":"steward","input_config":{"requests":{"requests":[)"
                                       R"({"request":{"model":"m","n":1},"metadata":{"key":"line-0"}},)"
                                       R"({"request":{"model":"m","s":"a\nb"},"metadata":{"key":"line-7"}}]}}}})");
}

TEST_F(ProviderBatchesTest, GeminiIsLookedAtReadAndTakenAway) {
  const auto gemini = of("gemini");
  provider_.will_say(R"({"name":"batches/g1","metadata":{"state":"BATCH_STATE_RUNNING"}})");
  EXPECT_FALSE(run(gemini->look("batches/g1"))->ended);
  provider_.will_say(
      R"({"name":"batches/g1","done":true,"metadata":{"state":"BATCH_STATE_SUCCEEDED","batchStats":{"requestCount":"4"}},)"
      R"("response":{"inlinedResponses":{"inlinedResponses":[{"response":{"candidates":[]},"metadata":{"key":"line-4"}},)"
      R"({"error":{"code":8,"message":"slower"}},{"error":{"code":1,"message":"stopped"},"metadata":{"key":"line-9"}},)"
      R"({"error":{"code":404,"message":"gone"}}]}}})");
  const auto state = run(gemini->look("batches/g1"));
  ASSERT_TRUE(state.has_value() && state->ended && !state->refused);
  const auto got = answers(*gemini, *state);
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[0].id + got[0].body, R"(line-4{"candidates":[]})");
  EXPECT_EQ(got[1].id + got[1].body, R"(#1{"error":{"code":8,"message":"slower"}})");
  EXPECT_EQ(got[1].status, 429);
  EXPECT_EQ(got[2].id + got[2].body, "line-9stopped");
  EXPECT_EQ(got[2].status, 0);
  EXPECT_EQ(got[3].id, "#3");
  EXPECT_EQ(got[3].status, 404);
  provider_.will_say("{}");
  provider_.will_say("{}");
  EXPECT_TRUE(run(gemini->cancel("batches/g1")).has_value());
  run(gemini->forget("batches/g1", *state));
  EXPECT_EQ(asked_for(),
            (Texts{"GET /v1/batches/g1", "GET /v1/batches/g1", "POST /v1/batches/g1:cancel", "DELETE /v1/batches/g1"}));
}

TEST_F(ProviderBatchesTest, GeminiTakesEachTextToEmbedByItself) {
  provider_.will_say(R"({"name":"batches/g2"})");
  const UpstreamPath path{.path = "/models/emb:batchEmbedContents", .headers = {}};
  const Lines lines = {{"line-0", R"({"requests":[{"t":"a"}]})"}, {"line-3", R"({"requests":[{"t":"b"},{"t":"c"}]})"}};
  ASSERT_TRUE(run(of("gemini")->post(path, "emb", lines)).has_value());
  EXPECT_EQ(asked_for(), Texts{"POST /v1/models/emb:asyncBatchEmbedContent"});
  EXPECT_EQ(provider_.asked()[0].body, R"({"batch":{"display_name":"steward","input_config":{"requests":{"requests":[)"
                                       R"({"request":{"t":"a"},"metadata":{"key":"line-0"}},)"
                                       R"({"request":{"t":"b"},"metadata":{"key":"line-3/0/2"}},)"
                                       R"({"request":{"t":"c"},"metadata":{"key":"line-3/1/2"}}]}}}})");
}

// In whatever order the texts come, and told twice or not at all.
TEST_F(ProviderBatchesTest, GeminisVectorsArePutTogetherToTheirLines) {
  const auto gemini = of("gemini");
  const auto one = [](std::string_view key, std::string_view rest) {
    return fmt::format(R"({{{},"metadata":{{"key":"{}"}}}})", rest, key);
  };
  const auto vector = [](double value, std::string_view tokens) {
    return fmt::format(R"("response":{{"embedding":{{"values":[{}]}}{}}})", value, tokens);
  };
  const std::string rows = one("line-3/1/2", vector(0.5, R"(,"tokenCount":"4")")) + "," +
                           one("line-0", vector(1.5, "")) + "," +
                           one("line-4/0/2", R"("error":{"code":3,"message":"bad"})") + "," +
                           one("line-4/1/2", vector(9, "")) + "," + R"({"response":{"embedding":{"values":[7]}}},)" +
                           one("line-9/2/2", vector(9, "")) + "," + one("line-3/1/2", vector(8, "")) + "," +
                           one("line-3/0/2", vector(2.5, R"(,"usageMetadata":{"promptTokenCount":3})")) + "," +
                           one("line-5/0/2", vector(1, "")) + "," + one("line-6", R"("response":{})");
  provider_.will_say(fmt::format(R"({{"done":true,"metadata":{{"state":"BATCH_STATE_SUCCEEDED"}},)"
                                 R"("response":{{"inlinedEmbedContentResponses":{{"inlinedResponses":[{}]}}}}}})",
                                 rows));
  const auto state = run(gemini->look("batches/g2"));
  ASSERT_TRUE(state.has_value() && state->ended);
  Texts got;
  for (const LineAnswer& answer : answers(*gemini, *state))
    got.push_back(fmt::format("{} {} {}", answer.id, answer.status, answer.body));
  EXPECT_EQ(
      got,
      (Texts{R"(line-0 200 {"embeddings":[{"values":[1.5]}]})", R"(line-4 400 {"error":{"code":3,"message":"bad"}})",
             R"(line-3 200 {"embeddings":[{"values":[2.5]},{"values":[0.5]}],"usageMetadata":{"promptTokenCount":7}})",
             R"(line-6 200 {"embeddings":[{"values":null}]})"}));
}

TEST(BatchLines, AGeminiAnswerWithoutAKeyHasAPlaceOnlyWhereNoneIsMissingAndOrderIsKept) {
  const auto by_place = [](std::string_view count, std::string_view answers) {
    const std::string text =
        fmt::format(R"({{"done":true,"metadata":{{"state":"JOB_STATE_SUCCEEDED","batchStats":{{"requestCount":{}}},)"
                    R"("output":{{"inlinedResponses":{{"inlinedResponses":[{}]}}}}}}}})",
                    count, answers);
    return read_gemini_batch(Json::parse(text)).at["by_place"] == true;
  };
  const auto key = [](int n) { return fmt::format(R"({{"response":{{}},"metadata":{{"key":"line-{}"}}}})", n); };
  const std::string none = R"({"response":{}})";
  EXPECT_TRUE(by_place("\"2\"", key(3) + "," + none));
  EXPECT_TRUE(by_place("3", key(9) + "," + none + "," + key(10)));
  EXPECT_TRUE(by_place("null", none));
  EXPECT_FALSE(by_place("\"3\"", key(3) + "," + none));
  EXPECT_FALSE(by_place("\"3\"", key(10) + "," + none + "," + key(9)));
  EXPECT_FALSE(read_gemini_answer(Json::parse(none), std::nullopt).has_value());
}

TEST(BatchLines, AGeminiBatchThatEnded) {
  const auto read = [](std::string_view text) { return read_gemini_batch(Json::parse(text)); };
  const BatchState failed = read(R"({"metadata":{"state":"BATCH_STATE_FAILED"},"error":{"code":3,"message":"bad"}})");
  ASSERT_TRUE(failed.ended && failed.refused);
  EXPECT_EQ(failed.refused->message, "The provider's batch failed: bad");
  for (const char* state : {"CANCELLED", "EXPIRED"}) {
    const BatchState over =
        read(fmt::format(R"({{"metadata":{{"state":"BATCH_STATE_{}"}},"error":{{"code":1}}}})", state));
    EXPECT_TRUE(over.ended && !over.refused && over.at["answers"].empty()) << state;
  }
  EXPECT_TRUE(read(R"({"done":true,"error":{"code":13}})").refused.has_value());
  EXPECT_FALSE(read(R"({"done":"true"})").ended);
}

TEST(BatchLines, JsonLinesAreTheSameHoweverTheyAreCut) {
  const std::string text = "{\"a\":1}\r\n[2]\n\n{\"b\":\"" + std::string(40, 'x') + "\"}\n{\"c\":3}";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    JsonLines lines(20);
    Texts got;
    const auto take = [&] {
      while (auto line = lines.next()) got.push_back(dump(*line));
    };
    for (size_t at = 0; at < text.size(); at += piece) lines.add(std::string_view(text).substr(at, piece)), take();
    lines.end();
    take();
    EXPECT_EQ(got, (Texts{R"({"a":1})", R"({"c":3})"})) << piece;
  }
}

}  // namespace
}  // namespace steward::gateway
