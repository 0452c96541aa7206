// Whatever ends a call to a provider, it is reserved once and settled once, and charged for what was made. The journal,
// identity and ledger are real; the provider is a server on a free port that behaves as the model's name says.
#include "gateway/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>

#include "base/json.h"
#include "base/json_bounded.h"
#include "ledger/testing.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct Spoken;

constexpr const char* kUsage = R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})";

std::string piece(std::string_view text) {
  return net::sse_data(dump({{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}}));
}
std::string finish() { return net::sse_data(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"); }

// A client's side: what it got, and when it goes away.
class Client final : public net::Responder {
 public:
  net::Headers& headers() override { return headers_; }
  Task<Status> send(int status, std::string, std::string body) override {
    code = status;
    got += body;
    co_return Status{};
  }
  Task<Status> begin(int status, std::string) override {
    code = status;
    begun_ = true;
    co_return Status{};
  }
  Task<Status> write(std::string chunk) override {
    got += chunk;
    if (leaves_after > 0 && --leaves_after == 0) request.cancel.cancel(CancelReason::kClientGone);
    co_return request.cancel.cancelled() ? Status(fail(ErrorCode::kCancelled)) : Status{};
  }
  Task<Status> end() override {
    ended = true;
    co_return Status{};
  }
  bool begun() const override { return begun_; }

  net::Request request;
  int code = 0, leaves_after = 0;
  std::string got;
  bool ended = false;

 private:
  net::Headers headers_;
  bool begun_ = false;
};

class GatewayTest : public ledger::LedgerHome, public testing::Test {
 protected:
  void SetUp() override {
    start();
    router_.add("POST", "/v1/chat/completions", [this](net::Request& q, net::Responder& r) { return provider(q, r); });
    server_ = net::make_server(threads_, router_, {.port = 0}, {}, clock_, random_, Log());
    ASSERT_TRUE(server_->start().has_value());
    engine_ = engine::make_engine({}, threads_, clients_, random_, Log());
    const std::vector<std::string> models = {"ok",   "whole",   "silent",  "dies",   "error", "garbage",
                                             "liar", "endless", "refuses", "broken", "locked"};
    gateway_ = make_gateway({.providers = {{.name = "p",
                                            .base_url = fmt::format("http://127.0.0.1:{}/v1", server_->port()),
                                            .models = models}}},
                            home.journal(), *identity, *ledger, *engine_, clients_, clock_, random_, Log());
    caller_ = identity->authenticate(new_key({}).secret).value();
    for (const auto& model : models)
      ASSERT_TRUE(ledger::run(ledger->set_price(admin, "p", model, ledger::test_price())).has_value());
  }
  ~GatewayTest() override {
    server_.reset();
    threads_.stop();
  }

  Task<void> provider(net::Request& q, net::Responder& r) {
    const Json body = parse_own(q.body);
    const std::string model = body["model"];
    if (model == "refuses")
      co_return (void) co_await r.send(400, "application/json",
                                       R"({"error":{"message":"top_p is wrong","param":"top_p"}})");
    if (model == "locked")
      co_return (void) co_await r.send(401, "application/json", R"({"error":{"message":"Incorrect API key"}})");
    if (model == "broken") co_return (void) co_await r.send(500, "text/plain", "down");
    if (model == "whole") {
      co_return (void) co_await r.send(
          200, "application/json",
          R"({"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","annotations":[]},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})");
    }
    (void)co_await r.begin(200, "text/event-stream");
    for (int i = 0; i < (model == "endless" ? 100'000 : 2); ++i) {
      if (!co_await r.write(piece("word "))) {
        upstream_saw_end_ = true;
        co_return;
      }
    }
    if (model == "dies") co_return;
    if (model == "error") co_return (void) co_await r.write(net::sse_data(R"({"error":{"message":"overloaded"}})"));
    if (model == "garbage") co_return (void) co_await r.write("data: <html>\n\n");
    (void)co_await r.write(finish());
    if (model == "ok") (void)co_await r.write(net::sse_data(kUsage));
    if (model == "liar")
      (void)co_await r.write(net::sse_data(R"({"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":-2}})"));
    (void)co_await r.write(net::sse_data("[DONE]"));
    (void)co_await r.end();
  }

  void ask(Client& client, const std::string& model, Json more = {{"stream", true}}) {
    Json body = {{"model", model}, {"max_tokens", 20}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
    body.update(more);
    client.request.body = dump(body);
    auto done = asio::co_spawn(threads_.context(0), gateway_->answer(Dialect::kChat, caller_, client.request, client),
                               asio::use_future);
    ASSERT_EQ(done.wait_for(20s), std::future_status::ready) << model;
    done.get();
  }
  void ask_in(Client& client, const Spoken& spoken, const std::string& model, bool stream, bool sse = true,
              Json body = nullptr);
  // The one settlement of the one call; fails the test if there are more or fewer.
  Json settlement() {
    Json settled;
    int reserved = 0, count = 0;
    const auto records = home.journal().read(tenant, 0, 1000).value();
    for (const auto& record : records) {
      reserved += record.kind == "call.reserved";
      if (record.kind == "call.settled") ++count, settled = parse_own(record.body);
    }
    EXPECT_EQ(reserved, 1);
    EXPECT_EQ(count, 1);
    return settled;
  }

  SystemClock clock_;
  SystemRandom random_;
  net::IoThreads threads_{2};
  net::HttpClients clients_{threads_, Log()};
  net::Router router_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Gateway> gateway_;
  identity::Caller caller_;
  std::atomic<bool> upstream_saw_end_ = false;
};

TEST_F(GatewayTest, StreamThatFinishes) {
  Client client;
  ask(client, "ok");
  EXPECT_EQ(client.code, 200);
  EXPECT_TRUE(client.ended);
  EXPECT_THAT(client.got, HasSubstr("data: [DONE]"));
  EXPECT_THAT(client.got, HasSubstr(": {\"call\":"));
  EXPECT_THAT(client.got, Not(HasSubstr("\"usage\"")));  // not asked for
  EXPECT_THAT(dump(settlement()), HasSubstr("\"finished\""));
}

TEST_F(GatewayTest, UsageChunkOnlyIfAsked) {
  Client client;
  ask(client, "ok", {{"stream", true}, {"stream_options", {{"include_usage", true}}}});
  EXPECT_THAT(client.got, HasSubstr("\"prompt_tokens\":5"));
  EXPECT_THAT(client.got, HasSubstr("\"steward\""));
}

TEST_F(GatewayTest, WholeAnswerTellsItsCost) {
  Client client;
  ask(client, "whole", Json::object());
  const Json body = parse_own(client.got);
  EXPECT_EQ(body["choices"][0]["message"]["content"], "Hi");
  EXPECT_EQ(client.headers().get("x-steward-cost-microusd"), "9");  // 5 × 1 + 2 × 2
  settlement();
}

TEST_F(GatewayTest, AProviderThatRefusesItsKeyIsToldBesideItsModelsUntilItAnswers) {
  const auto problems = [this] {
    std::set<std::string> all;
    for (const auto& entry : gateway_->models()) {
      all.insert(entry.problem);
      EXPECT_EQ(entry.ready, entry.problem.empty()) << entry.name;
    }
    return all;
  };
  EXPECT_EQ(problems(), std::set<std::string>{""});
  Client refused, broken, well;
  ask(refused, "locked");
  EXPECT_THAT(refused.got, HasSubstr("refused the key"));
  EXPECT_EQ(problems(), std::set{std::string(kKeyIsRefused)});
  ask(broken, "broken");  // says nothing of the key
  EXPECT_EQ(problems(), std::set{std::string(kKeyIsRefused)});
  ask(well, "ok");
  EXPECT_EQ(problems(), std::set<std::string>{""});
}

TEST_F(GatewayTest, EveryOtherEnd) {
  struct {
    const char* model;
    const char* says;
    const char* outcome;
  } cases[] = {{"dies", "upstream_unreachable", "upstream_failed"}, {"error", "overloaded", "upstream_failed"},
               {"garbage", "not JSON", "upstream_failed"},          {"endless", "was cut", "cut"},
               {"refuses", "top_p is wrong", "refused_upstream"},   {"broken", "down", "upstream_failed"}};
  size_t settled = 0;
  for (const auto& one : cases) {
    Client client;
    ask(client, one.model);
    EXPECT_THAT(client.got, HasSubstr(one.says)) << one.model;
    EXPECT_THAT(client.got, Not(HasSubstr("[DONE]"))) << one.model;
    std::vector<std::string> outcomes;
    for (const auto& record : home.journal().read(tenant, 0, 1000).value()) {
      if (record.kind == "call.settled") outcomes.push_back(record.body);
    }
    // A server that is down is asked once more: two attempts, each settled.
    ASSERT_EQ(outcomes.size(), settled + (one.model == std::string_view("broken") ? 2 : 1)) << one.model;
    settled = outcomes.size();
    EXPECT_THAT(outcomes.back(), HasSubstr(one.outcome)) << one.model;
  }
}

TEST_F(GatewayTest, NoUsageAndNonsenseAreEstimated) {
  for (const char* model : {"silent", "liar"}) {
    Client client;
    ask(client, model);
    EXPECT_THAT(client.got, HasSubstr("[DONE]")) << model;
    const auto records = home.journal().read(tenant, 0, 1000).value();
    EXPECT_THAT(records.back().body, HasSubstr("\"estimated\":true")) << model;
  }
}

TEST_F(GatewayTest, ClientThatLeavesIsChargedForWhatWasMadeAndTheProviderIsCut) {
  Client client;
  client.leaves_after = 3;
  ask(client, "endless", {{"stream", true}, {"max_tokens", 100'000}});
  const auto gone = std::chrono::steady_clock::now();
  EXPECT_THAT(dump(settlement()), HasSubstr("client_gone"));
  while (!upstream_saw_end_ && std::chrono::steady_clock::now() < gone + 2s) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(upstream_saw_end_);
}

TEST_F(GatewayTest, BadRequestsReserveNothing) {
  Client client;
  ask(client, "ok", {{"temperature", "hot"}});
  EXPECT_EQ(client.code, 400);
  EXPECT_THAT(client.got, HasSubstr("temperature"));
  Client unknown;
  ask(unknown, "okk");
  EXPECT_EQ(unknown.code, 404);
  EXPECT_THAT(unknown.got, HasSubstr("did you mean 'ok'"));
  for (const auto& record : home.journal().read(tenant, 0, 1000).value()) EXPECT_NE(record.kind, "call.reserved");
}

struct Spoken {
  Dialect dialect;
  const char* body;    // a request, but for its model
  const char* whole;   // a pointer to the text of a whole answer
  const char* prompt;  // and to its input tokens
  const char* last;    // what a stream ends with
  const char* says;    // in an error of this dialect
};
const Spoken kSpoken[] = {
    {Dialect::kChat, R"({"max_tokens":20,"messages":[{"role":"user","content":"Hi"}]})", "/choices/0/message/content",
     "/usage/prompt_tokens", "[DONE]", "model_not_found"},
    {Dialect::kResponses, R"({"max_output_tokens":20,"input":"Hi","store":false})", "/output/0/content/0/text",
     "/usage/input_tokens", "response.completed", "model_not_found"},
    {Dialect::kMessages, R"({"max_tokens":20,"messages":[{"role":"user","content":"Hi"}]})", "/content/0/text",
     "/usage/input_tokens", "message_stop", "not_found_error"},
    {Dialect::kGemini,
     R"({"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":20}})",
     "/candidates/0/content/parts/0/text", "/usageMetadata/promptTokenCount", "finishReason", "NOT_FOUND"}};

void GatewayTest::ask_in(Client& client, const Spoken& spoken, const std::string& model, bool stream, bool sse,
                         Json body) {
  if (body.is_null()) body = parse_own(spoken.body);
  const bool gemini = spoken.dialect == Dialect::kGemini;
  if (!gemini) body["model"] = model;
  if (!gemini && stream) body["stream"] = true;
  client.request.body = dump(body);
  client.request.params["call"] = model + (stream ? ":streamGenerateContent" : ":generateContent");
  if (sse) client.request.query["alt"] = "sse";
  auto done = asio::co_spawn(threads_.context(0),
                             gemini ? gateway_->gemini(caller_, client.request, client)
                                    : gateway_->answer(spoken.dialect, caller_, client.request, client),
                             asio::use_future);
  ASSERT_EQ(done.wait_for(20s), std::future_status::ready) << model;
  done.get();
}

TEST_F(GatewayTest, EveryDialectIn) {
  for (const auto& spoken : kSpoken) {
    const std::string what(to_text(spoken.dialect));
    Client whole;
    ask_in(whole, spoken, "whole", false);
    ASSERT_EQ(whole.code, 200) << what << whole.got;
    const Json answer = parse_own(whole.got);
    EXPECT_EQ(answer[Json::json_pointer(spoken.whole)], "Hi") << what << whole.got;
    EXPECT_EQ(answer[Json::json_pointer(spoken.prompt)], 5) << what << whole.got;
    EXPECT_EQ(whole.headers().get("x-steward-cost-microusd"), "9") << what;
    Client stream;
    ask_in(stream, spoken, "ok", true);
    EXPECT_EQ(stream.code, 200) << what << stream.got;
    EXPECT_THAT(stream.got, HasSubstr("word ")) << what;
    EXPECT_THAT(stream.got, HasSubstr(spoken.last)) << what;
    Client dies;
    ask_in(dies, spoken, "error", true);
    EXPECT_THAT(dies.got, HasSubstr("overloaded")) << what;
    EXPECT_THAT(dies.got, Not(HasSubstr("[DONE]"))) << what;
    Client nobody;
    ask_in(nobody, spoken, "nobody", false);
    EXPECT_EQ(nobody.code, 404) << what;
    EXPECT_THAT(nobody.got, HasSubstr(spoken.says)) << what;
  }
}

TEST_F(GatewayTest, GeminiWithoutSseIsOneArray) {
  Client client;
  ask_in(client, kSpoken[3], "ok", true, false);
  const Json all = parse_bounded(client.got);
  ASSERT_TRUE(all.is_array()) << client.got;
  EXPECT_EQ(all[0]["candidates"][0]["content"]["parts"][0]["text"], "word ");
}

TEST_F(GatewayTest, WhatMayBeLeftOutIsTold) {
  Client refused;
  ask(refused, "whole", {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"prediction", Json::object()}});
  EXPECT_EQ(refused.code, 400);
  Client without;
  without.request.headers.add("x-steward-drop", "prediction");
  ask(without, "whole", {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"prediction", Json::object()}});
  EXPECT_EQ(without.code, 200) << without.got;
  EXPECT_EQ(without.headers().get("x-steward-dropped"), "prediction");
  Client dropped;
  dropped.request.headers.add("x-steward-drop", "top_k");
  Json body = parse_own(kSpoken[2].body);
  body["top_k"] = 5;
  body["container"] = "c";
  ask_in(dropped, {Dialect::kMessages, nullptr, "", "", "", ""}, "whole", false, true, body);
  EXPECT_EQ(dropped.code, 400);  // container was not allowed to be left out
  Client all;
  all.request.headers.add("x-steward-drop", "unsupported");
  ask_in(all, {Dialect::kMessages, nullptr, "", "", "", ""}, "whole", false, true, body);
  EXPECT_EQ(all.code, 200) << all.got;
  EXPECT_THAT(std::string(all.headers().get("x-steward-dropped")), HasSubstr("container"));
}

TEST_F(GatewayTest, CountIsAnEstimateWhereNobodyCanBeAsked) {
  Client client;
  Json body = parse_own(kSpoken[2].body);
  body["model"] = "ok";
  client.request.body = dump(body);
  auto done =
      asio::co_spawn(threads_.context(0), gateway_->count_tokens(Dialect::kMessages, caller_, client.request, client),
                     asio::use_future);
  ASSERT_EQ(done.wait_for(20s), std::future_status::ready);
  done.get();
  EXPECT_EQ(client.code, 200) << client.got;
  EXPECT_GT(parse_own(client.got)["input_tokens"].get<int>(), 0);
  EXPECT_EQ(client.headers().get("x-steward-estimated"), "true");
  for (const auto& record : home.journal().read(tenant, 0, 1000).value()) EXPECT_NE(record.kind, "call.reserved");
}

}  // namespace
}  // namespace steward::gateway
