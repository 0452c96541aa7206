// MCP without a transport: messages, revisions, headers, arguments, pace, and what each revision is answered.
#include "server/mcp/protocol.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

namespace steward::server::mcp {
namespace {

constexpr const char* kVersion = "io.modelcontextprotocol/protocolVersion";
constexpr const char* kCapabilities = "io.modelcontextprotocol/clientCapabilities";

TEST(JsonRpc, TellsMessagesApart) {
  const auto request = read_message({{"jsonrpc", "2.0"}, {"id", 7}, {"method", "ping"}});
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->kind, RpcMessage::Kind::kRequest);
  EXPECT_EQ(request->id, 7);
  EXPECT_TRUE(request->params.is_object());
  EXPECT_EQ(read_message({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}})->kind,
            RpcMessage::Kind::kNotification);
  EXPECT_EQ(read_message({{"jsonrpc", "2.0"}, {"id", "a"}, {"result", Json::object()}})->kind,
            RpcMessage::Kind::kResponse);
}

TEST(JsonRpc, RefusesWhatIsNoMessageUnderItsIdWhereItHasOne) {
  struct Case {
    Json value;
    Json id;
    RpcCode code;
  };
  const std::vector<Case> cases = {
      {Json("text"), nullptr, kInvalidRequest},
      {{{"id", 1}, {"method", "ping"}}, 1, kInvalidRequest},
      {{{"jsonrpc", "1.0"}, {"id", "x"}, {"method", "ping"}}, "x", kInvalidRequest},
      {{{"jsonrpc", "2.0"}, {"id", 1}}, 1, kInvalidRequest},
      {{{"jsonrpc", "2.0"}, {"id", 1}, {"method", 5}}, 1, kInvalidRequest},
      {{{"jsonrpc", "2.0"}, {"id", nullptr}, {"method", "ping"}}, nullptr, kInvalidRequest},
      {{{"jsonrpc", "2.0"}, {"id", 1.5}, {"method", "ping"}}, nullptr, kInvalidRequest},
      {{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "ping"}, {"params", Json::array({1})}}, 1, kInvalidParams},
  };
  for (const auto& one : cases) {
    const auto read = read_message(one.value);
    ASSERT_FALSE(read.has_value()) << one.value;
    EXPECT_EQ(read.error().id, one.id) << one.value;
    EXPECT_EQ(read.error().error.code, one.code) << one.value;
  }
  EXPECT_EQ(error_without_id({kInvalidRequest, "no"}).contains("id"), false);
  EXPECT_EQ(error_message(nullptr, {kParseError, "no"}), Json::parse(R"({"jsonrpc":"2.0","id":null,"error":
      {"code":-32700,"message":"no"}})"));
}

net::Headers headers_of(std::vector<std::pair<std::string, std::string>> fields) {
  net::Headers out;
  for (auto& [name, value] : fields) out.add(std::move(name), std::move(value));
  return out;
}

RpcMessage asking(std::string method, Json params = Json::object()) {
  return {.kind = RpcMessage::Kind::kRequest, .id = 1, .method = std::move(method), .params = std::move(params)};
}

Json carrying(std::string_view revision, Json more = Json::object()) {
  more["_meta"] = {{kVersion, revision}, {kCapabilities, Json::object()}};
  return more;
}

int code_of(const net::Headers& headers, const RpcMessage& message) {
  const auto revision = revision_of(headers, message);
  if (revision) return 0;
  EXPECT_EQ(revision.error().status, 400);
  return revision.error().error.code;
}

TEST(Revision, OfTheGreetedIsToldByAHeader) {
  EXPECT_EQ(revision_of({}, asking("tools/list")).value(), Revision::k2025_03_26) << "who knew no header";
  EXPECT_EQ(revision_of(headers_of({{"MCP-Protocol-Version", "2025-06-18"}}), asking("tools/list")).value(),
            Revision::k2025_06_18);
  EXPECT_TRUE(revision_of(headers_of({{"MCP-Protocol-Version", "nonsense"}}), asking("initialize")).has_value());
  const auto unknown = revision_of(headers_of({{"MCP-Protocol-Version", "1900-01-01"}}), asking("ping"));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().error.code, kUnsupportedProtocolVersion);
  EXPECT_EQ(unknown.error().error.data["requested"], "1900-01-01");
  EXPECT_EQ(unknown.error().error.data["supported"][0], "2026-07-28");
}

TEST(Revision, CarriedByARequestMustBeMirroredInItsHeaders) {
  const Json params = carrying("2026-07-28", {{"name", "recall"}});
  const std::pair<std::string, std::string> version = {"mcp-protocol-version", "2026-07-28"},
                                            method = {"mcp-method", "tools/call"}, name = {"mcp-name", "recall"};
  const RpcMessage call = asking("tools/call", params);
  EXPECT_EQ(revision_of(headers_of({version, method, name}), call).value(), Revision::k2026_07_28);
  EXPECT_EQ(revision_of(headers_of({version, method, {"mcp-name", "=?base64?cmVjYWxs?="}}), call).value(),
            Revision::k2026_07_28);
  EXPECT_EQ(code_of(headers_of({method, name}), call), kHeaderMismatch);
  EXPECT_EQ(code_of(headers_of({{"mcp-protocol-version", "2025-11-25"}, method, name}), call), kHeaderMismatch);
  EXPECT_EQ(code_of(headers_of({version, name}), call), kHeaderMismatch);
  EXPECT_EQ(code_of(headers_of({version, {"mcp-method", "Tools/Call"}, name}), call), kHeaderMismatch);
  EXPECT_EQ(code_of(headers_of({version, method}), call), kHeaderMismatch);
  EXPECT_EQ(code_of(headers_of({version, method, {"mcp-name", "forget"}}), call), kHeaderMismatch);
  EXPECT_EQ(code_of(headers_of({version, method, {"mcp-name", "=?base64?*?="}}), call), kHeaderMismatch);
}

TEST(Revision, CarriedMustBeWholeAndSpoken) {
  const auto headers = headers_of({{"mcp-protocol-version", "2026-07-28"}, {"mcp-method", "server/discover"}});
  EXPECT_EQ(code_of(headers, asking("server/discover")), kInvalidParams) << "the body lacks what the header tells";
  EXPECT_EQ(code_of(headers, asking("server/discover", {{"_meta", {{kVersion, "2026-07-28"}}}})), kInvalidParams);
  EXPECT_EQ(code_of(headers, asking("server/discover", {{"_meta", {{kVersion, 5}}}})), kInvalidParams);
  for (const char* other : {"2099-01-01", "2025-11-25"}) {
    const auto told = headers_of({{"mcp-protocol-version", other}, {"mcp-method", "server/discover"}});
    EXPECT_EQ(code_of(told, asking("server/discover", carrying(other))), kUnsupportedProtocolVersion) << other;
  }
}

TEST(Revision, WhatIsTakenAndSentIsJson) {
  for (const char* good : {"", "application/json", "application/json, text/event-stream", "*/*",
                           "text/*, Application/*", "application/json;q=0.5"})
    EXPECT_TRUE(takes_json(good)) << good;
  for (const char* bad : {"text/event-stream", "text/html, text/*", "application/jsonl"})
    EXPECT_FALSE(takes_json(bad)) << bad;
  EXPECT_TRUE(is_json_type("application/json; charset=utf-8") && is_json_type(""));
  EXPECT_FALSE(is_json_type("text/plain"));
}

const Json kSchema = Json::parse(R"({"type":"object","required":["query"],"properties":{
  "query":{"type":"string","minLength":1,"maxLength":5},"limit":{"type":"integer","minimum":1,"maximum":50},
  "order":{"type":"string","enum":["latest","first"]}}})");

TEST(Arguments, AreCheckedByNameAgainstTheSchema) {
  for (const Json& good : std::vector<Json>{{{"query", "x"}},
                                            {{"query", "äöü長城"}, {"limit", 50}, {"order", "first"}},
                                            {{"query", "x"}, {"limit", nullptr}, {"order", nullptr}}})
    EXPECT_TRUE(check_arguments(kSchema, good).has_value()) << good;
  const std::vector<std::pair<Json, std::string>> bad = {{Json::object(), "query"},
                                                         {{{"query", nullptr}}, "query"},
                                                         {{{"query", 5}}, "query"},
                                                         {{{"query", " "}}, "query"},
                                                         {{{"query", "sixsix"}}, "query"},
                                                         {{{"query", std::string("a\0b", 3)}}, "query"},
                                                         {{{"query", "x"}, {"limit", 0}}, "limit"},
                                                         {{{"query", "x"}, {"limit", 51}}, "limit"},
                                                         {{{"query", "x"}, {"limit", 1.5}}, "limit"},
                                                         {{{"query", "x"}, {"limit", UINT64_MAX}}, "limit"},
                                                         {{{"query", "x"}, {"order", "newest"}}, "order"},
                                                         {{{"query", "x"}, {"ordr", "first"}}, "ordr"}};
  for (const auto& [arguments, name] : bad) {
    const auto checked = check_arguments(kSchema, arguments);
    ASSERT_FALSE(checked.has_value()) << arguments;
    EXPECT_EQ(checked.error().details["param"], name) << checked.error().message;
  }
  EXPECT_NE(check_arguments(kSchema, {{"query", "x"}, {"ordr", "first"}}).error().message.find("'order'"),
            std::string::npos);
}

TEST(Pace, LetsABurstThroughAndThenAnEvenFlow) {
  ManualClock clock;
  Pace pace(clock);
  for (int i = 0; i < Pace::kAtOnce; ++i) ASSERT_TRUE(pace.take("usr_1").has_value()) << i;
  ASSERT_FALSE(pace.take("usr_1").has_value());
  EXPECT_TRUE(pace.take("usr_2").has_value()) << "each for themselves";
  clock.advance_us(Pace::kEachUs);
  EXPECT_TRUE(pace.take("usr_1").has_value());
  EXPECT_FALSE(pace.take("usr_1").has_value());
  clock.advance_us(Pace::kAtOnce * Pace::kEachUs);
  for (int i = 0; i < Pace::kAtOnce; ++i) ASSERT_TRUE(pace.take("usr_1").has_value()) << i;
  EXPECT_FALSE(pace.take("usr_1").has_value());
}

Task<Result<ToolResult>> echo(identity::Caller caller, Json arguments) {
  const std::string query = arguments["query"];
  if (query == "fail") co_return fail(ErrorCode::kNotFound, "No such thing.");
  co_return ToolResult{caller.principal + ": " + query, {{"said", query}}};
}

class Answers : public testing::Test {
 protected:
  static std::vector<Tool> tools() {
    return {Tool{.name = "echo",
                 .title = "Say it back",
                 .description = "Says it back.",
                 .input = kSchema,
                 .output = {{"type", "object"}},
                 .annotations = {{"readOnlyHint", true}},
                 .call = echo}};
  }
  Protocol::Answer ask(Revision revision, const std::string& method, Json params = Json::object()) {
    asio::io_context context;
    auto got =
        asio::co_spawn(context, protocol_.answer({.principal = "usr_1"}, asking(method, std::move(params)), revision),
                       asio::use_future);
    context.run();
    return got.get();
  }
  int code(Revision revision, const std::string& method, Json params = Json::object()) {
    const Json message = ask(revision, method, std::move(params)).message;
    return message.contains("error") ? message["error"]["code"].get<int>() : 0;
  }
  Json call(Revision revision, Json arguments) {
    return ask(revision, "tools/call", {{"name", "echo"}, {"arguments", std::move(arguments)}}).message["result"];
  }

  ManualClock clock_;
  Protocol protocol_{tools(), "How to use it.", clock_};
};

TEST_F(Answers, AGreetingAgreesOnARevision) {
  for (const char* spoken : {"2025-03-26", "2025-06-18", "2025-11-25"})
    EXPECT_EQ(ask(kUntold, "initialize", {{"protocolVersion", spoken}}).message["result"]["protocolVersion"], spoken);
  for (const char* other : {"2024-11-05", "2026-07-28", "2099-01-01"})
    EXPECT_EQ(ask(kUntold, "initialize", {{"protocolVersion", other}}).message["result"]["protocolVersion"],
              "2025-11-25");
  const Json result = ask(kUntold, "initialize", {{"protocolVersion", "2025-11-25"}}).message["result"];
  EXPECT_EQ(result["serverInfo"]["name"], "steward");
  EXPECT_EQ(result["capabilities"], Json::parse(R"({"tools":{}})"));
  EXPECT_EQ(result["instructions"], "How to use it.");
  EXPECT_EQ(code(kUntold, "initialize"), kInvalidParams);
  EXPECT_EQ(ask(kUntold, "ping").message, Json::parse(R"({"jsonrpc":"2.0","id":1,"result":{}})"));
}

TEST_F(Answers, EachRevisionHasItsMethods) {
  for (const char* none : {"server/discover", "resources/list", "prompts/list", "logging/setLevel", "nonsense"})
    EXPECT_EQ(code(Revision::k2025_11_25, none), kMethodNotFound) << none;
  for (const char* none : {"initialize", "ping", "subscriptions/listen", "nonsense"})
    EXPECT_EQ(code(Revision::k2026_07_28, none), kMethodNotFound) << none;
  EXPECT_EQ(ask(Revision::k2026_07_28, "nonsense").status, 404);
  EXPECT_EQ(ask(Revision::k2025_11_25, "nonsense").status, 200);
}

TEST_F(Answers, DiscoveryTellsWhatTheGreetingTold) {
  const Json result = ask(Revision::k2026_07_28, "server/discover").message["result"];
  EXPECT_EQ(result["supportedVersions"], Json::parse(R"(["2026-07-28","2025-11-25","2025-06-18","2025-03-26"])"));
  EXPECT_EQ(result["resultType"], "complete");
  EXPECT_EQ(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "steward");
  EXPECT_GE(result["ttlMs"].get<int64_t>(), 0);
  EXPECT_EQ(result["cacheScope"], "public");
}

TEST_F(Answers, ToolsAreToldAsEachRevisionKnowsThem) {
  const Json oldest = ask(Revision::k2025_03_26, "tools/list").message["result"];
  EXPECT_FALSE(oldest["tools"][0].contains("outputSchema"));
  EXPECT_EQ(oldest["tools"][0]["annotations"]["readOnlyHint"], true);
  EXPECT_FALSE(oldest.contains("ttlMs"));
  const Json newest = ask(Revision::k2026_07_28, "tools/list").message["result"];
  EXPECT_EQ(newest["tools"][0]["outputSchema"]["type"], "object");
  EXPECT_EQ(newest["tools"][0]["inputSchema"], kSchema);
  EXPECT_EQ(newest["cacheScope"], "public");
}

TEST_F(Answers, ACallAnswersTheModelAndErrorsOfTheProtocolTheClient) {
  const Json good = call(Revision::k2025_11_25, {{"query", "hi"}});
  EXPECT_EQ(good["content"][0]["text"], "usr_1: hi");
  EXPECT_EQ(good["structuredContent"]["said"], "hi");
  EXPECT_EQ(good["isError"], false);
  EXPECT_FALSE(call(Revision::k2025_03_26, {{"query", "hi"}}).contains("structuredContent"));
  EXPECT_EQ(call(Revision::k2026_07_28, {{"query", "hi"}})["resultType"], "complete");
  for (const Json& arguments : std::vector<Json>{{{"query", "fail"}}, {{"query", 5}}, Json::object()}) {
    const Json bad = call(Revision::k2025_11_25, arguments);
    EXPECT_EQ(bad["isError"], true) << arguments;
    EXPECT_FALSE(bad["content"][0]["text"].get<std::string>().empty());
    EXPECT_FALSE(bad.contains("structuredContent"));
  }
  EXPECT_EQ(code(Revision::k2025_11_25, "tools/call", {{"name", "nothing"}}), kInvalidParams);
  EXPECT_EQ(code(Revision::k2025_11_25, "tools/call"), kInvalidParams);
  EXPECT_EQ(code(Revision::k2025_11_25, "tools/call", {{"name", "echo"}, {"arguments", "x"}}), kInvalidParams);
}

TEST_F(Answers, WhoCallsTooFastIsToldSoInTheResult) {
  Json last;
  for (int i = 0; i <= Pace::kAtOnce; ++i) last = call(Revision::k2025_11_25, {{"query", "hi"}});
  EXPECT_EQ(last["isError"], true);
  EXPECT_NE(last["content"][0]["text"].get<std::string>().find("second"), std::string::npos);
}

}  // namespace
}  // namespace steward::server::mcp
