#include "gateway/local_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/providers/table.h"

namespace steward::gateway {
namespace {

const Json kHello = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};

Json with(Json body, const char* name, Json value) {
  body[name] = std::move(value);
  return body;
}
Json message(Json one) { return {{"model", "m"}, {"messages", Json::array({std::move(one)})}}; }

// As a local model gets it.
Result<Json> written(Json body, std::vector<std::string> may_drop, std::vector<std::string>* dropped = nullptr,
                     Dialect from = Dialect::kChat) {
  auto request = ingress_of(from).read_request(std::move(body), {.model = "m"});
  if (!request) return fail(request.error());
  Refusals refusals(from, std::move(may_drop));
  auto plain = for_local(*request, refusals);
  if (!plain) return fail(plain.error());
  auto out = chat_egress().write_request(
      *plain, {.provider = "local", .model = "m", .profile = &local_profile(), .stream = true, .refusals = &refusals});
  if (dropped != nullptr) *dropped = refusals.dropped();
  return out;
}

TEST(LocalLimits, WhatAModelCantHonourIsRefusedByName) {
  struct {
    Json body;
    const char* param;
  } cases[] = {
      {with(kHello, "reasoning_effort", "high"), "reasoning_effort"},
      {with(kHello, "verbosity", "low"), "verbosity"},
      {with(kHello, "prompt_cache_retention", "24h"), "prompt_cache_retention"},
      {with(kHello, "service_tier", "priority"), "service_tier"},
      {with(kHello, "web_search_options", Json::object()), "web_search_options"},
      {with(kHello, "moderation", {{"model", "x"}}), "moderation"},
      {with(kHello, "temprature", 1), "temprature"},
      {with(kHello, "store", true), "store"},
      {with(kHello, "modalities", {"text", "audio"}), "modalities"},
      {with(kHello, "prediction", Json::object()), "prediction"},
      {with(kHello, "functions", Json::array()), "functions"},
      {message({{"role", "user"}, {"content", "x"}, {"mood", "glad"}}), "messages[0].mood"},
      {message({{"role", "user"},
                {"content", {{{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,AA=="}}}}}}}),
       "messages[0].content"}};
  for (const auto& one : cases) {
    auto refused = written(one.body, {});
    ASSERT_FALSE(refused) << one.param;
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedField) << refused.error().message;
    EXPECT_EQ(refused.error().details.value("param", ""), one.param);
    std::vector<std::string> dropped;
    auto kept = written(one.body, {"unsupported"}, &dropped);
    EXPECT_TRUE(kept) << one.param;
    EXPECT_THAT(dropped, testing::Contains(one.param));
  }
}

TEST(LocalLimits, DidYouMean) {
  EXPECT_THAT(written(with(kHello, "temprature", 1), {}).error().message, testing::HasSubstr("'temperature'"));
}

TEST(LocalLimits, WhatItCan) {
  for (const auto& body : {kHello, with(kHello, "reasoning_effort", "none"), with(kHello, "service_tier", "flex"),
                           with(kHello, "metadata", {{"a", "b"}}), with(kHello, "store", false), with(kHello, "n", 100),
                           with(kHello, "modalities", {"text"}), with(kHello, "top_k", 7)}) {
    auto out = written(body, {});
    EXPECT_TRUE(out) << dump(body) << out.error().message;
  }
}

TEST(LocalLimits, WhatSteersNothingIsToldAsLeftOut) {
  const Json responses = {{"model", "m"}, {"input", "Hi"}};
  const Json gemini = {{"contents", {{{"parts", {{{"text", "Hi"}}}}}}}};
  struct {
    Dialect from;
    Json body;
    const char* told;  // nullptr: nothing
  } cases[] = {
      {Dialect::kChat, with(kHello, "prompt_cache_options", {{"ttl", "30m"}}), "prompt_cache_options"},
      {Dialect::kChat, with(kHello, "prompt_cache_key", "k"), "prompt_cache_key"},
      {Dialect::kChat, with(kHello, "safety_identifier", "s"), "safety_identifier"},
      {Dialect::kChat, with(kHello, "user", "u"), "user"},
      {Dialect::kChat, with(kHello, "metadata", {{"a", "b"}}), "metadata"},
      {Dialect::kChat, with(kHello, "service_tier", "flex"), "service_tier"},
      {Dialect::kChat, with(kHello, "service_tier", "auto"), nullptr},
      {Dialect::kChat, with(kHello, "store", false), nullptr},
      {Dialect::kChat, with(kHello, "modalities", {"text"}), nullptr},
      {Dialect::kResponses, with(responses, "prompt_cache_key", "k"), "prompt_cache_key"},
      {Dialect::kResponses, with(responses, "truncation", "disabled"), nullptr},
      {Dialect::kMessages, with(with(kHello, "max_tokens", 9), "context_management", {{"edits", Json::array()}}),
       "context_management"},
      {Dialect::kMessages, with(with(kHello, "max_tokens", 9), "cache_control", {{"type", "ephemeral"}}),
       "cache_control"},
      {Dialect::kMessages, with(with(kHello, "max_tokens", 9), "inference_geo", "us"), "inference_geo"},
      {Dialect::kGemini, with(gemini, "safetySettings", Json::array({Json{{"threshold", "OFF"}}})), "safetySettings"},
      {Dialect::kGemini, with(gemini, "labels", {{"a", "b"}}), "labels"}};
  for (const auto& one : cases) {
    std::vector<std::string> dropped;
    auto out = written(one.body, {}, &dropped, one.from);
    ASSERT_TRUE(out) << dump(one.body) << out.error().message;
    EXPECT_EQ(dropped, one.told ? std::vector<std::string>{one.told} : std::vector<std::string>{}) << dump(one.body);
  }
}

TEST(LocalLimits, WhatWouldChangeTheContextIsRefusedByName) {
  const Json hello = {{"model", "m"}, {"input", "Hi"}};
  const Json edits = Json::array({Json{{"type", "compaction"}, {"compact_threshold", 1000}}});
  for (const auto& [body, param] : {std::pair{with(hello, "truncation", "auto"), "truncation"},
                                    std::pair{with(hello, "context_management", edits), "context_management"}}) {
    auto refused = written(body, {}, nullptr, Dialect::kResponses);
    ASSERT_FALSE(refused) << param;
    EXPECT_EQ(refused.error().details.value("param", ""), param);
    std::vector<std::string> dropped;
    EXPECT_TRUE(written(body, {param}, &dropped, Dialect::kResponses)) << param;
    EXPECT_EQ(dropped, std::vector<std::string>{param});
  }
}

}  // namespace
}  // namespace steward::gateway
