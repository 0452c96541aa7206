// What no egress writes: hints, told by the caller's own names, and what no provider is given, refused or let go.
#include "gateway/dialects/hints.h"

#include <gtest/gtest.h>

#include "gateway/providers/table.h"

namespace steward::gateway {
namespace {

using Names = std::vector<std::string>;

struct Sent {
  Result<Json> body;
  Names dropped;
};

Sent send(Dialect from, Json asked, ProviderDialect spoken, Names may_drop = {}) {
  const Dialect out = spoken == ProviderDialect::kOpenAi      ? Dialect::kChat
                      : spoken == ProviderDialect::kResponses ? Dialect::kResponses
                      : spoken == ProviderDialect::kGemini    ? Dialect::kGemini
                                                              : Dialect::kMessages;
  asked["model"] = "m";
  if (from == Dialect::kResponses)
    asked["input"] = "Hi";
  else if (!asked.contains("messages"))
    asked["messages"] = {{{"role", "user"}, {"content", "Hi"}}};
  auto request = ingress_of(from).read_request(std::move(asked), {});
  EXPECT_TRUE(request) << request.error().message;
  Refusals refusals(from, std::move(may_drop));
  auto body = egress_of(out).write_request(
      *request,
      {.provider = "p", .model = "m", .profile = &plain_profile(spoken), .max_output = 100, .refusals = &refusals});
  return {.body = std::move(body), .dropped = refusals.dropped()};
}

constexpr ProviderDialect kAll[] = {ProviderDialect::kOpenAi, ProviderDialect::kResponses, ProviderDialect::kAnthropic,
                                    ProviderDialect::kGemini, ProviderDialect::kBedrock};

TEST(Hints, AreToldWhereTheyAreNotWritten) {
  const Json asked = {{"prompt_cache_key", "k"},
                      {"prompt_cache_retention", "24h"},
                      {"safety_identifier", "s"},
                      {"user", "u"},
                      {"metadata", {{"a", "b"}}}};
  for (const Dialect from : {Dialect::kChat, Dialect::kResponses}) {
    for (const auto out : {ProviderDialect::kOpenAi, ProviderDialect::kResponses}) {
      const Sent sent = send(from, asked, out);
      ASSERT_TRUE(sent.body);
      EXPECT_EQ(sent.dropped, Names{});
      for (const auto& [name, value] : asked.items()) EXPECT_EQ((*sent.body)[name], value) << name;
    }
    for (const auto out : {ProviderDialect::kAnthropic, ProviderDialect::kBedrock}) {
      const Sent sent = send(from, asked, out);
      ASSERT_TRUE(sent.body);
      EXPECT_EQ(sent.dropped, (Names{"prompt_cache_key", "prompt_cache_retention", "metadata", "safety_identifier"}));
      EXPECT_EQ((*sent.body)["metadata"]["user_id"], "u");
    }
    const Sent gemini = send(from, asked, ProviderDialect::kGemini);
    ASSERT_TRUE(gemini.body);
    EXPECT_EQ(gemini.dropped,
              (Names{"prompt_cache_key", "prompt_cache_retention", "safety_identifier", "user", "metadata"}));
  }
}

TEST(Hints, WhatIsClearedFromTheContextAndMarksAreToldOutsideOfTheirDialect) {
  const Json mark = {{"type", "ephemeral"}};
  const Json said = {{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "Hi"}, {"cache_control", mark}}}}}};
  const Json asked = {{"max_tokens", 9}, {"context_management", {{"edits", Json::array()}}}, {"messages", said}};
  for (const auto out : kAll) {
    const bool own = out == ProviderDialect::kAnthropic || out == ProviderDialect::kBedrock;
    const Sent sent = send(Dialect::kMessages, asked, out);
    ASSERT_TRUE(sent.body);
    EXPECT_EQ(sent.dropped, own ? Names{} : (Names{"context_management", "cache_control"}));
    if (own) EXPECT_EQ((*sent.body)["context_management"], asked["context_management"]);
  }
  const Sent breakpoint =
      send(Dialect::kResponses, {{"prompt_cache_options", {{"mode", "explicit"}}}}, ProviderDialect::kAnthropic);
  EXPECT_EQ(breakpoint.dropped, Names{"prompt_cache_options"});
}

TEST(Hints, GeminisLevelsOfServiceAreItsOwn) {
  const auto with = [](const char* tier, Names may_drop = {}) {
    return send(Dialect::kChat, {{"service_tier", tier}}, ProviderDialect::kGemini, std::move(may_drop));
  };
  EXPECT_EQ((*with("flex").body)["serviceTier"], "flex");
  EXPECT_EQ((*with("priority").body)["serviceTier"], "priority");
  for (const char* usual : {"auto", "default"}) {
    EXPECT_FALSE(with(usual).body->contains("serviceTier"));
    EXPECT_EQ(with(usual).dropped, Names{});
  }
  ASSERT_FALSE(with("scale").body);
  EXPECT_EQ(with("scale").body.error().details["param"], "service_tier");
  EXPECT_EQ(with("scale", {"unsupported"}).dropped, Names{"service_tier"});
}

TEST(Hints, WhatNoProviderIsGivenIsRefusedByNameAndMayBeLetGo) {
  const Json cases = {{"store", true},
                      {"prediction", {{"type", "content"}, {"content", "x"}}},
                      {"modalities", {"text", "audio"}},
                      {"audio", {{"voice", "alloy"}, {"format", "wav"}}},
                      {"functions", Json::array({Json{{"name", "f"}}})},
                      {"function_call", "auto"}};
  for (const auto& [name, value] : cases.items()) {
    for (const auto out : kAll) {
      const Sent refused = send(Dialect::kChat, {{name, value}}, out);
      ASSERT_FALSE(refused.body) << name;
      EXPECT_EQ(refused.body.error().code, ErrorCode::kUnsupportedField) << name;
      EXPECT_EQ(refused.body.error().details["param"], name);
      EXPECT_TRUE(refused.body.error().message.starts_with("'" + name + "' can't be honoured: ")) << name;
      for (const Names& may_drop : {Names{name}, Names{"unsupported"}}) {
        const Sent let_go = send(Dialect::kChat, {{name, value}}, out, may_drop);
        ASSERT_TRUE(let_go.body) << name << let_go.body.error().message;
        EXPECT_EQ(let_go.dropped, Names{name});
        // OpenAI's Responses are told to keep nothing.
        EXPECT_TRUE(!let_go.body->contains(name) || (*let_go.body)[name] == false) << name;
      }
      EXPECT_FALSE(send(Dialect::kChat, {{name, value}}, out, {"top_k"}).body) << name;
      EXPECT_TRUE(send(Dialect::kChat, {{name, nullptr}}, out).body) << name;
    }
  }
  const Json body = *send(Dialect::kChat, {{"store", false}, {"modalities", {"text"}}}, ProviderDialect::kOpenAi).body;
  EXPECT_EQ(body["store"], false);
  EXPECT_EQ(body["modalities"], Json{"text"});
}

TEST(Hints, ASchemasDescriptionReachesEveryone) {
  const Json schema = {{"type", "object"}, {"properties", {{"a", {{"type", "string"}}}}}};
  const Json asked = {
      {"response_format",
       {{"type", "json_schema"}, {"json_schema", {{"name", "n"}, {"description", "A letter."}, {"schema", schema}}}}}};
  Json described = schema;
  described["description"] = "A letter.";
  const Sent sent = send(Dialect::kChat, asked, ProviderDialect::kAnthropic);
  ASSERT_TRUE(sent.body);
  EXPECT_EQ((*sent.body)["output_config"]["format"]["schema"], described);
}

}  // namespace
}  // namespace steward::gateway
