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
Result<Json> written(Json body, std::vector<std::string> may_drop, std::vector<std::string>* dropped = nullptr) {
  auto request = chat_ingress().read_request(std::move(body), {});
  if (!request) return fail(request.error());
  Refusals refusals(Dialect::kChat, std::move(may_drop));
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
                           with(kHello, "top_k", 7)}) {
    auto out = written(body, {});
    EXPECT_TRUE(out) << dump(body) << out.error().message;
  }
}

}  // namespace
}  // namespace steward::gateway
