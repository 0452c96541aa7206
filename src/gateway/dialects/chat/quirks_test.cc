// Where providers depart from the dialect, and what reaches them of another dialect's call.
#include <gtest/gtest.h>

#include "gateway/dialects/chat/chat.h"
#include "gateway/form/reasoning.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

struct Sent {
  Result<Json> body;
  std::vector<std::string> dropped;
};

Sent send(const Request& request, std::string_view like, std::vector<std::string> may_drop = {},
          std::string model = "m") {
  const ProviderProfile profile = profile_for(like, nullptr);
  Refusals refusals(request.from, std::move(may_drop));
  auto body = chat_egress().write_request(request, {.provider = std::string(like),
                                                    .model = std::move(model),
                                                    .profile = &profile,
                                                    .max_output = 100,
                                                    .stream = false,
                                                    .refusals = &refusals});
  return {.body = std::move(body), .dropped = refusals.dropped()};
}

Request hello(Json more = Json::object()) {
  Json body = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
  for (const auto& [name, value] : more.items()) body[name] = value;
  return chat_ingress().read_request(body, {}).value();
}

const Json kTools =
    Json::array({Json{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}}});

TEST(ChatQuirks, WhatAProviderCantDoIsRefusedByTheCallersName) {
  struct {
    const char* provider;
    Json asked;
    const char* param;
    const char* model = "m";
  } cases[] = {
      {"groq", {{"n", 2}}, "n"},
      {"groq", {{"logit_bias", {{"1", 1}}}}, "logit_bias"},
      {"deepseek", {{"seed", 1}}, "seed"},
      {"deepseek",
       {{"response_format",
         {{"type", "json_schema"}, {"json_schema", {{"name", "a"}, {"schema", {{"type", "object"}}}}}}}},
       "response_format"},
      {"openai", {{"stop", {"a", "b", "c", "d", "e"}}}, "stop"},
      {"mistral", {{"temperature", 1.9}}, "temperature"},
      {"xai", {{"stop", "x"}}, "stop", "grok-4-fast"},
      {"moonshotai", {{"tools", kTools}, {"tool_choice", "required"}}, "tool_choice"},
      {"nvidia", {{"reasoning_effort", "high"}}, "reasoning_effort"},
      {"deepseek", {{"tools", kTools}, {"parallel_tool_calls", false}}, "parallel_tool_calls"},
      {"together", {{"logprobs", true}}, "logprobs"},
  };
  for (const auto& one : cases) {
    const Sent sent = send(hello(one.asked), one.provider, {}, one.model);
    ASSERT_FALSE(sent.body) << one.provider << " " << one.param;
    EXPECT_EQ(sent.body.error().code, ErrorCode::kUnsupportedField) << one.provider;
    EXPECT_EQ(sent.body.error().details["param"], one.param) << one.provider;
    const Sent dropped = send(hello(one.asked), one.provider, {one.param}, one.model);
    ASSERT_TRUE(dropped.body) << one.provider << " " << one.param;
    EXPECT_EQ(dropped.dropped, std::vector<std::string>{one.param}) << one.provider;
    if (one.param != std::string_view("stop") && one.param != std::string_view("temperature"))
      EXPECT_FALSE(dropped.body->contains(one.param)) << one.provider << dump(*dropped.body);
  }
}

TEST(ChatQuirks, WhatIsLeftOutIsTold) {
  const Sent sent = send(hello({{"user", "u"},
                                {"store", false},
                                {"safety_identifier", "s"},
                                {"prompt_cache_retention", "24h"},
                                {"prompt_cache_key", "k"}}),
                         "mistral");
  ASSERT_TRUE(sent.body);
  for (const char* name : {"user", "store", "safety_identifier", "prompt_cache_retention"})
    EXPECT_FALSE(sent.body->contains(name)) << name;
  EXPECT_EQ((*sent.body)["prompt_cache_key"], "k");
  // Nothing is kept there anyway: that needn't be told.
  EXPECT_EQ(sent.dropped, (std::vector<std::string>{"user", "safety_identifier", "prompt_cache_retention"}));
  EXPECT_EQ(send(hello({{"metadata", {{"a", "b"}}}}), "groq").dropped, std::vector<std::string>{"metadata"});
}

TEST(ChatQuirks, ALevelOfServiceThatAProviderLacksIsRefusedAndTheUsualOneIsWhatItDoes) {
  for (const char* provider : {"mistral", "deepseek", "xai", "cohere"}) {
    for (const char* usual : {"auto", "default"}) {
      const Sent sent = send(hello({{"service_tier", usual}}), provider);
      ASSERT_TRUE(sent.body) << provider << usual;
      EXPECT_FALSE(sent.body->contains("service_tier")) << provider << usual;
      EXPECT_TRUE(sent.dropped.empty()) << provider << usual;
    }
    const Sent refused = send(hello({{"service_tier", "flex"}}), provider);
    ASSERT_FALSE(refused.body) << provider;
    EXPECT_EQ(refused.body.error().details["param"], "service_tier");
    const Sent dropped = send(hello({{"service_tier", "flex"}}), provider, {"service_tier"});
    ASSERT_TRUE(dropped.body) << provider;
    EXPECT_FALSE(dropped.body->contains("service_tier")) << provider;
    EXPECT_EQ(dropped.dropped, std::vector<std::string>{"service_tier"});
  }
  EXPECT_EQ((*send(hello({{"service_tier", "flex"}}), "openai").body)["service_tier"], "flex");
}

TEST(ChatQuirks, ACallersMarksOnToolsTravelAsThoseOnParts) {
  Json tools = kTools;
  tools[0]["cache_control"] = {{"type", "ephemeral"}, {"ttl", "1h"}};
  const Json said = {
      {{"role", "user"},
       {"content", {{{"type", "text"}, {"text", "Hi"}, {"cache_control", {{"type", "ephemeral"}, {"ttl", "1h"}}}}}}}};
  const Json body = *send(hello({{"tools", tools}, {"messages", said}}), "").body;
  EXPECT_EQ(body["messages"], said);
  EXPECT_EQ(body["tools"], tools);
}

TEST(ChatQuirks, NamesAndValuesOfTheirOwn) {
  const Json mistral =
      *send(hello({{"seed", 5}, {"tools", kTools}, {"tool_choice", "required"}, {"user", "u"}}), "mistral").body;
  EXPECT_EQ(mistral["random_seed"], 5);
  EXPECT_EQ(mistral["tool_choice"], "any");
  EXPECT_FALSE(mistral.contains("seed"));
  EXPECT_FALSE(mistral.contains("user"));
  EXPECT_EQ(mistral["max_tokens"], 100);
  EXPECT_EQ((*send(hello(), "openai").body)["max_completion_tokens"], 100);
  const auto thinking = [](const char* provider) {
    return *send(hello({{"reasoning_effort", "high"}}), provider).body;
  };
  EXPECT_EQ(thinking("openai")["reasoning_effort"], "high");
  EXPECT_EQ(thinking("openrouter")["reasoning"]["effort"], "high");
  EXPECT_EQ(thinking("zai")["thinking"]["type"], "enabled");
  EXPECT_EQ(thinking("alibaba")["enable_thinking"], true);
  EXPECT_EQ(thinking("alibaba")["thinking_budget"], 99);  // less than the limit of output
}

TEST(ChatQuirks, MistralsIdsAreNineLettersAndTheSameBothTimes) {
  const Json turns = {
      {{"role", "user"}, {"content", "x"}},
      {{"role", "assistant"},
       {"tool_calls",
        {{{"id", "call_long_one"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}}}},
      {{"role", "tool"}, {"tool_call_id", "call_long_one"}, {"content", "ok"}}};
  const Json body = *send(hello({{"messages", turns}}), "mistral").body;
  const std::string id = body["messages"][1]["tool_calls"][0]["id"];
  EXPECT_EQ(id.size(), 9u);
  EXPECT_EQ(body["messages"][2]["tool_call_id"], id);
}

TEST(ChatQuirks, UnknownMembersTravelToProvidersAndAreRefusedByTheEngine) {
  const Request request = hello({{"temprature", 1}});
  EXPECT_EQ((*send(request, "openai").body)["temprature"], 1);
  ProviderProfile engine = plain_profile(ProviderDialect::kOpenAi);
  engine.quirks.unknown_fields = false;
  Refusals refusals(Dialect::kChat, {});
  auto refused = chat_egress().write_request(
      request, {.provider = "local", .model = "m", .profile = &engine, .max_output = 1, .refusals = &refusals});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().details["param"], "temprature");
  EXPECT_NE(refused.error().message.find("'temperature'"), std::string::npos) << refused.error().message;
}

Request from_messages() {
  Request request;
  request.from = Dialect::kMessages;
  request.model = "m";
  Message system{.role = Role::kSystem, .top_level = true};
  system.parts.push_back(text_part("Be brief."));
  request.messages.push_back(std::move(system));
  Message asked{.role = Role::kAssistant};
  Part thought{.body = Reasoning{.text = "Hm."}, .signature = {.value = "s", .provider = "anthropic"}};
  asked.parts.push_back(std::move(thought));
  asked.parts.push_back(Part{.body = ToolCall{.id = "t1", .name = "shot", .arguments = "{}"}});
  request.messages.push_back(std::move(asked));
  Message user{.role = Role::kUser};
  ToolResult result{.call_id = "t1"};
  result.content.push_back(text_part("Here:"));
  result.content.push_back(Part{.body = Media{.mime = "image/png", .data = "iVBO"}});
  user.parts.push_back(Part{.body = std::move(result)});
  user.parts.push_back(text_part("What is on it?"));
  request.messages.push_back(std::move(user));
  return request;
}

TEST(ChatQuirks, AnImageInAToolResultSurvives) {
  const Sent sent = send(from_messages(), "openai");
  ASSERT_TRUE(sent.body) << sent.body.error().message;
  const Json& messages = (*sent.body)["messages"];
  ASSERT_EQ(messages.size(), 5u) << dump(messages);
  EXPECT_EQ(messages[0], (Json{{"role", "system"}, {"content", "Be brief."}}));
  EXPECT_EQ(messages[2]["role"], "tool");
  EXPECT_EQ(messages[2]["content"], "Here:");
  EXPECT_EQ(messages[3]["role"], "user");
  EXPECT_EQ(messages[3]["content"][1]["image_url"]["url"], "data:image/png;base64,iVBO");
  EXPECT_EQ(messages[4]["content"], "What is on it?");
  const Json with_images = (*send(from_messages(), "mistral").body)["messages"];
  ASSERT_EQ(with_images.size(), 4u);
  EXPECT_EQ(with_images[2]["content"][1]["type"], "image_url");
}

TEST(ChatQuirks, AnotherProvidersSignatureIsNotForwarded) {
  for (const char* provider : {"openai", "openrouter", "groq"}) {
    const Sent sent = send(from_messages(), provider);
    ASSERT_TRUE(sent.body) << provider;
    EXPECT_EQ(dump(*sent.body).find("\"s\""), std::string::npos) << provider << dump(*sent.body);
    EXPECT_FALSE(sent.dropped.empty()) << provider;
  }
  Request request = from_messages();
  request.messages[1].parts[0].signature.provider = "openrouter";
  const Json body = *send(request, "openrouter").body;
  EXPECT_EQ(body["messages"][1]["reasoning_details"][0]["signature"], "s");
  EXPECT_EQ(body["messages"][1]["reasoning"], "Hm.");
}

TEST(Reasoning, EffortsAndBudgets) {
  for (const char* effort : {"none", "minimal", "low", "medium", "high", "xhigh", "max"})
    EXPECT_EQ(effort_of_budget(*budget_of_effort(effort)), effort);
  EXPECT_FALSE(budget_of_effort("ultra"));
  EXPECT_EQ(effort_of_budget(1), "minimal");
  EXPECT_EQ(effort_of_budget(5'000), "medium");
  EXPECT_EQ(effort_of_budget(1'000'000), "max");
  EXPECT_EQ(effort_of_budget(-1), "");
  EXPECT_EQ(budget_asked({.effort = "high"}, 10'000), 9'999);
  EXPECT_EQ(budget_asked({.budget_tokens = 2'000, .enabled = true}, 0), 2'000);
  EXPECT_EQ(budget_asked({.budget_tokens = 2'000, .enabled = false}, 0), 0);
  EXPECT_FALSE(budget_asked({.adaptive = true}, 0));
  EXPECT_EQ(effort_asked({.enabled = true}), "medium");
}

}  // namespace
}  // namespace steward::gateway
