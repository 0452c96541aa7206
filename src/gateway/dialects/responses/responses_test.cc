#include "gateway/dialects/responses/responses.h"
#include "base/json.h"

#include <gtest/gtest.h>

#include "gateway/dialects/responses/output.h"
#include "gateway/form/custom_tools.h"
#include "gateway/peek.h"
#include "net/sse.h"

namespace steward::gateway {
namespace {

const AnswerContext kContext{.call = "call_01JD", .model = "m", .now = 7};

Request read(const char* json) {
  auto request = responses_ingress().read_request(parse_own(json), {});
  EXPECT_TRUE(request) << (request ? "" : request.error().message);
  return request ? *request : Request{};
}

Result<Json> write(const Request& request, Refusals& refusals, std::string_view provider = "p") {
  const OutgoingCall call{.provider = std::string(provider),
                          .model = "m",
                          .profile = &plain_profile(ProviderDialect::kResponses),
                          .max_output = 0,
                          .stream = false,
                          .refusals = &refusals};
  return responses_egress().write_request(request, call);
}

Json write(const Request& request) {
  Refusals refusals(request.from, {});
  auto body = write(request, refusals);
  EXPECT_TRUE(body) << (body ? "" : body.error().message);
  return body ? *body : Json();
}

Json events_of(const Request& request, const Deltas& deltas) {
  auto writer = responses_ingress().writer(request, kContext);
  std::string bytes;
  for (const auto& delta : deltas) bytes += writer->delta(delta);
  bytes += writer->finish({.prompt_tokens = 5, .completion_tokens = 3}, Json::object());
  net::SseReader sse;
  Json out = Json::array();
  for (const auto& event : *sse.feed(bytes)) out.push_back(parse_own(event.data));
  return out;
}

std::vector<std::string> types_of(const Json& events) {
  std::vector<std::string> out;
  for (const auto& event : events) out.push_back(event["type"]);
  return out;
}

Open open_of(size_t part, Part value) { return {.choice = 0, .part = part, .value = std::move(value)}; }

TEST(Responses, ItemsOfOneTurnAreOneMessageForOtherDialects) {
  const Request request = read(R"({"model":"m","instructions":"be kind","input":[
    {"role":"user","content":"go"},
    {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"E"},
    {"type":"message","role":"assistant","id":"msg_1","phase":"commentary","content":[{"type":"output_text","text":"a"}]},
    {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
    {"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
    {"type":"function_call_output","call_id":"c1","output":"1"},
    {"type":"function_call_output","call_id":"c2","output":[{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}]})");
  ASSERT_EQ(request.messages.size(), 5u);
  EXPECT_TRUE(request.messages[0].top_level);
  EXPECT_EQ(request.messages[2].role, Role::kAssistant);
  EXPECT_EQ(request.messages[2].parts.size(), 4u);
  EXPECT_EQ(request.messages[3].role, Role::kTool);
  const auto& result = std::get<ToolResult>(request.messages[4].parts[0].body);
  const auto& image = std::get<Media>(result.content[0].body);
  EXPECT_EQ(image.mime, "image/png");
  EXPECT_EQ(image.data, "AAAA");
}

TEST(Responses, NamespacesAreFlattenedAndTurnedBack) {
  const Request request = read(R"({"model":"m","input":"go","tools":[
    {"type":"function","name":"plain","parameters":{"type":"object"}},
    {"type":"namespace","name":"mcp__a","description":"A","tools":[
      {"type":"function","name":"x","description":"X","parameters":{"type":"object"},"strict":false},
      {"type":"function","name":"y","parameters":{"type":"object"}}]}],
    "tool_choice":{"type":"function","name":"x","namespace":"mcp__a"}})");
  ASSERT_EQ(request.tools.size(), 3u);
  EXPECT_EQ(request.tools[1].name, "mcp__a__x");
  EXPECT_EQ(request.tool_choice.names, std::vector<std::string>{"mcp__a__x"});
  const Json body = write(request);
  EXPECT_EQ(body["tools"][1], parse_own(R"({"type":"namespace","name":"mcp__a","description":"A","tools":[
      {"type":"function","name":"x","description":"X","parameters":{"type":"object"},"strict":false},
      {"type":"function","name":"y","parameters":{"type":"object"}}]})"));
  EXPECT_EQ(body["tool_choice"], parse_own(R"({"type":"function","name":"x","namespace":"mcp__a"})"));
  // A call that some other dialect's model made by the flat name.
  Part call;
  call.body = ToolCall{.kind = ToolCall::Kind::kFunction, .id = "c", .name = "mcp__a__y", .arguments = {}, .space = {}};
  const Json events = events_of(request, {Begin{}, open_of(0, call), Append{.choice = 0, .part = 0, .text = "{}"},
                                          Close{.choice = 0, .part = 0}, Finish{.reason = FinishReason::kToolCalls}});
  const Json& item = events.back()["response"]["output"][0];
  EXPECT_EQ(item["namespace"], "mcp__a");
  EXPECT_EQ(item["name"], "y");
}

TEST(Responses, LongAndOddNamesStayCallable) {
  const std::string flat = responses::flat_name(std::string(60, 's'), "a.b");
  EXPECT_LE(flat.size(), 64u);
  EXPECT_EQ(flat, responses::flat_name(std::string(60, 's'), "a.b"));
  EXPECT_NE(flat, responses::flat_name(std::string(60, 's'), "a_b"));
  EXPECT_EQ(flat.find('.'), std::string::npos);
}

TEST(Responses, ACustomToolThatWasCalledAsAFunctionComesBackAsItself) {
  const Request request = read(R"({"model":"m","input":"go","tools":[{"type":"custom","name":"patch"}]})");
  Part call;
  call.body = ToolCall{.kind = ToolCall::Kind::kFunction, .id = "c", .name = "patch", .arguments = {}, .space = {}};
  const Json events =
      events_of(request, {Begin{}, open_of(0, call), Append{.choice = 0, .part = 0, .text = R"({"input":"*** )"},
                          Append{.choice = 0, .part = 0, .text = R"(Begin"})"}, Close{.choice = 0, .part = 0},
                          Finish{.reason = FinishReason::kToolCalls}});
  EXPECT_EQ(types_of(events),
            (std::vector<std::string>{"response.created", "response.in_progress", "response.output_item.added",
                                      "response.custom_tool_call_input.delta", "response.custom_tool_call_input.done",
                                      "response.output_item.done", "response.completed"}));
  EXPECT_EQ(events[4]["input"], "*** Begin");
  EXPECT_EQ(events.back()["response"]["output"][0]["type"], "custom_tool_call");
}

TEST(Responses, AnotherDialectsAnswerIsAWholeSequenceOfEvents) {
  const Request request = read(R"({"model":"m","input":"go"})");
  Part thought;
  thought.body = Reasoning{.text = {}, .summary = {}, .redacted = false};
  const Json events = events_of(
      request, {Begin{.from = Dialect::kMessages}, open_of(0, thought), Append{.choice = 0, .part = 0, .text = "hm"},
                Close{.choice = 0, .part = 0, .signature = {.value = "SIG", .provider = "anthropic"}},
                open_of(1, text_part({})), Append{.choice = 0, .part = 1, .text = "a"},
                Cite{.choice = 0, .part = 1, .citation = {.url = "u", .title = "t", .start = 0, .end = 1}},
                Append{.choice = 0, .part = 1, .text = "b"}, Close{.choice = 0, .part = 1},
                Finish{.reason = FinishReason::kLength}});
  EXPECT_EQ(types_of(events),
            (std::vector<std::string>{
                "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                "response.reasoning_text.delta", "response.reasoning_text.done", "response.content_part.done",
                "response.output_item.done", "response.output_item.added", "response.content_part.added",
                "response.output_text.delta", "response.output_text.annotation.added", "response.output_text.delta",
                "response.output_text.done", "response.content_part.done", "response.output_item.done",
                "response.incomplete"}));
  const Json& response = events.back()["response"];
  EXPECT_EQ(response["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(response["output"][1]["status"], "incomplete");
  EXPECT_EQ(response["usage"]["total_tokens"], 8);
  // The signature is sealed for the client, and goes back to its maker alone.
  Json again = {{"model", "m"}, {"input", response["output"]}};
  const Request second = *responses_ingress().read_request(again, {});
  EXPECT_EQ(second.messages[0].parts[0].signature.provider, "anthropic");
  EXPECT_EQ(second.messages[0].parts[0].signature.value, "SIG");
  Refusals refusals(Dialect::kResponses, {});
  const auto body = write(second, refusals, "openai");
  ASSERT_TRUE(body);
  EXPECT_EQ(dump(*body).find("SIG"), std::string::npos);
  EXPECT_EQ(refusals.dropped().size(), 1u);
}

TEST(Responses, TwoPartsOpenAtOnceEndWhereTheyBegan) {
  const Request request = read(R"({"model":"m","input":"go"})");
  Part call;
  call.body = ToolCall{.kind = ToolCall::Kind::kFunction, .id = "c", .name = "f", .arguments = {}, .space = {}};
  const Json events = events_of(
      request, {Begin{}, open_of(0, text_part({})), Append{.choice = 0, .part = 0, .text = "a"}, open_of(1, call),
                Append{.choice = 0, .part = 1, .text = "{}"}, Append{.choice = 0, .part = 0, .text = "b"},
                Close{.choice = 0, .part = 1}, Close{.choice = 0, .part = 0}, Finish{}});
  const Json& output = events.back()["response"]["output"];
  EXPECT_EQ(output[0]["content"][0]["text"], "ab");
  EXPECT_EQ(output[1]["arguments"], "{}");
}

TEST(Responses, ACallsSignatureTravelsBesideIt) {
  const Request request = read(R"({"model":"m","input":"go"})");
  Part call;
  call.body = ToolCall{.kind = ToolCall::Kind::kFunction, .id = "c1", .name = "f", .arguments = {}, .space = {}};
  call.signature = {.value = "T", .provider = "google"};
  Part said = text_part("done");
  said.signature = {.value = "U", .provider = "google"};
  WholeAnswer answer;
  answer.begin.from = Dialect::kGemini;
  answer.choices[0].parts = {call, said};
  answer.choices[0].finish = Finish{};
  const Json body = responses_ingress().write_answer(answer, request, kContext, {}, {});
  EXPECT_EQ(body["output"].size(), 4u);
  const Request again = *responses_ingress().read_request({{"model", "m"}, {"input", body["output"]}}, {});
  ASSERT_EQ(again.messages.size(), 1u);
  ASSERT_EQ(again.messages[0].parts.size(), 2u);
  EXPECT_EQ(again.messages[0].parts[0].signature.value, "T");
  EXPECT_EQ(again.messages[0].parts[1].signature.value, "U");
}

TEST(Responses, WhatTheDialectLacksIsRefusedByTheCallersName) {
  Request request;
  request.from = Dialect::kMessages;
  request.stop = {"x"};
  Message message{.role = Role::kUser};
  message.parts.push_back(text_part("go"));
  request.messages.push_back(message);
  Refusals strict(Dialect::kMessages, {});
  const auto refused = write(request, strict);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().details["param"], "stop_sequences");
  Refusals lenient(Dialect::kMessages, {"unsupported"});
  const auto body = write(request, lenient);
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)["store"], false);
  EXPECT_EQ(lenient.dropped(), std::vector<std::string>{"stop_sequences"});
}

TEST(Responses, HostedToolsAreLeftOutBesideOwnOnesAndRefusedAlone) {
  const Request beside =
      read(R"({"model":"m","input":"go","tools":[{"type":"web_search"},{"type":"function","name":"f"}]})");
  Refusals first(Dialect::kResponses, {});
  EXPECT_TRUE(first.leave_out_hosted(beside, 0));
  EXPECT_EQ(first.dropped().size(), 1u);
  const Request alone = read(R"({"model":"m","input":"go","tools":[{"type":"web_search"}]})");
  Refusals second(Dialect::kResponses, {});
  EXPECT_FALSE(second.leave_out_hosted(alone, 0));
  const Request demanded = read(
      R"({"model":"m","input":"go","tools":[{"type":"web_search"},{"type":"function","name":"f"}],"tool_choice":{"type":"web_search"}})");
  Refusals third(Dialect::kResponses, {});
  EXPECT_FALSE(third.leave_out_hosted(demanded, 0));
}

TEST(Responses, AFailedResponseIsAnErrorWithItsReason) {
  auto reader = responses_egress().reader("p");
  const auto failed = reader->event("response.failed", parse_own(R"({"type":"response.failed","response":{"error":
    {"code":"context_length_exceeded","message":"too long"}}})"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kContextTooLong);
  EXPECT_NE(failed.error().message.find("too long"), std::string::npos);
  auto cut = responses_egress().reader("p");
  (void)cut->event("response.created", parse_own(R"({"type":"response.created","response":{"id":"r"}})"));
  EXPECT_FALSE(cut->end());
}

TEST(Responses, UsageIsReadAsThePriceTableCounts) {
  const ledger::Usage usage = responses::read_usage(parse_own(R"({"service_tier":"flex","output":[
    {"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}},
    {"type":"code_interpreter_call","container_id":"c"},{"type":"code_interpreter_call","container_id":"c"}],
    "usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40,"cache_write_tokens":10},
             "output_tokens":50,"output_tokens_details":{"reasoning_tokens":20}}})"));
  EXPECT_EQ(usage.prompt_tokens, 100);
  EXPECT_EQ(usage.cached_tokens, 40);
  EXPECT_EQ(usage.cache_write_5m_tokens, 10);
  EXPECT_EQ(usage.reasoning_tokens, 20);
  EXPECT_EQ(usage.tool_calls.at("web_search"), 1);
  EXPECT_EQ(usage.tool_calls.at("code_execution"), 1);
  EXPECT_EQ(usage.service, ledger::ServiceLevel::kFlex);
  EXPECT_FALSE(usage.tool_calls.contains("image_generation"));
}

TEST(Responses, PicturesOfTheHostedToolAreCountedWhereverTheyAreTold) {
  const auto pictures = [](const char* text) {
    return responses::read_usage(parse_own(text)).tool_calls["image_generation"];
  };
  EXPECT_EQ(pictures(R"({"output":[{"type":"image_generation_call"},{"type":"image_generation_call"}],
                         "tool_usage":{"image_gen":{"output_tokens":8320}},"usage":{"output_tokens":1}})"),
            2);
  EXPECT_EQ(pictures(R"({"output":[],"tool_usage":{"image_gen":{"output_tokens":4160}},"usage":{"output_tokens":1}})"),
            1);
  EXPECT_EQ(pictures(R"({"output":[],"tool_usage":{"image_gen":{"output_tokens":0}},"usage":{"output_tokens":1}})"), 0);
}

}  // namespace
}  // namespace steward::gateway
