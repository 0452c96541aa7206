// What the recordings don't show: other dialects' calls and answers in Gemini's words, and what is refused.
#include "gateway/dialects/gemini/gemini.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/json.h"
#include "gateway/dialects/gemini/reading.h"
#include "gateway/dialects/recordings_testing.h"
#include "gateway/peek.h"
#include "gateway/routing/health.h"

namespace steward::gateway {
namespace {

using recordings::sum_of;

const AnswerContext kContext{.call = "call_01J", .model = "asked", .now = 1};

struct Sent {
  Result<Json> body;
  std::vector<std::string> dropped;
};

Sent send(const Request& request, std::string model = "gemini-2.5-flash", std::vector<std::string> may_drop = {}) {
  const ProviderProfile profile = profile_for("gemini", nullptr);
  Refusals refusals(request.from, std::move(may_drop));
  auto body = gemini_egress().write_request(request, {.provider = "google",
                                                      .model = std::move(model),
                                                      .profile = &profile,
                                                      .max_output = 10'000,
                                                      .refusals = &refusals});
  return {.body = std::move(body), .dropped = refusals.dropped()};
}

Request chat(Json body) {
  body["model"] = "m";
  auto request = chat_ingress().read_request(std::move(body), {});
  EXPECT_TRUE(request) << request.error().message;
  return std::move(*request);
}

Request gemini(Json body) {
  auto request = gemini_ingress().read_request(std::move(body), {.model = "gemini-2.5-flash"});
  EXPECT_TRUE(request) << request.error().message;
  return std::move(*request);
}

const Json kSchema = {{"$defs", {{"City", {{"type", "object"}, {"properties", {{"name", {{"type", "string"}}}}}}}}},
                      {"type", "object"},
                      {"properties", {{"city", {{"$ref", "#/$defs/City"}}}}}};

Request tool_turns() {
  const Json call = {{"id", "c1"}, {"type", "function"}, {"function", {{"name", "shot"}, {"arguments", R"({"x":1})"}}}};
  return chat(
      {{"messages",
        {{{"role", "system"}, {"content", "Be brief."}},
         {{"role", "user"},
          {"content",
           {{{"type", "text"}, {"text", "Look"}},
            {{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,iVBO"}}}}}}},
         {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({call})}},
         {{"role", "tool"},
          {"tool_call_id", "c1"},
          {"content",
           {{{"type", "text"}, {"text", "ok"}},
            {{"type", "image_url"}, {"image_url", {{"url", "data:image/jpeg;base64,AAAA"}}}}}}},
         {{"role", "developer"}, {"content", "Now in French."}},
         {{"role", "user"}, {"content", "And?"}}}},
       {"tools", {{{"type", "function"}, {"function", {{"name", "shot"}, {"parameters", kSchema}, {"strict", true}}}}}},
       {"tool_choice", "required"},
       {"response_format",
        {{"type", "json_schema"}, {"json_schema", {{"name", "a"}, {"schema", kSchema}, {"strict", true}}}}},
       {"stop", "END"},
       {"n", 2},
       {"reasoning_effort", "high"}});
}

TEST(GeminiRequest, AChatWithToolsPicturesAndSchemas) {
  const Sent sent = send(tool_turns());
  ASSERT_TRUE(sent.body) << sent.body.error().message;
  const Json& body = *sent.body;
  EXPECT_EQ(body["systemInstruction"]["parts"], (Json{{{"text", "Be brief."}}, {{"text", "Now in French."}}}));
  const Json& contents = body["contents"];
  ASSERT_EQ(contents.size(), 3u) << dump(contents);
  EXPECT_EQ(contents[0]["parts"][1]["inlineData"], (Json{{"mimeType", "image/png"}, {"data", "iVBO"}}));
  EXPECT_EQ(contents[1]["role"], "model");
  EXPECT_EQ(contents[1]["parts"][0]["functionCall"], (Json{{"id", "c1"}, {"name", "shot"}, {"args", {{"x", 1}}}}));
  EXPECT_FALSE(contents[1]["parts"][0].contains("thoughtSignature"));
  EXPECT_EQ(contents[2]["parts"][0]["functionResponse"],
            (Json{{"id", "c1"}, {"name", "shot"}, {"response", {{"result", "ok"}}}}));
  EXPECT_EQ(contents[2]["parts"][1]["inlineData"]["data"], "AAAA");  // the result's image survives
  EXPECT_EQ(contents[2]["parts"][2]["text"], "And?");
  EXPECT_EQ(body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"], kSchema);
  EXPECT_EQ(body["toolConfig"]["functionCallingConfig"]["mode"], "ANY");
  const Json& config = body["generationConfig"];
  EXPECT_EQ(config["responseJsonSchema"], kSchema);
  EXPECT_EQ(config["responseMimeType"], "application/json");
  EXPECT_EQ(config["stopSequences"], Json{"END"});
  EXPECT_EQ(config["candidateCount"], 2);
  EXPECT_EQ(config["maxOutputTokens"], 10'000);
  EXPECT_EQ(config["thinkingConfig"]["thinkingBudget"], 9'999);
  const Json third = *send(tool_turns(), "gemini-3-pro-preview").body;
  EXPECT_EQ(third["generationConfig"]["thinkingConfig"]["thinkingLevel"], "high");
  EXPECT_EQ(third["contents"][1]["parts"][0]["thoughtSignature"], "skip_thought_signature_validator");
}

TEST(GeminiRequest, WhatItCantDoIsRefusedByTheCallersName) {
  const Json tools = {{{"type", "function"}, {"function", {{"name", "f"}}}}};
  struct {
    Json asked;
    const char* param;
  } cases[] = {{{{"logit_bias", {{"1", 1}}}}, "logit_bias"},
               {{{"verbosity", "low"}}, "verbosity"},
               {{{"n", 9}}, "n"},
               {{{"stop", {"1", "2", "3", "4", "5", "6"}}}, "stop"},
               {{{"tools", tools}, {"parallel_tool_calls", false}}, "parallel_tool_calls"},
               {{{"web_search_options", Json::object()}}, "web_search_options"}};
  for (auto& one : cases) {
    one.asked["messages"] = {{{"role", "user"}, {"content", "Hi"}}};
    const Sent sent = send(chat(one.asked));
    ASSERT_FALSE(sent.body) << one.param;
    EXPECT_EQ(sent.body.error().details["param"], one.param);
    const Sent dropped = send(chat(one.asked), "gemini-2.5-flash", {"unsupported"});
    ASSERT_TRUE(dropped.body) << one.param;
    EXPECT_EQ(dropped.dropped, std::vector<std::string>{one.param});
  }
}

// Gemini takes arguments and results as JSON; nested by the hundred thousand they ended the process.
TEST(GeminiRequest, ArgumentsAndResultsNestedWithoutEndGoOutAsText) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const Json call = {{"id", "c1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", deep}}}};
  const auto sent = send(chat({{"messages",
                                {{{"role", "user"}, {"content", "Go"}},
                                 {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", Json::array({call})}},
                                 {{"role", "tool"}, {"tool_call_id", "c1"}, {"content", deep}}}}}));
  ASSERT_TRUE(sent.body) << sent.body.error().message;
  const Json& contents = (*sent.body)["contents"];
  EXPECT_EQ(contents[1]["parts"][0]["functionCall"]["args"]["arguments"].get<std::string>(), deep);
  EXPECT_EQ(contents[2]["parts"][0]["functionResponse"]["response"]["result"].get<std::string>(), deep);
}

TEST(GeminiRequest, BothSpellingsAndCallsWithoutIds) {
  const Request request =
      gemini({{"system_instruction", {{"parts", {{{"text", "S"}}}}}},
              {"contents",
               {{{"role", "user"}, {"parts", {{{"inline_data", {{"mime_type", "image/png"}, {"data", "iVBO"}}}}}}},
                {{"role", "model"},
                 {"parts",
                  {{{"function_call", {{"name", "f"}, {"args", {{"snake_case", 1}}}}}},
                   {{"functionCall", {{"name", "f"}, {"args", {{"b", 2}}}}}}}}},
                {{"role", "user"},
                 {"parts",
                  {{{"functionResponse", {{"name", "f"}, {"response", {{"output", "one"}}}}}},
                   {{"functionResponse", {{"name", "f"}, {"response", {{"error", "two"}}}}}}}}}}},
              {"tools", {{{"function_declarations", {{{"name", "f"}, {"parameters_json_schema", kSchema}}}}}}},
              {"generation_config", {{"max_output_tokens", 5}, {"thinking_config", {{"include_thoughts", true}}}}}});
  EXPECT_EQ(request.max_output, 5);
  EXPECT_EQ(request.thinking.show, true);
  EXPECT_EQ(request.tools[0].parameters, kSchema);
  const auto& calls = request.messages[2].parts;
  const auto& results = request.messages[3].parts;
  EXPECT_EQ(std::get<ToolCall>(calls[0].body).arguments, R"({"snake_case":1})");
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_FALSE(std::get<ToolCall>(calls[i].body).id.empty());
    EXPECT_EQ(std::get<ToolCall>(calls[i].body).id, std::get<ToolResult>(results[i].body).call_id);
  }
  EXPECT_EQ(text_of(std::get<ToolResult>(results[0].body).content), "one");
  EXPECT_TRUE(std::get<ToolResult>(results[1].body).is_error);
  const Json back = *send(request).body;
  EXPECT_FALSE(back["contents"][1]["parts"][0]["functionCall"].contains("id"));
}

TEST(GeminiRequest, GooglesSchemasBecomeJsonSchema) {
  const Json subset = {{"type", "OBJECT"},
                       {"nullable", true},
                       {"properties",
                        {{"a", {{"type", "STRING"}, {"enum", {"x"}}, {"nullable", true}}},
                         {"l", {{"type", "ARRAY"}, {"minItems", "2"}, {"items", {{"type", "INTEGER"}}}}}}},
                       {"propertyOrdering", {"l", "a"}}};
  const Json schema = gemini::json_schema_of(subset);
  EXPECT_EQ(schema["type"], (Json{"object", "null"}));
  EXPECT_EQ(schema["properties"]["a"]["type"], (Json{"string", "null"}));
  EXPECT_EQ(schema["properties"]["a"]["enum"], (Json{"x", nullptr}));
  EXPECT_EQ(schema["properties"]["l"], (Json{{"type", "array"}, {"minItems", 2}, {"items", {{"type", "integer"}}}}));
  EXPECT_FALSE(schema.contains("propertyOrdering"));
}

TEST(GeminiSignatures, AreBase64AndGoToTheirMakerOnly) {
  const Signature made{.value = "AB+/", .provider = "google"};
  const std::string sealed = gemini::seal(made);
  ASSERT_TRUE(from_base64(sealed));  // clients take it for bytes
  EXPECT_EQ(gemini::open_seal(sealed).value, "AB+/");
  EXPECT_EQ(gemini::open_seal(sealed).provider, "google");
  std::string url = sealed;  // as Python gives it back
  std::ranges::replace(url, '+', '-');
  std::ranges::replace(url, '/', '_');
  EXPECT_EQ(gemini::open_seal(url).provider, "google");
  EXPECT_EQ(gemini::open_seal("AB_-").value, "AB_-");
  const auto ask = [&](const std::string& provider) {
    const std::string proof = gemini::seal({.value = "AB+/", .provider = provider});
    return gemini({{"contents", {{{"role", "model"}, {"parts", {{{"text", "x"}, {"thoughtSignature", proof}}}}}}}});
  };
  EXPECT_EQ((*send(ask("google")).body)["contents"][0]["parts"][0]["thoughtSignature"], "AB+/");
  const Sent other = send(ask("anthropic"));
  EXPECT_FALSE((*other.body)["contents"][0]["parts"][0].contains("thoughtSignature"));
  EXPECT_EQ(other.dropped, std::vector<std::string>{"contents[0].signature"});
}

TEST(GeminiAnswer, CountsThatGoogleTellsApartAreAddedUp) {
  const ledger::Usage usage =
      gemini::read_usage({{"promptTokenCount", 100},
                          {"toolUsePromptTokenCount", 40},
                          {"cachedContentTokenCount", 60},
                          {"candidatesTokenCount", 20},
                          {"thoughtsTokenCount", 30},
                          {"totalTokenCount", 190},
                          {"trafficType", "ON_DEMAND_FLEX"},
                          {"promptTokensDetails",
                           {{{"modality", "TEXT"}, {"tokenCount", 90}}, {{"modality", "AUDIO"}, {"tokenCount", 10}}}}});
  EXPECT_EQ(usage.prompt_tokens, 140);
  EXPECT_EQ(usage.cached_tokens, 60);
  EXPECT_EQ(usage.completion_tokens, 50);
  EXPECT_EQ(usage.reasoning_tokens, 30);
  EXPECT_EQ(usage.audio_input_tokens, 10);
  EXPECT_EQ(usage.service, ledger::ServiceLevel::kFlex);
  const Json told = gemini::write_usage(usage, {});
  EXPECT_EQ(told["candidatesTokenCount"], 20);
  EXPECT_EQ(told["thoughtsTokenCount"], 30);
  EXPECT_EQ(told["totalTokenCount"], 190);
}

TEST(GeminiAnswer, SegmentsCountBytesAndCitationsCharacters) {
  const std::string text = "Grüße aus Köln.";
  const Json candidate = {{"content", {{"parts", {{{"text", text}}}}, {"role", "model"}}},
                          {"finishReason", "STOP"},
                          {"groundingMetadata",
                           {{"groundingChunks", {{{"web", {{"uri", "https://a.example"}, {"title", "A"}}}}}},
                            {"groundingSupports",
                             {{{"segment", {{"startIndex", 8}, {"endIndex", 18}, {"text", "aus Köln."}}},
                               {"groundingChunkIndices", {0u}}}}},
                            {"webSearchQueries", {"a", "b"}}}}};
  for (const auto& [model, searches] : {std::pair{"gemini-2.5-flash", 1}, std::pair{"gemini-3-pro-preview", 2}}) {
    const Json body = {{"candidates", Json::array({candidate})},
                       {"modelVersion", model},
                       {"usageMetadata", {{"promptTokenCount", 1}, {"candidatesTokenCount", 2}}}};
    const auto deltas = gemini_egress().reader("google")->whole(body);
    ASSERT_TRUE(deltas);
    const WholeAnswer answer = sum_of(*deltas, "");
    const auto& citations = std::get<Text>(answer.choices.at(0).parts[0].body).citations;
    ASSERT_EQ(citations.size(), 1u);
    EXPECT_EQ(citations[0].start, 6);
    EXPECT_EQ(citations[0].end, 15);
    EXPECT_EQ(answer.usage->usage.tool_calls.at("web_search"), searches);
    const Json back = gemini::grounding_of(citations, text);
    EXPECT_EQ(back["groundingSupports"][0]["segment"],
              (Json{{"startIndex", 8}, {"endIndex", 18}, {"text", "aus Köln."}}));
  }
}

TEST(GeminiAnswer, APromptThatWasBlocked) {
  const auto deltas =
      gemini_egress().reader("google")->whole({{"promptFeedback", {{"blockReason", "SAFETY"}}}, {"modelVersion", "m"}});
  ASSERT_TRUE(deltas);
  const WholeAnswer answer = sum_of(*deltas, "");
  EXPECT_EQ(answer.choices.at(0).finish->reason, FinishReason::kContentFilter);
  EXPECT_EQ(answer.begin.extra["promptFeedback"]["blockReason"], "SAFETY");
}

TEST(GeminiAnswer, PathsOfArgumentsThatMakeNoSenseArePassedOver) {
  Json args = Json::object();
  for (const char* path : {"", "$", "$.", "$.a[", "$.a[-1]", "$.a[99999999999]", "a[0]x"})
    gemini::put_argument(args, {{"jsonPath", path}, {"stringValue", "v"}});
  gemini::put_argument(args, {{"jsonPath", "$['k'][1].b"}, {"boolValue", true}});
  gemini::put_argument(args, {{"jsonPath", "$.k.c"}, {"stringValue", "no object"}});
  EXPECT_EQ(args["k"], (Json{nullptr, {{"b", true}}}));
}

// A chat model's answer to a Gemini client, streamed.
TEST(GeminiWriter, AnswersOfOtherDialects) {
  auto reader = chat_egress().reader("openai");
  auto writer = gemini_ingress().writer({}, kContext);
  std::string bytes;
  const Json call = {
      {"index", 0}, {"id", "c1"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{\"x\":"}}}};
  for (const Json& choice : {Json{{"delta", {{"reasoning_content", "Hm"}}}}, Json{{"delta", {{"content", "Hi"}}}},
                             Json{{"delta", {{"tool_calls", Json::array({call})}}}},
                             Json{{"delta", {{"tool_calls", {{{"index", 0}, {"function", {{"arguments", "1}"}}}}}}}}},
                             Json{{"delta", Json::object()}, {"finish_reason", "tool_calls"}}}) {
    auto deltas = reader->event("", {{"model", "gpt"}, {"choices", Json::array({choice})}});
    ASSERT_TRUE(deltas);
    for (const auto& delta : *deltas) bytes += writer->delta(delta);
  }
  bytes +=
      writer->finish({.prompt_tokens = 3, .completion_tokens = 9, .reasoning_tokens = 4}, {{"cost_microusd", "1"}});
  EXPECT_EQ(bytes.find("\n:"), std::string::npos);  // Google's clients take no comments
  std::vector<Json> chunks;
  const auto events = net::SseReader().feed(bytes);
  for (const auto& event : *events) chunks.push_back(parse_own(event.data));
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0]["candidates"][0]["content"]["parts"][0], (Json{{"text", "Hm"}, {"thought", true}}));
  EXPECT_EQ(chunks[1]["candidates"][0]["content"]["parts"][0], (Json{{"text", "Hi"}}));
  EXPECT_EQ(chunks[2]["candidates"][0]["content"]["parts"][0]["functionCall"],
            (Json{{"id", "c1"}, {"name", "f"}, {"args", {{"x", 1}}}}));
  EXPECT_EQ(chunks[3]["candidates"][0]["finishReason"], "STOP");
  EXPECT_EQ(chunks[3]["usageMetadata"]["thoughtsTokenCount"], 4);
  EXPECT_EQ(chunks[3]["usageMetadata"]["candidatesTokenCount"], 5);
  EXPECT_EQ(chunks[3]["modelVersion"], "asked");
}

// OpenAI's refusal, which ends with "stop", some words before it or none: Gemini's callers know it by the finish alone.
TEST(GeminiWriter, ARefusalEndsAsGooglesDo) {
  for (const Json& content : {Json(nullptr), Json("Sorry.")}) {
    const Json message = {{"role", "assistant"}, {"content", content}, {"refusal", "I can't help with that."}};
    const Json choice = {{"index", 0}, {"message", message}, {"finish_reason", "stop"}};
    const auto deltas = chat_egress().reader("openai")->whole({{"model", "gpt"}, {"choices", Json::array({choice})}});
    ASSERT_TRUE(deltas);
    const Json body = gemini_ingress().write_answer(sum_of(*deltas, ""), {}, kContext, {}, {});
    EXPECT_EQ(body["candidates"][0]["finishReason"], "SAFETY") << content;
    EXPECT_EQ(body["candidates"][0]["content"]["parts"].back()["text"], "I can't help with that.");
    auto writer = gemini_ingress().writer({}, kContext);
    std::string bytes;
    for (const auto& delta : *deltas) bytes += writer->delta(delta);
    bytes += writer->finish({}, {});
    EXPECT_NE(bytes.find(R"("finishReason":"SAFETY")"), std::string::npos) << content;
  }
}

TEST(GeminiErrors, AKeyThatGoogleCallsInvalidIsNoFaultOfTheRequest) {
  const auto read = [](int status, const char* body) {
    return gemini_egress().read_error(status, body, net::Headers());
  };
  const Error refused = read(400, R"({"error":{"code":400,"status":"INVALID_ARGUMENT",
      "message":"API key not valid. Please pass a valid API key.","details":[
      {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}})");
  EXPECT_EQ(refused.code, ErrorCode::kUpstreamError);
  EXPECT_TRUE(routing::key_was_refused(refused));
  EXPECT_EQ(routing::failure_of(refused), routing::Failure::kNotHere);
  // Another model may be allowed: the key isn't the one that is refused.
  const Error forbidden = read(403, R"({"error":{"code":403,"status":"PERMISSION_DENIED","message":"Not allowed."}})");
  EXPECT_EQ(forbidden.code, ErrorCode::kUpstreamError);
  EXPECT_FALSE(routing::key_was_refused(forbidden));
  EXPECT_EQ(routing::failure_of(forbidden), routing::Failure::kNotHere);
  const Error wrong = read(400, R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":"No such field."}})");
  EXPECT_EQ(wrong.code, ErrorCode::kInvalidRequest);
  EXPECT_FALSE(routing::key_was_refused(wrong));
}

TEST(GeminiErrors, ContextsAndFields) {
  const auto read = [](int status, Json error) {
    return gemini_egress().read_error(status, dump(Json::array({Json{{"error", std::move(error)}}})), net::Headers());
  };
  EXPECT_EQ(
      read(400, {{"message", "The input token count (9) exceeds the maximum number of tokens allowed (4)."}}).code,
      ErrorCode::kContextTooLong);
  EXPECT_EQ(read(404, {{"message", "no model"}}).code, ErrorCode::kModelNotFound);
  EXPECT_EQ(read(503, {{"message", "overloaded"}}).code, ErrorCode::kUpstreamError);
  const Json body = gemini_ingress().write_error(Error(ErrorCode::kUnsupportedField, "No.", {{"param", "contents"}}));
  EXPECT_EQ(body["error"]["status"], "INVALID_ARGUMENT");
  EXPECT_EQ(body["error"]["details"][0]["reason"], "unsupported_parameter");
  EXPECT_EQ(body["error"]["details"][1]["fieldViolations"][0]["field"], "contents");
}

}  // namespace
}  // namespace steward::gateway
