// The bridge between MCP's stdio and a server: headers, ids of refusals, what is written and what is not.
#include "cli/mcp_bridge.h"

#include <gtest/gtest.h>

#include <map>

namespace steward::cli {
namespace {

class Bridged : public testing::Test {
 protected:
  std::map<std::string, std::string> headers_;
  std::string sent_;
  std::vector<std::string> complaints_;
  Result<McpBridge::Posted> next_ = McpBridge::Posted{200, R"({"jsonrpc":"2.0","id":1,"result":{}})"};
  int posts_ = 0;
  McpBridge bridge_{[this](McpBridge::Headers headers, std::string body) {
                      ++posts_;
                      headers_ = {headers.begin(), headers.end()};
                      sent_ = std::move(body);
                      return next_;
                    },
                    [this](const std::string& why) { complaints_.push_back(why); }};

  Json told(const std::string& line) {
    const auto answer = bridge_.answer(line);
    EXPECT_TRUE(answer.has_value()) << line;
    EXPECT_EQ(answer.value_or("").find('\n'), std::string::npos);
    return Json::parse(answer.value_or("null"));
  }
  int code(const std::string& line) { return told(line)["error"]["code"].get<int>(); }
};

TEST_F(Bridged, AMessageGoesAsItCameAndItsAnswerOnOneLine) {
  const std::string line = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  next_ = McpBridge::Posted{200, "{\n \"jsonrpc\": \"2.0\",\n \"id\": 1,\n \"result\": {}\n}"};
  EXPECT_EQ(told(line), Json::parse(R"({"jsonrpc":"2.0","id":1,"result":{}})"));
  EXPECT_EQ(sent_, line);
  EXPECT_EQ(headers_["accept"], "application/json, text/event-stream");
  EXPECT_FALSE(headers_.contains("mcp-protocol-version"));
}

TEST_F(Bridged, WhatWasAgreedOnIsToldFromThenOn) {
  next_ = McpBridge::Posted{200, R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}})"};
  told(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})");
  told(R"({"jsonrpc":"2.0","id":2,"method":"ping"})");
  EXPECT_EQ(headers_["mcp-protocol-version"], "2025-06-18");
  EXPECT_FALSE(headers_.contains("mcp-method"));
}

TEST_F(Bridged, WhatARequestCarriesIsMirrored) {
  const auto call = [](const std::string& name) {
    return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":")" + name +
           R"(","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})";
  };
  told(call("recall"));
  EXPECT_EQ(headers_["mcp-protocol-version"], "2026-07-28");
  EXPECT_EQ(headers_["mcp-method"], "tools/call");
  EXPECT_EQ(headers_["mcp-name"], "recall");
  told(call("世界"));
  EXPECT_EQ(headers_["mcp-name"], "=?base64?5LiW55WM?=");
  told(call("a\\r\\nx-evil: 1"));
  EXPECT_EQ(headers_["mcp-name"], "=?base64?YQ0KeC1ldmlsOiAx?=") << "no header of somebody else's making";
}

TEST_F(Bridged, ANotificationIsAnsweredByNothing) {
  next_ = McpBridge::Posted{202, ""};
  EXPECT_FALSE(bridge_.answer(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").has_value());
  EXPECT_TRUE(complaints_.empty());
  next_ = McpBridge::Posted{401, R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"no key"}})"};
  EXPECT_FALSE(bridge_.answer(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").has_value());
  EXPECT_EQ(complaints_, std::vector<std::string>{"no key"});
  EXPECT_FALSE(bridge_.answer("  ").has_value());
  EXPECT_EQ(posts_, 2);
}

TEST_F(Bridged, WhoeverAskedIsToldWhatWentWrongUnderTheirId) {
  const std::string line = R"({"jsonrpc":"2.0","id":"a","method":"tools/list"})";
  next_ = McpBridge::Posted{403, R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"no memory"}})"};
  EXPECT_EQ(told(line)["id"], "a");
  EXPECT_EQ(told(line)["error"]["message"], "no memory");
  for (auto next : {McpBridge::Posted{502, "<html>"}, McpBridge::Posted{502, ""}, McpBridge::Posted{200, "{}"}}) {
    next_ = next;
    EXPECT_EQ(told(line)["id"], "a");
    EXPECT_EQ(code(line), -32603);
  }
  next_ = fail(ErrorCode::kUpstreamUnreachable, "gone");
  EXPECT_EQ(told(line)["error"]["message"], "gone");
}

TEST_F(Bridged, WhatIsNoMessageNeverLeaves) {
  EXPECT_EQ(code("{nonsense"), -32700);
  EXPECT_EQ(told("{nonsense")["id"], nullptr);
  EXPECT_EQ(posts_, 0);
  EXPECT_EQ(Json::parse(bridge_.too_long())["error"]["code"], -32600);
}

}  // namespace
}  // namespace steward::cli
