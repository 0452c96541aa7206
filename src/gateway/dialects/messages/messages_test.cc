// What the recordings don't show: other dialects' calls and answers in Messages' words, and what is refused.
#include "gateway/dialects/messages/messages.h"
#include "base/json.h"

#include <gtest/gtest.h>

#include "gateway/dialects/recordings_testing.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

Request from_chat() {
  Request request;
  request.from = Dialect::kChat;
  request.model = "m";
  return request;
}

Message says(Role role, std::string text) {
  Message message{.role = role};
  message.parts.push_back(text_part(std::move(text)));
  return message;
}

Part tool_call(std::string id, std::string name, std::string arguments) {
  Part part;
  part.body = ToolCall{.id = std::move(id), .name = std::move(name), .arguments = std::move(arguments), .space = {}};
  return part;
}

Message tool_result(std::string id, std::string text) {
  Message message{.role = Role::kTool};
  ToolResult result{.call_id = std::move(id), .name = {}, .content = {}, .structured = nullptr};
  result.content.push_back(text_part(std::move(text)));
  Part part;
  part.body = std::move(result);
  message.parts.push_back(std::move(part));
  return message;
}

struct Written {
  Result<Json> body;
  std::vector<std::string> dropped;
};

Written write(const Request& request, std::string model = "claude-sonnet-4-5", std::vector<std::string> may_drop = {},
              const ProviderProfile& profile = plain_profile(ProviderDialect::kAnthropic)) {
  Refusals refusals(request.from, std::move(may_drop));
  const OutgoingCall call{.provider = "anthropic",
                          .model = std::move(model),
                          .profile = &profile,
                          .max_output = request.max_output.value_or(4096),
                          .stream = request.stream,
                          .refusals = &refusals};
  auto body = messages_egress().write_request(request, call);
  return {std::move(body), refusals.dropped()};
}

TEST(Messages, AnotherDialectsTurnsAreBroughtIntoOrder) {
  Request request = from_chat();
  request.messages = {says(Role::kSystem, "Be brief."),
                      says(Role::kUser, "Weather in Paris and Oslo?"),
                      Message{.role = Role::kAssistant},
                      tool_result("call.1", "21"),
                      tool_result("call.2", "9"),
                      says(Role::kUser, "And?"),
                      says(Role::kDeveloper, "Now in French.")};
  request.messages[2].parts = {tool_call("call.1", "weather", R"({"city":"Paris"})"),
                               tool_call("call.2", "weather", "")};
  const auto written = write(request);
  ASSERT_TRUE(written.body) << written.body.error().message;
  EXPECT_EQ((*written.body)["system"], parse_own(R"([{"type":"text","text":"Be brief."}])"));
  EXPECT_EQ((*written.body)["messages"], parse_own(R"([
    {"role":"user","content":[{"type":"text","text":"Weather in Paris and Oslo?"}]},
    {"role":"assistant","content":[
      {"type":"tool_use","id":"call_1","name":"weather","input":{"city":"Paris"}},
      {"type":"tool_use","id":"call_2","name":"weather","input":{}}]},
    {"role":"user","content":[
      {"type":"tool_result","tool_use_id":"call_1","content":[{"type":"text","text":"21"}]},
      {"type":"tool_result","tool_use_id":"call_2","content":[{"type":"text","text":"9"}]},
      {"type":"text","text":"And?"},
      {"type":"text","text":"<system>Now in French.</system>"}]}])"));
}

TEST(Messages, WhatCantBeHonouredIsRefusedByTheCallersName) {
  const std::pair<void (*)(Request&), std::string> cases[] = {
      {[](Request& r) { r.n = 2; }, "n"},
      {[](Request& r) { r.logprobs = true; }, "logprobs"},
      {[](Request& r) { r.seed = 1; }, "seed"},
      {[](Request& r) { r.presence_penalty = 0.5; }, "presence_penalty"},
      {[](Request& r) { r.frequency_penalty = 0.5; }, "frequency_penalty"},
      {[](Request& r) { r.logit_bias = {{"5", 1}}; }, "logit_bias"},
      {[](Request& r) { r.temperature = 1.5; }, "temperature"},
      {[](Request& r) { r.format.kind = Format::Kind::kJson; }, "response_format"},
      {[](Request& r) { r.extra["audio"] = {{"voice", "x"}}; }, "audio"},
      {[](Request& r) {
         Part part;
         part.body = Media{.kind = Media::Kind::kAudio, .mime = "audio/wav", .data = "AAAA"};
         r.messages[0].parts.push_back(part);
       },
       "messages[0]"},
      {[](Request& r) {
         r.tools.push_back({.kind = Tool::Kind::kCustom, .name = "free", .extra = {{"format", {}}, {"x", 1}}});
       },
       "tools[0].x"},
  };
  for (const auto& [change, name] : cases) {
    Request request = from_chat();
    request.messages = {says(Role::kUser, "Hi")};
    change(request);
    const auto refused = write(request);
    ASSERT_FALSE(refused.body) << name;
    EXPECT_EQ(refused.body.error().code, ErrorCode::kUnsupportedField) << name;
    EXPECT_EQ(refused.body.error().details["param"], name);
    const auto dropped = write(request, "claude-sonnet-4-5", {"unsupported"});
    ASSERT_TRUE(dropped.body) << name;
    EXPECT_EQ(dropped.dropped, std::vector<std::string>{name});
  }
}

// Anthropic's documentation of `tools`: name, description, input_schema.
TEST(Messages, AToolOfFreeTextIsAFunctionOfOneText) {
  Request request = from_chat();
  request.messages = {says(Role::kUser, "Mend it.")};
  request.tools = {{.kind = Tool::Kind::kCustom, .name = "patch", .description = "Mends a file."},
                   {.kind = Tool::Kind::kCustom, .name = "plain"}};
  request.tools[0].extra["format"] = {{"type", "grammar"}, {"syntax", "lark"}, {"definition", "start: /.+/"}};
  request.tools[0].cache = CacheMark{};
  request.tool_choice = {.kind = ToolChoice::Kind::kNamed, .names = {"patch"}};
  const auto written = write(request);
  ASSERT_TRUE(written.body) << written.body.error().message;
  const Json schema = parse_own(R"({"type":"object","required":["input"],"additionalProperties":false,
    "properties":{"input":{"type":"string","description":"The tool's input, as plain text."}}})");
  EXPECT_EQ((*written.body)["tools"],
            (Json{{{"name", "patch"},
                   {"description", "Mends a file.\n\nThe input must follow this lark grammar:\nstart: /.+/"},
                   {"input_schema", schema},
                   {"cache_control", {{"type", "ephemeral"}}}},
                  {{"name", "plain"}, {"input_schema", schema}}}));
  EXPECT_EQ((*written.body)["tool_choice"], (Json{{"type", "tool"}, {"name", "patch"}}));
  EXPECT_TRUE(written.dropped.empty());
}

Request offering(Dialect from, std::initializer_list<Json> hosted, bool beside = true) {
  Request request;
  request.from = from;
  request.messages = {says(Role::kUser, "Go.")};
  if (beside) request.tools.push_back({.name = "f", .parameters = {{"type", "object"}}});
  for (const Json& tool : hosted) {
    const std::string type = from == Dialect::kGemini ? tool.begin().key() : peek_text(tool, "type");
    request.tools.push_back(
        {.kind = Tool::Kind::kHosted, .type = type, .name = peek_text(tool, "name"), .extra = tool});
  }
  return request;
}

// Its members are those of Anthropic's documentation of web_search_20250305.
TEST(Messages, ASearchOfTheWebBecomesTheProvidersOwn) {
  const ProviderProfile& anthropic = *find_profile("anthropic");
  const Request asked = offering(Dialect::kResponses, {parse_own(R"({"type":"web_search","search_context_size":"low",
    "user_location":{"type":"approximate","city":"Oslo","region":null},"filters":{"allowed_domains":["a.example"]}})")});
  const auto written = write(asked, "claude-sonnet-4-5", {}, anthropic);
  ASSERT_TRUE(written.body) << written.body.error().message;
  EXPECT_EQ((*written.body)["tools"][1], parse_own(R"({"type":"web_search_20250305","name":"web_search","max_uses":10,
    "user_location":{"type":"approximate","city":"Oslo"},"allowed_domains":["a.example"]})"));
  EXPECT_EQ(written.dropped, std::vector<std::string>{"tools[1].search_context_size"});
  const Request googles =
      offering(Dialect::kGemini,
               {parse_own(R"({"googleSearch":{"excludeDomains":["b.example"],"timeRangeFilter":{}}})")}, false);
  const auto own_names = write(googles, "claude-sonnet-4-5", {}, anthropic);
  ASSERT_TRUE(own_names.body) << own_names.body.error().message;
  EXPECT_EQ((*own_names.body)["tools"][0], parse_own(R"({"type":"web_search_20250305","name":"web_search","max_uses":10,
    "blocked_domains":["b.example"]})"));
  EXPECT_EQ(own_names.dropped, std::vector<std::string>{"tools[0].timeRangeFilter"});
}

TEST(Messages, HostedToolsThatTheProviderDoesntRunAreLeftOutAndTold) {
  const ProviderProfile &anthropic = *find_profile("anthropic"), &bedrock = *find_profile("bedrock"),
                        &plain = plain_profile(ProviderDialect::kAnthropic);
  const Json search = {{"type", "web_search"}}, code = {{"type", "code_interpreter"}};
  const Json own = {{"type", "web_search_20250305"}, {"name", "web_search"}};
  const struct {
    Request asked;
    const ProviderProfile& provider;
    std::vector<std::string> dropped;
  } cases[] = {
      {offering(Dialect::kResponses, {code}), anthropic, {"tools[1] (code_interpreter)"}},
      {offering(Dialect::kResponses, {search}), bedrock, {"tools[1] (web_search)"}},
      {offering(Dialect::kResponses, {search}), plain, {"tools[1] (web_search)"}},
      {offering(Dialect::kGemini, {{{"googleSearch", Json::object()}}}), bedrock, {"tools[1] (googleSearch)"}},
      {offering(Dialect::kResponses, {parse_own(R"({"type":"web_search","external_web_access":false})")}),
       anthropic,
       {"tools[1] (web_search)"}},
      {offering(Dialect::kMessages, {own}), bedrock, {"tools[1] (web_search_20250305)"}},
  };
  for (const auto& one : cases) {
    const auto written = write(one.asked, "claude-sonnet-4-5", {}, one.provider);
    ASSERT_TRUE(written.body) << written.body.error().message;
    EXPECT_EQ((*written.body)["tools"].size(), 1u) << one.dropped[0];
    EXPECT_EQ(written.dropped, one.dropped);
    Request alone = one.asked;
    alone.tools.erase(alone.tools.begin());
    const auto refused = write(alone, "claude-sonnet-4-5", {}, one.provider);
    ASSERT_FALSE(refused.body) << one.dropped[0];
    EXPECT_EQ(refused.body.error().details["param"], "tools[0]");
  }
}

TEST(Messages, ToolsOfAnthropicsThatRunAtTheCallersGoToBedrockToo) {
  const Json bash = {{"type", "bash_20250124"}, {"name", "bash"}};  // on the list that AWS tells in its refusals
  const auto written = write(offering(Dialect::kMessages, {bash}, false), "m", {}, *find_profile("bedrock"));
  ASSERT_TRUE(written.body) << written.body.error().message;
  EXPECT_EQ((*written.body)["tools"], Json::array({bash}));
}

TEST(Messages, NoTwoToolsGoByTheNameOfTheSearch) {
  Request twice = offering(Dialect::kResponses, {{{"type", "web_search"}}, {{"type", "web_search_preview"}}});
  const auto once = write(twice, "claude-sonnet-4-5", {}, *find_profile("anthropic"));
  ASSERT_TRUE(once.body);
  EXPECT_EQ((*once.body)["tools"].size(), 2u);
  EXPECT_EQ(once.dropped, std::vector<std::string>{"tools[2] (web_search_preview)"});
  twice.tools[0].name = "web_search";
  const auto none = write(twice, "claude-sonnet-4-5", {}, *find_profile("anthropic"));
  ASSERT_TRUE(none.body);
  EXPECT_EQ((*none.body)["tools"].size(), 1u);
  EXPECT_EQ(none.dropped.size(), 2u);
}

TEST(Messages, ThinkingGoesBackToItsMakerOnly) {
  for (const auto& [maker, stays] : {std::pair{"anthropic", true}, std::pair{"other", false}, std::pair{"", false}}) {
    Request request = from_chat();
    Part thought;
    thought.body = Reasoning{.text = "hm", .summary = {}};
    thought.signature = {.value = "sig", .provider = maker};
    Message turn = says(Role::kAssistant, "4");
    turn.parts.insert(turn.parts.begin(), thought);
    request.messages = {says(Role::kUser, "2+2"), turn, says(Role::kUser, "why?")};
    const auto written = write(request);
    ASSERT_TRUE(written.body);
    const Json& blocks = (*written.body)["messages"][1]["content"];
    ASSERT_EQ(blocks.size(), stays ? 2u : 1u) << maker;
    if (stays) EXPECT_EQ(blocks[0], parse_own(R"({"type":"thinking","thinking":"hm","signature":"sig"})"));
    EXPECT_EQ(written.dropped.empty(), stays);
  }
}

TEST(Messages, EffortsBecomeWhatTheModelTakes) {
  Request request = from_chat();
  request.messages = {says(Role::kUser, "2+2")};
  request.max_output = 20'000;
  request.thinking.effort = "medium";
  EXPECT_EQ((*write(request).body)["thinking"], parse_own(R"({"type":"enabled","budget_tokens":8192})"));
  const Json newer = *write(request, "claude-opus-4-8").body;
  EXPECT_EQ(newer["thinking"]["type"], "adaptive");
  EXPECT_EQ(newer["output_config"]["effort"], "medium");
  request.max_output = 500;  // no room for the least budget
  const auto small = write(request);
  EXPECT_FALSE(small.body->contains("thinking"));
  EXPECT_EQ(small.dropped, std::vector<std::string>{"reasoning_effort"});
}

TEST(Messages, ASchemaAndDocumentsAndToolImagesArrive) {
  Request request = from_chat();
  request.format = {.kind = Format::Kind::kSchema, .name = "x", .description = {}};
  request.format.schema =
      parse_own(R"({"$defs":{"a":{"type":"string"}},"type":"object","properties":{"z":{"$ref":"#/$defs/a"}}})");
  Message user{.role = Role::kUser};
  Part pdf, plain, image;
  pdf.body = Media{.kind = Media::Kind::kDocument, .mime = "application/pdf", .data = "JVBERi0x", .name = "a.pdf"};
  plain.body = Media{.kind = Media::Kind::kDocument, .mime = "text/plain", .data = "aGk="};
  image.body = Media{.kind = Media::Kind::kImage, .url = "https://example.org/cat.png"};
  user.parts = {pdf, plain, image};
  Message result = tool_result("c1", "seen");
  std::get<ToolResult>(result.parts[0].body).content.push_back(image);
  Message calls{.role = Role::kAssistant};
  calls.parts = {tool_call("c1", "look", "{}")};
  request.messages = {user, calls, result};
  const auto written = write(request);
  ASSERT_TRUE(written.body) << written.body.error().message;
  const Json& body = *written.body;
  EXPECT_EQ(body["output_config"]["format"], (Json{{"type", "json_schema"}, {"schema", request.format.schema}}));
  EXPECT_EQ(body["messages"][0]["content"], parse_own(R"([
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"},"title":"a.pdf"},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"hi"}},
    {"type":"image","source":{"type":"url","url":"https://example.org/cat.png"}}])"));
  EXPECT_EQ(body["messages"][2]["content"][0]["content"][1]["source"]["url"], "https://example.org/cat.png");
}

TEST(Messages, UsageIsCountedOnceThoughToldTwice) {
  const std::string stream =
      R"(data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7,"output_tokens_details":{"thinking_tokens":3},"server_tool_use":{"web_search_requests":2}}}

data: {"type":"message_stop"}

)";
  const auto deltas = recordings::read_pieces(*messages_egress().reader("p"), {stream});
  ASSERT_TRUE(deltas) << deltas.error();
  const ledger::Usage usage = recordings::sum_of(*deltas, "usage").usage->usage;
  EXPECT_EQ(usage.prompt_tokens, 45);
  EXPECT_EQ(usage.cached_tokens, 5);
  EXPECT_EQ(usage.cache_write_5m_tokens, 10);
  EXPECT_EQ(usage.cache_write_1h_tokens, 20);
  EXPECT_EQ(usage.completion_tokens, 7);
  EXPECT_EQ(usage.reasoning_tokens, 3);
  EXPECT_EQ(usage.tool_calls.at("web_search"), 2);
  const Json again = messages::write_usage(usage, nullptr);
  EXPECT_EQ(again["input_tokens"], 10);
  EXPECT_EQ(again["cache_creation_input_tokens"], 30);
  EXPECT_EQ(again["cache_read_input_tokens"], 5);
}

TEST(Messages, RoundsOfTheServerAreAddedUp) {
  const Json usage = parse_own(R"({"input_tokens":612,"output_tokens":2819,"iterations":[
    {"type":"compaction","input_tokens":60385,"output_tokens":522},{"type":"message","input_tokens":612,"output_tokens":2819}]})");
  EXPECT_EQ(messages::read_usage(usage).prompt_tokens, 60'997);
  EXPECT_EQ(messages::read_usage(usage).completion_tokens, 3'341);
}

std::vector<std::string> events_of(const std::string& stream) {
  std::vector<std::string> out;
  net::SseReader reader;
  for (const auto& event : *reader.feed(stream)) {
    const Json data = parse_own(event.data);
    std::string text = peek_text(data, "type");
    EXPECT_EQ(event.event, text);
    if (data.contains("index")) text += fmt::format(" {}", data["index"].get<int64_t>());
    for (const char* name : {"text", "partial_json", "thinking", "signature"}) {
      if (const std::string said = peek_text(peek(data, "delta"), name); !said.empty()) text += " " + said;
    }
    out.push_back(std::move(text));
  }
  return out;
}

TEST(Messages, BlocksOfAStreamNeverOverlap) {
  const Request request;
  auto writer = messages_ingress().writer(request, {.call = "call_7", .model = "m", .now = 1});
  std::string out = writer->delta(Begin{.from = Dialect::kChat, .id = "x", .model = "y"});
  EXPECT_EQ(writer->keep_alive(), ": keep-alive\n\n");
  out += writer->delta(Open{.part = 0, .value = tool_call("a", "one", "")});
  out += writer->delta(Open{.part = 1, .value = tool_call("b", "two", "")});
  out += writer->delta(Append{.part = 1, .text = "{\"x\":"});
  out += writer->delta(Append{.part = 0, .text = "{}"});
  out += writer->delta(Append{.part = 1, .text = "1}"});
  out += writer->delta(Close{.part = 1});
  out += writer->delta(Close{.part = 0});
  out += writer->delta(Finish{.reason = FinishReason::kToolCalls, .raw = "tool_calls"});
  out += writer->finish({.prompt_tokens = 5, .completion_tokens = 2}, Json::object());
  EXPECT_EQ(events_of(out),
            (std::vector<std::string>{"message_start", "content_block_start 0", "content_block_delta 0 {}",
                                      "content_block_stop 0", "content_block_start 1",
                                      "content_block_delta 1 {\"x\":", "content_block_delta 1 1}",
                                      "content_block_stop 1", "message_delta", "message_stop"}));
  EXPECT_NE(out.find(R"("stop_reason":"tool_use")"), std::string::npos);
  EXPECT_NE(out.find("event: ping"), 0u);
  EXPECT_EQ(events_of(writer->keep_alive()), std::vector<std::string>{"ping"});
}

TEST(Messages, AnotherDialectsItemsComeBackWithTheNextBlock) {
  const Request request;
  WholeAnswer answer;
  answer.begin.from = Dialect::kResponses;
  Part search, thought;
  search.body = Foreign{.from = Dialect::kResponses, .type = "web_search_call", .raw = {{"id", "ws_1"}}};
  thought.body = Reasoning{.text = {}, .summary = {"I looked.", "I found."}};
  thought.signature = {.value = "enc", .provider = "openai"};
  thought.id = "rs_1";
  answer.choices[0].parts = {thought, search, text_part("Found.")};
  answer.choices[0].finish = Finish{.reason = FinishReason::kStop};
  const Json body =
      messages_ingress().write_answer(answer, request, {.call = "call_7", .model = "m", .now = 1}, {}, {});
  ASSERT_EQ(body["content"].size(), 2u);
  EXPECT_EQ(body["content"][0]["thinking"], "I looked.\n\nI found.");
  EXPECT_EQ(body["content"][0]["signature"], "stw1.openai.enc");
  const Json back = {{"model", "m"}, {"messages", {{{"role", "assistant"}, {"content", body["content"]}}}}};
  const auto read = messages_ingress().read_request(back, {});
  ASSERT_TRUE(read) << read.error().message;
  const auto& parts = read->messages[0].parts;
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].id, "rs_1");
  EXPECT_EQ(parts[0].signature.provider, "openai");
  EXPECT_EQ(std::get<Reasoning>(parts[0].body).summary.size(), 2u);
  EXPECT_EQ(std::get<Foreign>(parts[1].body).from, Dialect::kResponses);
  EXPECT_EQ(std::get<Foreign>(parts[1].body).raw, (Json{{"id", "ws_1"}}));
}

TEST(Messages, HeadersReachAnthropicOnly) {
  net::Headers headers;
  headers.add("Anthropic-Beta", "a-2025, some-thing-new");
  headers.add("anthropic-beta", "b");
  headers.add("anthropic-version", "2026-10-21");
  const Json body = {{"model", "m"}, {"max_tokens", 5}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
  auto request = messages_ingress().read_request(body, {.model = {}, .stream = false, .headers = &headers});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->betas, (std::vector<std::string>{"a-2025", "some-thing-new", "b"}));
  Refusals refusals(Dialect::kMessages, {});
  OutgoingCall call{.provider = "p",
                    .model = "us.anthropic.claude-opus-4-8:0",
                    .profile = &plain_profile(ProviderDialect::kAnthropic),
                    .max_output = 5,
                    .stream = true,
                    .refusals = &refusals};
  const auto path = messages_egress().path(*request, call);
  EXPECT_EQ(path.headers, (std::vector<std::pair<std::string, std::string>>{
                              {"anthropic-version", "2026-10-21"}, {"anthropic-beta", "a-2025,some-thing-new,b"}}));
  call.profile = &plain_profile(ProviderDialect::kBedrock);
  EXPECT_EQ(messages_egress().path(*request, call).path,
            "/model/us.anthropic.claude-opus-4-8%3A0/invoke-with-response-stream");
  const Json bedrock = *messages_egress().write_request(*request, call);
  EXPECT_EQ(bedrock["anthropic_beta"].size(), 3u);
  EXPECT_FALSE(bedrock.contains("model") || bedrock.contains("stream"));
}

TEST(Messages, ErrorsKeepTheirKindBothWays) {
  const std::tuple<int, const char*, ErrorCode, const char*> cases[] = {
      {429, "rate_limit_error", ErrorCode::kRateLimited, "rate_limit_error"},
      {529, "overloaded_error", ErrorCode::kModelUnavailable, "overloaded_error"},
      {401, "authentication_error", ErrorCode::kUpstreamError, "api_error"},
      {404, "not_found_error", ErrorCode::kModelNotFound, "not_found_error"},
      {400, "invalid_request_error", ErrorCode::kInvalidRequest, "invalid_request_error"},
      {500, "api_error", ErrorCode::kUpstreamError, "api_error"}};
  for (const auto& [status, type, code, told] : cases) {
    const Json body = {{"type", "error"}, {"error", {{"type", type}, {"message", "the reason"}}}};
    const Error error = messages_egress().read_error(status, dump(body), {});
    EXPECT_EQ(error.code, code) << type;
    EXPECT_NE(error.message.find("the reason"), std::string::npos);
    const Json written = messages_ingress().write_error(error);
    EXPECT_EQ(written["type"], "error");
    EXPECT_EQ(written["error"]["type"], told);
    auto in_stream = messages_egress().reader("p")->event("error", body);
    ASSERT_FALSE(in_stream);
    EXPECT_EQ(in_stream.error().code, code) << "in a stream: " << type;
  }
}

TEST(Messages, AStreamThatBreaksOffIsNoAnswer) {
  auto reader = messages_egress().reader("p");
  ASSERT_TRUE(reader->event("", parse_own(R"({"type":"message_start","message":{"id":"m","content":[]}})")));
  EXPECT_FALSE(reader->finished());
  EXPECT_EQ(reader->end().error().code, ErrorCode::kUpstreamUnreachable);
  EXPECT_FALSE(reader->event("", parse_own(R"({"type":"content_block_delta","index":4,"delta":{}})")));
  EXPECT_FALSE(reader->event("", Json::array()));
}

}  // namespace
}  // namespace steward::gateway
