// The whole server over its own socket, without TCP and without local models: who may, pages, repeats, settings,
// events, restarts.
#include "server/app.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/use_future.hpp>
#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "base/json_bounded.h"
#include "net/sse.h"
#include "server/admin.h"
#include "server/batches/batch_view.h"
#include "server/kept.h"
#include "server/talk.h"

namespace steward::server {
namespace {
namespace fs = std::filesystem;
using std::chrono::seconds;

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string text;
  Json json;
};

Task<Result<net::ClientResponse>> fetch(net::HttpClients& clients, net::ClientRequest request) {
  co_return co_await clients.here().fetch(std::move(request));
}

class WholeServer : public testing::Test {
 protected:
  WholeServer() {
    std::string name = (fs::temp_directory_path() / "stw-app-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    start();
  }
  ~WholeServer() override {
    stop();
    fs::remove_all(folder_);
  }

  void start() {
    AppOptions options;
    options.home = folder_ / "home";
    options.environment = {
        {"TMPDIR", folder_.string()}, {"STEWARD_LOG_LEVEL", "error"}, {"STEWARD_ENGINE_ENABLED", "false"}};
    options.environment.insert(environment_.begin(), environment_.end());
    options.flags["server.time_zone"] = "UTC";
    options.tcp = false;
    app_ = std::make_unique<App>(options, clock_, random_);
    auto listening = app_->listen();
    ASSERT_TRUE(listening.has_value()) << listening.error().message;
    auto open = app_->open();
    ASSERT_TRUE(open.has_value()) << open.error().message;
  }
  void stop() {
    if (app_) app_->stop(Deadline::in(seconds(1)));
    app_.reset();
  }

  Answer ask(const std::string& method, const std::string& path, const Json& body = {},
             std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::ClientRequest request;
    request.method = method;
    request.url = "http://localhost" + path;
    request.unix_socket = app_->socket();
    if (!body.is_null()) request.body = body.is_string() ? body.get<std::string>() : body.dump();
    for (auto& [name, value] : headers) request.headers.add(name, value);
    auto got = asio::co_spawn(threads_.context(0), fetch(clients_, std::move(request)), asio::use_future).get();
    if (!got) return {0, {}, got.error().message, {}};
    return {got->status, got->headers, got->body, parse_bounded(got->body)};
  }
  std::string new_key(const Json& more = Json::object()) {
    Json body = {{"name", "k"}};
    body.update(more);
    return ask("POST", "/admin/v1/keys", body).json.value("secret", "");
  }
  static std::pair<std::string, std::string> bearer(const std::string& secret) {
    return {"authorization", "Bearer " + secret};
  }

  fs::path folder_;
  std::map<std::string, std::string> environment_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<App> app_;
  net::IoThreads threads_{1};
  net::HttpClients clients_{threads_, Log()};
};

TEST_F(WholeServer, TellsItsHealth) {
  EXPECT_EQ(ask("GET", "/healthz").json["status"], "ok");
  const Answer ready = ask("GET", "/readyz");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.json["parts"]["journal"]["state"], "ready");
  const Answer metrics = ask("GET", "/metrics");
  EXPECT_NE(metrics.text.find("steward_journal_durable_seq "), std::string::npos);
  EXPECT_NE(metrics.text.find("steward_http_requests_total{method=\"GET\",route=\"/readyz\",status=\"200\"} 1"),
            std::string::npos)
      << metrics.text;
  EXPECT_EQ(ask("GET", "/openapi.json").json["openapi"], "3.1.0");
}

TEST_F(WholeServer, TheSocketIsTheOwnersAndKeysAreThemselves) {
  EXPECT_EQ(ask("GET", "/admin/v1/status").status, 200);
  const std::string plain = new_key(), admin = new_key({{"admin", true}});
  EXPECT_EQ(ask("GET", "/admin/v1/keys", {}, {bearer(plain)}).status, 403);
  EXPECT_EQ(ask("GET", "/admin/v1/keys", {}, {bearer(admin)}).status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", {}, {bearer(plain)}).status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", {}, {{"x-api-key", plain}}).status, 200);
  const Answer wrong = ask("GET", "/v1/models", {}, {bearer("sk-steward-wrong")});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.json["error"]["code"], "invalid_api_key");
  EXPECT_FALSE(std::string(wrong.headers.get("x-request-id")).empty());
}

TEST_F(WholeServer, AKeysLife) {
  const Json made = ask("POST", "/admin/v1/keys",
                        {{"name", "a"}, {"limits", {{"requests_per_minute", 5}}}, {"tags", {{"for", "test"}}}})
                        .json;
  const std::string id = made["id"], secret = made["secret"];
  EXPECT_EQ(made["limits"]["requests_per_minute"], 5);
  const std::string visible = made["visible"];
  EXPECT_TRUE(secret.starts_with(visible.substr(0, visible.find("…"))));
  EXPECT_EQ(ask("PATCH", "/admin/v1/keys/" + id, {{"weight", 2}}).json["weight"], 2);
  EXPECT_EQ(ask("GET", "/admin/v1/keys/" + id).json["tags"]["for"], "test");
  const Json rotated = ask("POST", "/admin/v1/keys/" + id + "/rotate", {{"overlap_s", 60}}).json;
  EXPECT_NE(rotated["secret"], secret);
  EXPECT_EQ(ask("GET", "/v1/models", {}, {bearer(secret)}).status, 200) << "the old secret overlaps";
  EXPECT_EQ(ask("POST", "/admin/v1/keys/" + id + "/revoke").json["status"], "revoked");
  EXPECT_EQ(ask("GET", "/v1/models", {}, {bearer(rotated["secret"])}).status, 401);
  EXPECT_EQ(ask("GET", "/admin/v1/keys/key_none").status, 404);
}

TEST_F(WholeServer, WhatIsWrongIsNamed) {
  EXPECT_EQ(ask("POST", "/admin/v1/keys", Json::object()).json["error"]["param"], "name");
  const Answer unknown = ask("POST", "/admin/v1/keys", {{"name", "a"}, {"limts", 1}});
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.json["error"]["message"].get<std::string>().find("did you mean 'limits'"), std::string::npos);
  EXPECT_EQ(ask("POST", "/admin/v1/keys", Json("{\"name\":\"a\",\"name\":\"b\"}")).status, 400);
  EXPECT_EQ(ask("POST", "/admin/v1/keys", Json("not json")).json["error"]["code"], "invalid_json");
  EXPECT_EQ(ask("POST", "/admin/v1/budgets", {{"limit_usd", "much"}}).status, 400);
  EXPECT_EQ(ask("GET", "/admin/v1/usage?group_by=weather").status, 400);
  EXPECT_EQ(ask("GET", "/admin/v1/keys?limit=0").status, 400);
}

TEST_F(WholeServer, ListsGoThroughAllPages) {
  for (int i = 0; i < 7; ++i) new_key();
  std::set<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 10; ++page) {
    const Json body = ask("GET", "/admin/v1/keys?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor)).json;
    for (const auto& key : body["data"]) EXPECT_TRUE(seen.insert(key["id"]).second);
    if (body["next_cursor"].is_null()) break;
    cursor = body["next_cursor"];
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST_F(WholeServer, ANewKeyBeginsWithTheDefaultBudget) {
  ASSERT_EQ(ask("PUT", "/admin/v1/config/budgets.new_key_limit_usd", {{"value", "0.5"}}).status, 200);
  const std::string id = ask("POST", "/admin/v1/keys", {{"name", "a"}}).json["id"];
  const Json budgets = ask("GET", "/admin/v1/budgets").json["data"];
  ASSERT_EQ(budgets.size(), 1u);
  EXPECT_EQ(budgets[0]["scope"], id);
  EXPECT_EQ(budgets[0]["limit_usd"], "0.5");
  EXPECT_EQ(budgets[0]["period"], "month");
  EXPECT_EQ(budgets[0]["left_microusd"], "500000");
  EXPECT_EQ(ask("DELETE", "/admin/v1/budgets/" + budgets[0]["id"].get<std::string>()).status, 200);
  EXPECT_TRUE(ask("GET", "/admin/v1/budgets").json["data"].empty());
}

TEST_F(WholeServer, ARepeatTakesEffectOnceAlsoOverARestart) {
  const std::pair<std::string, std::string> once = {"idempotency-key", "abc"};
  const Json first = ask("POST", "/admin/v1/keys", {{"name", "once"}}, {once}).json;
  ASSERT_TRUE(first.contains("secret"));
  const Json again = ask("POST", "/admin/v1/keys", {{"name", "once"}}, {once}).json;
  EXPECT_EQ(again["id"], first["id"]);
  EXPECT_FALSE(again.contains("secret")) << "a secret is never kept";
  EXPECT_EQ(ask("POST", "/admin/v1/keys", {{"name", "other"}}, {once}).status, 422);
  stop();
  start();
  EXPECT_EQ(ask("POST", "/admin/v1/keys", {{"name", "once"}}, {once}).json["id"], first["id"]);
  EXPECT_EQ(ask("GET", "/admin/v1/keys").json["data"].size(), 1u);
}

TEST_F(WholeServer, AFailedRequestMayBeTriedAgainUnderItsKey) {
  const std::pair<std::string, std::string> once = {"idempotency-key", "abc"};
  EXPECT_EQ(ask("POST", "/admin/v1/budgets", {{"limit_usd", "1"}, {"scope", "key_none"}}, {once}).status / 100, 4);
  EXPECT_NE(ask("POST", "/admin/v1/budgets", {{"limit_usd", "1"}, {"scope", "key_none"}}, {once}).status, 409);
}

TEST_F(WholeServer, KeptContentGoesWhenItsTimeIsUpAndNothingElse) {
  auto& core = app_->core();
  const auto keep = [&](const std::string& call, TimeUs until, std::string_view kind = kContentKind) {
    const std::string blob = core.blobs->put(core.tenant, "said in " + call).value();
    journal::Draft draft;
    draft.stream = (kind == kContentKind ? "content/" : kind == kFileKind ? "file/" : "batch/") + call;
    draft.kind = std::string(kind);
    draft.body = dump(Json{{"call", call}, {"until_us", until}, {"request", blob}, {"answer", blob}});
    draft.blobs = {blob};
    draft.sources = {call};
    std::vector<journal::Draft> drafts;
    drafts.push_back(std::move(draft));
    const auto written = core.journal->append_blocking(core.tenant, std::move(drafts));
    return std::pair(written->records[0].id, blob_path(core.home, core.tenant, blob));
  };
  const auto [old_record, old_file] = keep("call_OLD", clock_.now_us() - 1);
  const auto [new_record, new_file] = keep("call_NEW", clock_.now_us() + 3600 * kSecondUs);
  std::vector<fs::path> old_batch;  // a file of calls, the batch, one of its answers
  for (const auto kind : {kFileKind, kBatchKind, kBatchLineKind})
    old_batch.push_back(keep("OLD_" + std::string(kind), clock_.now_us() - 1, kind).second);
  while (core.views->applied_seq(core.tenant) < core.journal->written_seq(core.tenant))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  asio::co_spawn(threads_.context(0), purge_due_content(core), asio::use_future).get();
  const auto any_there = [&] {  // the blobs go one after the other
    return fs::exists(old_file) ||
           std::ranges::any_of(old_batch, [](const fs::path& file) { return fs::exists(file); });
  };
  for (int i = 0; i < 500 && any_there(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(fs::exists(old_file));
  for (const auto& file : old_batch) EXPECT_FALSE(fs::exists(file)) << file;
  EXPECT_TRUE(core.journal->find(old_record)->erased);
  EXPECT_TRUE(fs::exists(new_file));
  EXPECT_FALSE(core.journal->find(new_record)->erased);
  EXPECT_EQ(ask("POST", "/admin/v1/journal/verify").json["ok"], true);
}

TEST_F(WholeServer, WhatWasNeverSentAndWhatNobodyNeedsAnyMoreGoes) {
  auto& core = app_->core();
  const DurationUs day = 24 * 3600 * kSecondUs;
  const auto append = [&](const std::string& stream, std::string_view kind, const Json& body, TimeUs at,
                          const std::string& blob = "") {
    journal::Draft draft;
    draft.stream = stream;
    draft.kind = std::string(kind);
    draft.body = dump(body);
    draft.time = at;
    if (!blob.empty()) draft.blobs = {blob};
    std::vector<journal::Draft> drafts;
    drafts.push_back(std::move(draft));
    return core.journal->append_blocking(core.tenant, std::move(drafts))->records[0].id;
  };
  const auto attach = [&](const std::string& id, TimeUs at) {
    const std::string blob = core.blobs->put(core.tenant, "what is in " + id).value();
    append("attachment/" + id, "attachment.added", {{"name", id}, {"state", "ready"}, {"blob", blob}}, at, blob);
    return blob_path(core.home, core.tenant, blob);
  };
  const TimeUs now = clock_.now_us();
  const auto old_file = attach("att_OLD", now - 8 * day), sent_file = attach("att_SENT", now - 8 * day),
             new_file = attach("att_NEW", now - 6 * day);
  append("conversation/conv_A", "conversation.created", {{"owner", "usr_A"}, {"metadata", Json::object()}}, now);
  append("conversation/conv_A", "conversation.message_said",
         {{"item", "msg_A"}, {"parent", ""}, {"role", "user"}, {"attachments", {"att_SENT"}}}, now);
  const auto step_of = [&](const std::string& message, const std::string& status) {
    append("conversation/conv_A", "conversation.answer_started", {{"item", message}, {"parent", "msg_A"}}, now - day);
    const Id step = append(
        "answer/" + message, "answer.kept",
        {{"conversation", "conv_A"}, {"item", message}, {"content", {{"text_at", 0}, {"text", "x"}}}}, now - day);
    if (!status.empty())
      append("conversation/conv_A", "conversation.answer_ended", {{"item", message}, {"status", status}}, now - day);
    return step;
  };
  const Id ended = step_of("msg_B", "completed"), open = step_of("msg_C", "");
  while (core.views->applied_seq(core.tenant) < core.journal->written_seq(core.tenant))
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  asio::co_spawn(threads_.context(0), tidy_talk(core), asio::use_future).get();
  for (int i = 0; i < 500 && fs::exists(old_file); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(fs::exists(old_file));
  EXPECT_TRUE(fs::exists(sent_file));
  EXPECT_TRUE(fs::exists(new_file));
  EXPECT_TRUE(core.journal->find(ended)->erased);
  EXPECT_FALSE(core.journal->find(open)->erased) << "its answer has not ended";
  EXPECT_EQ(ask("POST", "/admin/v1/journal/verify").json["ok"], true);
}

TEST_F(WholeServer, SettingsStandBetweenFileAndEnvironmentAndOutliveARestart) {
  const auto value = [&] {
    const Json all = ask("GET", "/admin/v1/config").json["data"];
    return *std::ranges::find_if(all, [](const Json& one) { return one["key"] == "limits.queue_length"; });
  };
  std::ofstream(folder_ / "home" / "steward.toml") << "[limits]\nqueue_length = 10\n";
  EXPECT_EQ(ask("POST", "/admin/v1/config/reload").json["applied"], Json::array({"limits.queue_length"}));
  EXPECT_EQ(value()["origin"], "file");
  EXPECT_EQ(ask("PUT", "/admin/v1/config/limits.queue_length", {{"value", 20}}).status, 200);
  EXPECT_EQ(value()["value"], 20);
  stop();
  start();
  EXPECT_EQ(value()["value"], 20);
  EXPECT_EQ(value()["origin"], "setting");
  EXPECT_EQ(ask("DELETE", "/admin/v1/config/limits.queue_length").status, 200);
  EXPECT_EQ(value()["value"], 10);
  EXPECT_EQ(ask("PUT", "/admin/v1/config/limits.queue_length", {{"value", "many"}}).status, 400);
  EXPECT_EQ(ask("PUT", "/admin/v1/config/server.port", {{"value", 1}}).status, 400)
      << "needs a restart: the file is its place";
}

TEST_F(WholeServer, AReloadWithAnErrorChangesNothing) {
  std::ofstream(folder_ / "home" / "steward.toml") << "[limits]\nqueue_length = 10\nqueue_lenght = 11\n";
  const Answer refused = ask("POST", "/admin/v1/config/reload");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.json["error"]["message"].get<std::string>().find("steward.toml:3"), std::string::npos);
  EXPECT_EQ(app_->core().config.get()->integer("limits.queue_length"), 2000);
}

TEST_F(WholeServer, AReloadNamesWhatNeedsARestart) {
  std::ofstream(folder_ / "home" / "steward.toml") << "[server]\nthreads = 3\n[prices.\"x/m\"]\ninput = 1\n";
  const Json report = ask("POST", "/admin/v1/config/reload").json;
  EXPECT_EQ(report["needs_restart"], Json::array({"server.threads"}));
  const Json prices = ask("GET", "/admin/v1/prices").json["data"];
  EXPECT_TRUE(
      std::ranges::any_of(prices, [](const Json& price) { return price["provider"] == "x" && price["model"] == "m"; }));
}

TEST_F(WholeServer, ASecondOneIsRefusedBeforeItTakesTheSocket) {
  AppOptions options;
  options.home = folder_ / "home";
  options.environment = {{"TMPDIR", folder_.string()}, {"STEWARD_LOG_LEVEL", "error"}};
  options.tcp = false;
  App second(options, clock_, random_);
  const auto listening = second.listen();
  ASSERT_FALSE(listening.has_value());
  EXPECT_EQ(listening.error().code, ErrorCode::kConflict);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(WholeServer, SecretsAreInNoRecord) {
  const std::string secret = new_key();
  const std::string exported = ask("GET", "/admin/v1/journal/export").text;
  EXPECT_NE(exported.find("key.created"), std::string::npos);
  EXPECT_EQ(exported.find(secret), std::string::npos);
}

TEST_F(WholeServer, TheJournalIsReadAndVerified) {
  new_key();
  const Json head = ask("GET", "/admin/v1/journal/head").json;
  const Json page = ask("GET", "/admin/v1/journal?limit=2").json;
  EXPECT_EQ(page["data"].size(), 2u);
  EXPECT_EQ(page["next_cursor"], "2");
  const Json verified = ask("POST", "/admin/v1/journal/verify").json;
  EXPECT_EQ(verified["ok"], true);
  EXPECT_EQ(verified["records"], head["written_seq"]);
  EXPECT_EQ(verified["heads"][0]["digest"], head["digest"]);
}

// Events: what comes until `enough` says so, or two seconds have passed.
struct Stream {
  std::vector<net::SseEvent> events;
  int status = 0;
};

Task<void> follow(net::HttpClients& clients, net::ClientRequest request, Stream& out, size_t enough) {
  auto stream = co_await clients.here().open(std::move(request));
  if (!stream) co_return;
  out.status = (*stream)->status();
  net::SseReader reader;
  while (out.events.size() < enough) {
    auto bytes = co_await (*stream)->read();
    if (!bytes || !*bytes) co_return;
    auto events = reader.feed(**bytes);
    if (!events) co_return;
    for (auto& event : *events) out.events.push_back(std::move(event));
  }
}

class EventStream : public WholeServer {
 protected:
  Stream events(const std::string& query, size_t enough, const std::string& secret = "",
                const std::function<void()>& meanwhile = {}) {
    net::ClientRequest request;
    request.url = "http://localhost/v1/events" + query;
    request.unix_socket = app_->socket();
    if (!secret.empty()) request.headers.set("authorization", "Bearer " + secret);
    request.deadlines.between_bytes = request.deadlines.total = std::chrono::milliseconds(2000);
    Stream out;
    auto done =
        asio::co_spawn(threads_.context(0), follow(clients_, std::move(request), out, enough), asio::use_future);
    if (meanwhile) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      meanwhile();
    }
    done.get();
    return out;
  }
};

TEST_F(EventStream, ComesFromTheCursorAndGoesOnLive) {
  new_key();
  const auto seq = ask("GET", "/admin/v1/journal/head").json["durable_seq"].get<uint64_t>();
  const Stream past = events("?after=0", seq);
  ASSERT_EQ(past.events.size(), seq);
  for (size_t i = 0; i < past.events.size(); ++i) EXPECT_EQ(past.events[i].id, std::to_string(i + 1));
  const Stream live = events("?after=" + std::to_string(seq), 1, "", [&] { new_key(); });
  ASSERT_GE(live.events.size(), 1u);
  EXPECT_EQ(parse_own(live.events[0].data)["kind"], "key.created");
}

TEST_F(EventStream, ACursorAheadIsReset) {
  const Stream stream = events("?after=999999", 1);
  ASSERT_EQ(stream.events.size(), 1u);
  EXPECT_EQ(stream.events[0].event, "reset");
  EXPECT_EQ(events("?after=soon", 1).status, 400);
}

TEST_F(EventStream, ShowsAPlainKeyNothingOfOthers) {
  const Json made = ask("POST", "/admin/v1/principals", {{"kind", "user"}, {"name", "P"}}).json;
  const std::string secret = new_key({{"owner", made["id"]}});
  new_key();
  const Stream stream = events("?after=0", 100, secret);
  EXPECT_EQ(stream.status, 200);
  EXPECT_TRUE(stream.events.empty());
}

TEST_F(EventStream, ARevokedKeysStreamEnds) {
  const Json made = ask("POST", "/admin/v1/keys", {{"name", "a"}, {"admin", true}}).json;
  const auto began = std::chrono::steady_clock::now();
  events("", 100, made["secret"], [&] { ask("POST", "/admin/v1/keys/" + made["id"].get<std::string>() + "/revoke"); });
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1900))
      << "it ended by itself, not by the client's patience";
}

TEST_F(EventStream, EndWhenTheServerStops) {
  const auto began = std::chrono::steady_clock::now();
  events("", 100, "", [&] { app_->begin_stop(); });
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(1900));
  // The client reads the end a moment before the server has put the request away.
  while (app_->requests_under_way() > 0 && std::chrono::steady_clock::now() - began < std::chrono::seconds(5)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(app_->requests_under_way(), 0u);
}

}  // namespace
}  // namespace steward::server
