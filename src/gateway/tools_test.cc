#include "gateway/tools.h"

#include <gtest/gtest.h>

namespace steward::gateway {
namespace {

Json request(Json choice) {
  const auto tool = [](const char* name) {
    return Json{{"type", "function"}, {"function", {{"name", name}, {"parameters", {{"type", "object"}}}}}};
  };
  Json body = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"tools", {tool("f"), tool("g")}}};
  if (!choice.is_null()) body["tool_choice"] = std::move(choice);
  return body;
}
Json schema(Json body) { return with_described_tools(std::move(body))["response_format"]["json_schema"]["schema"]; }

TEST(DescribedTools, TheSchemaFollowsTheChoice) {
  EXPECT_EQ(schema(request(nullptr))["anyOf"].size(), 3u);  // f, g, or an answer
  EXPECT_EQ(schema(request("required"))["anyOf"].size(), 2u);
  EXPECT_EQ(schema(request({{"type", "function"}, {"function", {{"name", "g"}}}}))["properties"]["tool"]["const"], "g");
}

TEST(DescribedTools, ToldInTheSystemMessageAndNotTwice) {
  const Json body = with_described_tools(request(nullptr));
  EXPECT_FALSE(body.contains("tools"));
  EXPECT_EQ(body["messages"][0]["role"], "system");
  Json own = request(nullptr);
  own["messages"].insert(own["messages"].begin(), Json{{"role", "system"}, {"content", "Be brief."}});
  const Json kept = with_described_tools(own);
  EXPECT_EQ(kept["messages"].size(), 2u);
  EXPECT_EQ(kept["messages"][0]["content"].get<std::string>().find("Be brief."), 0u);
}

TEST(DescribedTools, EarlierCallsAndResultsAreKept) {
  Json body = request(nullptr);
  body["messages"].push_back(
      {{"role", "assistant"},
       {"content", nullptr},
       {"tool_calls",
        {{{"id", "c"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{\"a\":1}"}}}}}}});
  body["messages"].push_back({{"role", "tool"}, {"tool_call_id", "c"}, {"content", "42"}});
  const Json plain = with_described_tools(body)["messages"];
  EXPECT_NE(plain[2]["content"].get<std::string>().find("\"a\":1"), std::string::npos);
  EXPECT_NE(plain[3]["content"].get<std::string>().find("42"), std::string::npos);
}

// Written into the message as JSON, they ran through the stack and ended the process.
TEST(DescribedTools, ArgumentsNestedWithoutEndAreNoArguments) {
  Json body = request(nullptr);
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  body["messages"].push_back(
      {{"role", "assistant"},
       {"tool_calls", {{{"id", "c"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", deep}}}}}}});
  const Json plain = with_described_tools(body)["messages"];
  EXPECT_NE(plain[2]["content"].get<std::string>().find("\"arguments\":{}"), std::string::npos);
  EXPECT_EQ(read_tool_answer("{\"tool\":\"f\",\"arguments\":" + deep + "}", "stop", "c").finish_reason, "stop");
}

TEST(DescribedTools, AnswersReadBack) {
  const ToolAnswer call = read_tool_answer(R"({"tool":"f","arguments":{"city":"Paris"}})", "stop", "call_1");
  EXPECT_EQ(call.finish_reason, "tool_calls");
  EXPECT_TRUE(call.delta["content"].is_null());
  EXPECT_EQ(call.delta["tool_calls"][0]["function"]["arguments"], R"({"city":"Paris"})");
  EXPECT_EQ(read_tool_answer(R"({"answer":"Hello"})", "stop", "c").delta["content"], "Hello");
  EXPECT_EQ(read_tool_answer(R"({"tool":"f","argum)", "length", "c").finish_reason, "length");  // cut: told as it is
}

}  // namespace
}  // namespace steward::gateway
