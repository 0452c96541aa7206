// What no provider could make sense of is refused while reading, by the field's name.
#include <gtest/gtest.h>

#include "gateway/dialects/dialect.h"

namespace steward::gateway {
namespace {

Result<Request> read_chat(Json body) { return chat_ingress().read_request(std::move(body), {}); }

const Json kHello = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};

Json with(Json body, const char* name, Json value) {
  body[name] = std::move(value);
  return body;
}
Json message(Json one) { return {{"model", "m"}, {"messages", Json::array({std::move(one)})}}; }

struct Bad {
  const char* what;
  Json body;
  ErrorCode code;
  const char* param;
};

const Json kTool = {{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}};

TEST(ChatRequest, WhatIsNotRightIsRefusedByName) {
  using enum ErrorCode;
  const Bad cases[] = {
      {"no model", {{"messages", kHello["messages"]}}, kInvalidRequest, "model"},
      {"model no string", with(kHello, "model", 7), kInvalidRequest, "model"},
      {"no messages", {{"model", "m"}}, kInvalidRequest, "messages"},
      {"messages empty", with(kHello, "messages", Json::array()), kInvalidRequest, "messages"},
      {"role unknown", message({{"role", "boss"}, {"content", "x"}}), kInvalidRequest, "messages[0].role"},
      {"role a number", message({{"role", 5}, {"content", "x"}}), kInvalidRequest, "messages[0]"},
      {"content a number", message({{"role", "user"}, {"content", 5}}), kInvalidRequest, "messages[0].content"},
      {"content null of a user", message({{"role", "user"}, {"content", nullptr}}), kInvalidRequest,
       "messages[0].content"},
      {"part type a number", message({{"role", "user"}, {"content", {{{"type", 5}}}}}), kInvalidRequest,
       "messages[0].content"},
      {"tool result of nothing", message({{"role", "tool"}, {"content", "x"}}), kInvalidRequest,
       "messages[0].tool_call_id"},
      {"call without arguments",
       message({{"role", "assistant"},
                {"tool_calls", {{{"id", "c"}, {"type", "function"}, {"function", {{"name", "f"}}}}}}}),
       kInvalidRequest, "messages[0].tool_calls"},
      {"n too large", with(kHello, "n", 129), kInvalidRequest, "n"},
      {"n zero", with(kHello, "n", 0), kInvalidRequest, "n"},
      {"temperature", with(kHello, "temperature", 2.5), kInvalidRequest, "temperature"},
      {"max_tokens zero", with(kHello, "max_tokens", 0), kInvalidRequest, "max_tokens"},
      {"both limits", with(with(kHello, "max_tokens", 1), "max_completion_tokens", 2), kInvalidRequest, "max_tokens"},
      {"many stops", with(kHello, "stop", Json(std::vector<std::string>(65, "a"))), kInvalidRequest, "stop"},
      {"stop of numbers", with(kHello, "stop", {1}), kInvalidRequest, "stop"},
      {"stream_options without stream", with(kHello, "stream_options", {{"include_usage", true}}), kInvalidRequest,
       "stream_options"},
      {"store no boolean", with(kHello, "store", "yes"), kInvalidRequest, "store"},
      {"functions no array", with(kHello, "functions", 1), kInvalidRequest, "functions"},
      {"top_logprobs alone", with(kHello, "top_logprobs", 2), kInvalidRequest, "top_logprobs"},
      {"tool without name", with(kHello, "tools", {{{"type", "function"}, {"function", Json::object()}}}),
       kInvalidRequest, "tools[0]"},
      {"choice without tools", with(kHello, "tool_choice", "required"), kInvalidRequest, "tool_choice"},
      {"choice of no tool",
       with(with(kHello, "tools", Json::array({kTool})), "tool_choice",
            {{"type", "function"}, {"function", {{"name", "g"}}}}),
       kInvalidRequest, "tool_choice"},
      {"format unknown", with(kHello, "response_format", {{"type", "xml"}}), kInvalidRequest, "response_format"},
      {"format type a number", with(kHello, "response_format", {{"type", 3}}), kInvalidRequest, "response_format"},
      {"schema missing", with(kHello, "response_format", {{"type", "json_schema"}}), kInvalidRequest,
       "response_format"},
  };
  for (const auto& one : cases) {
    auto read = read_chat(one.body);
    ASSERT_FALSE(read) << one.what;
    EXPECT_EQ(read.error().code, one.code) << one.what << ": " << read.error().message;
    EXPECT_EQ(read.error().details.value("param", ""), one.param) << one.what;
  }
}

TEST(ChatRequest, WhatIsRight) {
  auto read = read_chat(with(with(with(kHello, "n", 3), "max_completion_tokens", 7), "stream", true));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->n, 3);
  EXPECT_EQ(read->max_output, 7);
  EXPECT_TRUE(read->stream);
  EXPECT_FALSE(read->include_usage);
  // content null beside tool calls, and its result
  const Json calls = {{{"id", "c1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}};
  Json body = message({{"role", "assistant"}, {"content", nullptr}, {"tool_calls", calls}});
  body["messages"].push_back({{"role", "tool"}, {"tool_call_id", "c1"}, {"content", "ok"}});
  EXPECT_TRUE(read_chat(body));
  EXPECT_TRUE(read_chat(with(with(kHello, "tools", Json::array({kTool})), "tool_choice",
                             {{"type", "function"}, {"function", {{"name", "f"}}}})));
  for (const char* null : {"temperature", "stop", "n", "tools", "response_format", "user"})
    EXPECT_TRUE(read_chat(with(kHello, null, nullptr))) << null;
}

}  // namespace
}  // namespace steward::gateway
