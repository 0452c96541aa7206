#include "gateway/request.h"

#include <gtest/gtest.h>

namespace steward::gateway {
namespace {

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
      {"unknown field", with(kHello, "temprature", 1), kUnsupportedField, "temprature"},
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
      {"part unknown", message({{"role", "user"}, {"content", {{{"type", "smell"}}}}}), kUnsupportedField,
       "messages[0].content"},
      {"file by id", message({{"role", "user"}, {"content", {{{"type", "file"}, {"file", {{"file_id", "f"}}}}}}}),
       kUnsupportedField, "messages[0].content"},
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
      {"five stops", with(kHello, "stop", {"a", "b", "c", "d", "e"}), kInvalidRequest, "stop"},
      {"stop of numbers", with(kHello, "stop", {1}), kInvalidRequest, "stop"},
      {"stream_options without stream", with(kHello, "stream_options", {{"include_usage", true}}), kInvalidRequest,
       "stream_options"},
      {"stream option unknown", with(with(kHello, "stream", true), "stream_options", {{"include_use", true}}),
       kUnsupportedField, "include_use"},
      {"store", with(kHello, "store", true), kUnsupportedField, "store"},
      {"audio out", with(kHello, "modalities", {"audio"}), kUnsupportedField, "modalities"},
      {"web search", with(kHello, "web_search_options", Json::object()), kUnsupportedField, "web_search_options"},
      {"prediction", with(kHello, "prediction", Json::object()), kUnsupportedField, "prediction"},
      {"dearer tier", with(kHello, "service_tier", "priority"), kUnsupportedField, "service_tier"},
      {"old functions", with(kHello, "functions", Json::array()), kUnsupportedField, "functions"},
      {"top_logprobs alone", with(kHello, "top_logprobs", 2), kInvalidRequest, "top_logprobs"},
      {"tool type a number", with(kHello, "tools", {{{"type", 1}}}), kUnsupportedField, "tools[0].type"},
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

TEST(ChatRequest, DidYouMean) {
  auto read = read_chat(with(kHello, "temprature", 1));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("'temperature'"), std::string::npos) << read.error().message;
}

TEST(ChatRequest, WhatIsRight) {
  auto read = read_chat(with(with(with(kHello, "n", 3), "max_completion_tokens", 7), "stream", true));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->choices(), 3);
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

TEST(ChatRequest, LocalModelsRefuseByName) {
  struct {
    Json body;
    const char* param;
  } cases[] = {{with(kHello, "reasoning_effort", "high"), "reasoning_effort"},
               {with(kHello, "verbosity", "low"), "verbosity"},
               {message({{"role", "user"}, {"content", "x"}, {"mood", "glad"}}), "messages[0].mood"},
               {message({{"role", "user"}, {"content", {{{"type", "image_url"}, {"image_url", {{"url", "data:"}}}}}}}),
                "messages[0].content"}};
  for (const auto& one : cases) {
    auto read = read_chat(one.body);
    ASSERT_TRUE(read) << one.param;
    auto local = check_for_local(*read);
    ASSERT_FALSE(local) << one.param;
    EXPECT_EQ(local.error().code, ErrorCode::kUnsupportedField);
    EXPECT_EQ(local.error().details.value("param", ""), one.param);
  }
  EXPECT_TRUE(check_for_local(*read_chat(kHello)));
}

TEST(CompletionRequest, Prompts) {
  const auto read = [](Json prompt) {
    return read_completion({{"model", "m"}, {"prompt", std::move(prompt)}, {"n", 2}});
  };
  EXPECT_EQ(read("x")->choices(), 2);
  EXPECT_EQ(read({1, 2, 3})->prompts.size(), 1u);
  EXPECT_EQ(read({"x", "y"})->choices(), 4);
  EXPECT_EQ(read({{1, 2}, {3}})->prompts.size(), 2u);
  EXPECT_FALSE(read(nullptr));
  EXPECT_FALSE(read(Json::array()));
  EXPECT_FALSE(read({true}));
  EXPECT_EQ(read_completion({{"model", "m"}, {"prompt", "x"}, {"best_of", 2}}).error().details["param"], "best_of");
}

TEST(EmbeddingRequest, FormsAndRefusals) {
  const auto read = [](Json input) { return read_embedding({{"model", "m"}, {"input", std::move(input)}}); };
  EXPECT_EQ(read("x")->inputs.size(), 1u);
  EXPECT_FALSE(read("x")->query);
  EXPECT_EQ(read({"x", "y"})->inputs.size(), 2u);
  EXPECT_EQ(read({1, 2}).error().code, ErrorCode::kUnsupportedField);
  EXPECT_EQ(read({{1, 2}}).error().details["param"], "input");
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(Json::array()));
  EXPECT_FALSE(read_embedding({{"model", "m"}, {"input", "x"}, {"input_type", "poem"}}));
  EXPECT_FALSE(read_embedding({{"model", "m"}, {"input", "x"}, {"encoding_format", "hex"}}));
  EXPECT_TRUE(
      read_embedding({{"model", "m"}, {"input", "x"}, {"encoding_format", "base64"}, {"input_type", "query"}})->query);
}

}  // namespace
}  // namespace steward::gateway
