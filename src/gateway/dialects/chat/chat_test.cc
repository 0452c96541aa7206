// What the recordings don't show: what upstreams get wrong, other dialects' answers and calls in Chat Completions'
// words, and where providers depart from it.
#include "gateway/dialects/chat/chat.h"
#include "base/json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "gateway/dialects/recordings_testing.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

using recordings::sum_of;

const AnswerContext kContext{.call = "call_01J", .model = "asked", .now = 1'700'000'000};

Deltas read_events(const std::vector<Json>& events, const std::string& provider = "p") {
  auto reader = chat_egress().reader(provider);
  Deltas all;
  for (const auto& event : events) {
    auto deltas = reader->event("", event);
    EXPECT_TRUE(deltas) << deltas.error().message;
    for (auto& delta : *deltas) all.push_back(std::move(delta));
  }
  auto rest = reader->end();
  EXPECT_TRUE(rest) << rest.error().message;
  if (rest) all.insert(all.end(), rest->begin(), rest->end());
  recordings::expect_order(all, "");
  return all;
}

Json chunk(Json delta, Json finish = nullptr) {
  return {{"id", "x"},
          {"model", "m"},
          {"choices",
           Json::array({Json{{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish)}}})}};
}

Json call_piece(Json members) { return chunk({{"tool_calls", Json::array({std::move(members)})}}); }

std::vector<ToolCall> calls_of(const WholeAnswer& answer) {
  std::vector<ToolCall> out;
  for (const auto& part : answer.choices.at(0).parts) {
    if (const auto* call = std::get_if<ToolCall>(&part.body)) out.push_back(*call);
  }
  return out;
}

std::vector<Json> written(const Deltas& deltas, const Request& request = {}) {
  auto writer = chat_ingress().writer(request, kContext);
  std::string bytes;
  for (const auto& delta : deltas) bytes += writer->delta(delta);
  bytes += writer->finish({.prompt_tokens = 5, .completion_tokens = 7}, {{"cost_microusd", "1"}});
  std::vector<Json> out;
  const auto events = net::SseReader().feed(bytes);
  for (const auto& event : *events) {
    if (event.data != "[DONE]") out.push_back(parse_own(event.data));
  }
  return out;
}

TEST(ChatReader, ParallelCallsThatAllSayIndexZero) {
  const auto answer =
      sum_of(read_events({call_piece({{"index", 0}, {"id", "a"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}),
                          call_piece({{"index", 0}, {"id", "b"}, {"function", {{"name", "g"}, {"arguments", "{}"}}}}),
                          chunk(Json::object(), "tool_calls")}),
             "");
  const auto calls = calls_of(answer);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].name, "f");
  EXPECT_EQ(calls[1].id, "b");
}

TEST(ChatReader, PiecesOfTwoCallsInTurn) {
  const auto answer = sum_of(
      read_events({call_piece({{"index", 0}, {"id", "a"}, {"function", {{"name", "f"}, {"arguments", "{\"x\":"}}}}),
                   call_piece({{"index", 1}, {"id", "b"}, {"function", {{"name", "g"}, {"arguments", "{\"y\":"}}}}),
                   call_piece({{"index", 0}, {"function", {{"arguments", "1}"}}}}),
                   call_piece({{"index", 1}, {"function", {{"arguments", "2}"}}}}), chunk(Json::object(), "stop")}),
      "");
  const auto calls = calls_of(answer);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, "{\"x\":1}");
  EXPECT_EQ(calls[1].arguments, "{\"y\":2}");
  EXPECT_EQ(answer.choices.at(0).finish->reason, FinishReason::kToolCalls);
}

TEST(ChatReader, WhatUpstreamsGetWrongIsMended) {
  const auto answer = sum_of(
      read_events({{{"service_tier", "gold"}, {"choices", {{{"delta", {{"content", "Hi"}}}}}}},
                   call_piece({{"function", {{"arguments", Json{{"q", 1}}}}}}),  // no index, no string, no name yet
                   call_piece({{"function", {{"name", "f"}}}}),
                   chunk(Json::object(), "because")}),
      "");
  EXPECT_FALSE(answer.begin.extra.contains("service_tier"));
  const auto calls = calls_of(answer);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].name, "f");
  EXPECT_EQ(parse_own(calls[0].arguments), (Json{{"q", 1}}));
  const Json whole = chat_ingress().write_answer(answer, {}, kContext, {}, {});
  EXPECT_EQ(whole["choices"][0]["finish_reason"], "stop");
  EXPECT_FALSE(whole["choices"][0]["message"]["tool_calls"][0]["id"].get<std::string>().empty());
}

TEST(ChatReader, AStreamThatEndsInTheMiddleIsToldSo) {
  auto reader = chat_egress().reader("p");
  ASSERT_TRUE(reader->event("", chunk({{"content", "Hel"}})));
  EXPECT_FALSE(reader->finished());
  EXPECT_EQ(reader->end().error().code, ErrorCode::kUpstreamUnreachable);
  auto broken = chat_egress().reader("p")->event("", {{"error", {{"message", "overloaded"}}}});
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("overloaded"), std::string::npos);
  EXPECT_FALSE(chat_egress().reader("p")->whole({{"answer", 42}}));
}

struct Told {
  const char* what;
  const char* usage;
  int64_t prompt, cached, written, completion, reasoning;
  std::optional<NanoUsd> cost;
};

TEST(ChatUsage, EachProvidersWay) {
  const Told cases[] = {
      {"OpenAI",
       R"({"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
          "prompt_tokens_details":{"cached_tokens":80},"completion_tokens_details":{"reasoning_tokens":30}})",
       100,
       80,
       0,
       50,
       30,
       {}},
      {"xAI counts reasoning apart", R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":65,
          "completion_tokens_details":{"reasoning_tokens":50},"cost_in_usd_ticks":12345})",
       10, 0, 0, 55, 50, 1235},
      {"DeepSeek",
       R"({"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_cache_hit_tokens":64,
          "prompt_cache_miss_tokens":36})",
       100,
       64,
       0,
       5,
       0,
       {}},
      {"OpenRouter", R"({"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"cost":0.00012,"is_byok":false,
          "prompt_tokens_details":{"cached_tokens":10,"cache_write_tokens":20}})",
       100, 10, 20, 5, 0, 120'000},
      {"OpenRouter, own key",
       R"({"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":0.000001,"is_byok":true,
          "cost_details":{"upstream_inference_cost":0.00002}})",
       1, 0, 0, 1, 0, 21'000},
      {"Perplexity", R"({"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":{"total_cost":0.005}})", 1, 0,
       0, 1, 0, 5'000'000},
      {"a price without a word on whose",
       R"({"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":0.5})",
       1,
       0,
       0,
       1,
       0,
       {}},
  };
  for (const auto& one : cases) {
    const auto usage = chat::read_usage({{"usage", parse_own(one.usage)}});
    ASSERT_TRUE(usage) << one.what;
    EXPECT_EQ(usage->prompt_tokens, one.prompt) << one.what;
    EXPECT_EQ(usage->cached_tokens, one.cached) << one.what;
    EXPECT_EQ(usage->cache_write_5m_tokens, one.written) << one.what;
    EXPECT_EQ(usage->completion_tokens, one.completion) << one.what;
    EXPECT_EQ(usage->reasoning_tokens, one.reasoning) << one.what;
    EXPECT_EQ(usage->told_cost, one.cost) << one.what;
  }
  EXPECT_FALSE(chat::read_usage({{"usage", {{"prompt_tokens", -1}, {"completion_tokens", 2}}}}));
  EXPECT_FALSE(chat::read_usage({{"usage", {{"prompt_tokens", 0}, {"completion_tokens", 0}}}}));
}

// An answer of another dialect: text, a tool that ran there, more text, two calls without ids, signed reasoning.
Deltas foreign_answer() {
  Deltas out;
  PartCounter parts;
  out.push_back(Begin{.from = Dialect::kMessages, .id = "msg_1", .model = "claude", .extra = {{"container", 1}}});
  size_t part = parts.open(out, 0, Part{.body = Reasoning{.summary = {}}});
  out.push_back(Append{.part = part, .text = "Hm."});
  parts.close(out, 0, part, {.value = "sig", .provider = "anthropic"});
  part = parts.open(out, 0, text_part(""));
  out.push_back(Append{.part = part, .text = "Grüße "});
  parts.close(out, 0, part);
  part = parts.open(out, 0,
                    Part{.body = Foreign{.from = Dialect::kMessages,
                                         .type = "server_tool_use",
                                         .raw = {{"type", "server_tool_use"}, {"id", "s1"}}}});
  parts.close(out, 0, part);
  part = parts.open(out, 0, text_part(""));
  out.push_back(Append{.part = part, .text = "end"});
  out.push_back(
      Cite{.part = part,
           .citation = {.url = "https://a.example", .title = "A", .start = 0, .end = 3, .raw = {{"type", "web"}}}});
  parts.close(out, 0, part);
  for (const char* name : {"f", "g"}) {
    part = parts.open(out, 0, Part{.body = ToolCall{.name = name}});
    out.push_back(Append{.part = part, .text = "{}"});
    parts.close(out, 0, part,
                name == std::string_view("f") ? Signature{.value = "tsig", .provider = "google"} : Signature{});
  }
  out.push_back(Finish{.reason = FinishReason::kToolCalls, .raw = "tool_use", .extra = {{"secret", 1}}});
  return out;
}

void expect_given_back(const Json& message) {
  auto request = chat_ingress().read_request({{"model", "m"}, {"messages", Json::array({message})}}, {});
  ASSERT_TRUE(request) << request.error().message;
  const auto& parts = request->messages[0].parts;
  ASSERT_EQ(parts.size(), 6u);
  EXPECT_EQ(std::get<Reasoning>(parts[0].body).text, "Hm.");
  EXPECT_EQ(parts[0].signature.value, "sig");
  EXPECT_EQ(parts[0].signature.provider, "anthropic");
  EXPECT_EQ(std::get<Text>(parts[1].body).text, "Grüße ");
  EXPECT_EQ(std::get<Foreign>(parts[2].body).raw["id"], "s1");
  EXPECT_EQ(std::get<Foreign>(parts[2].body).from, Dialect::kMessages);
  EXPECT_EQ(std::get<Text>(parts[3].body).text, "end");
  EXPECT_EQ(parts[4].signature.provider, "google");
  EXPECT_NE(std::get<ToolCall>(parts[4].body).id, std::get<ToolCall>(parts[5].body).id);
}

TEST(ChatWriter, AnotherDialectsAnswerComesBackWhole) {
  const WholeAnswer answer = sum_of(foreign_answer(), "");
  const Json body = chat_ingress().write_answer(answer, {}, kContext, {.prompt_tokens = 1, .completion_tokens = 2}, {});
  const Json& choice = body["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_FALSE(choice.contains("secret"));
  EXPECT_FALSE(body.contains("container"));
  EXPECT_EQ(choice["message"]["annotations"][0]["url_citation"]["url"], "https://a.example");
  EXPECT_EQ(body["usage"]["total_tokens"], 3);
  expect_given_back(choice["message"]);
}

TEST(ChatWriter, TheSameStreamed) {
  Request asked;
  asked.include_usage = true;
  const auto chunks = written(foreign_answer(), asked);
  Json message = {{"role", "assistant"}, {"content", ""}};
  std::vector<int64_t> indexes;
  for (const auto& one : chunks) {
    EXPECT_EQ(one["object"], "chat.completion.chunk");
    EXPECT_EQ(one["model"], "asked");
    EXPECT_EQ(one["id"], "chatcmpl-01J");
    if (one["choices"].empty()) continue;
    const Json& delta = one["choices"][0]["delta"];
    message["content"] = message["content"].get<std::string>() + peek_text(delta, "content");
    message["reasoning_content"] = peek_text(message, "reasoning_content") + peek_text(delta, "reasoning_content");
    for (const char* name : {"reasoning_details", "x_steward"}) {
      if (delta.contains(name)) message[name] = delta[name];
    }
    for (const auto& call : peek(delta, "tool_calls")) {
      const auto index = call["index"].get<size_t>();
      if (call.contains("id")) {
        indexes.push_back(call["index"]);
        message["tool_calls"].push_back(call);
      } else {
        Json& into = message["tool_calls"][index];
        for (const auto& [name, value] : call.items()) {
          if (name == "function")
            into["function"]["arguments"] =
                into["function"]["arguments"].get<std::string>() + value["arguments"].get<std::string>();
          else
            into[name] = value;
        }
      }
    }
  }
  EXPECT_EQ(indexes, (std::vector<int64_t>{0, 1}));
  expect_given_back(message);
  EXPECT_EQ(chunks.back()["usage"]["completion_tokens"], 7);
  EXPECT_EQ(chunks.back()["steward"]["cost_microusd"], "1");
  for (const auto& one : written(foreign_answer())) EXPECT_FALSE(one.contains("usage"));
}

// As OpenAI's ChatCompletionMessageCustomToolCall has it: {"id", "type": "custom", "custom": {"name", "input"}}.
TEST(ChatWriter, ACustomToolThatWasCalledAsAFunctionComesBackAsItself) {
  Request asked;
  asked.tools = {{.kind = Tool::Kind::kCustom, .name = "patch"}, {.name = "look"}};
  Deltas deltas{Begin{.from = Dialect::kMessages}};
  PartCounter parts;
  const auto call = [&](const std::string& name, std::initializer_list<std::string> pieces, Signature proof) {
    Part part;
    part.body = ToolCall{.id = "c_" + name, .name = name, .arguments = {}, .space = {}};
    const size_t at = parts.open(deltas, 0, part);
    for (const auto& piece : pieces) deltas.push_back(Append{.part = at, .text = piece});
    parts.close(deltas, 0, at, std::move(proof));
  };
  call("patch", {R"({"input":"*** )", R"(Begin\n{}"})"}, {.value = "s", .provider = "q"});
  call("look", {R"({"input":)", R"("x"})"}, {});
  deltas.push_back(Finish{.reason = FinishReason::kToolCalls});
  const Json custom = {
      {"id", "c_patch"}, {"type", "custom"}, {"custom", {{"name", "patch"}, {"input", "*** Begin\n{}"}}}};
  const Json body = chat_ingress().write_answer(sum_of(deltas, ""), asked, kContext, {}, {});
  Json told = body["choices"][0]["message"]["tool_calls"];
  EXPECT_EQ(told[0].erase("extra_content"), 1u);
  EXPECT_EQ(told[0], custom);
  EXPECT_EQ(told[1]["function"]["arguments"], R"({"input":"x"})");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "tool_calls");
  Json streamed, proofs = Json::array();
  for (const auto& one : written(deltas, asked)) {
    for (const auto& piece : peek(peek(one["choices"][0], "delta"), "tool_calls")) {
      if (piece["index"] != 0) continue;
      if (piece.contains("id")) streamed = piece;
      if (piece.contains("extra_content")) proofs.push_back(piece["extra_content"]);
      if (!piece.contains("id") && piece.contains("custom")) {
        EXPECT_EQ(piece["custom"].size(), 1u);
        Json& input = streamed["custom"]["input"];
        input = input.get<std::string>() + piece["custom"]["input"].get<std::string>();
      }
      EXPECT_FALSE(piece.contains("function"));
    }
  }
  EXPECT_EQ(streamed.erase("index"), 1u);
  EXPECT_EQ(streamed, custom);
  EXPECT_EQ(proofs.size(), 1u);
}

// What an answer says is the same, whether it was written whole or as a stream that is read again.
RC_GTEST_PROP(ChatWriter, StreamAndWholeSayTheSame, ()) {
  Deltas deltas;
  PartCounter parts;
  deltas.push_back(Begin{.from = Dialect::kMessages});
  const auto kinds = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
  size_t calls = 0;
  for (const int kind : kinds) {
    Part part;
    if (kind == 0) part.body = Text{};
    if (kind == 1) part.body = Reasoning{};
    if (kind == 2) part.body = ToolCall{.id = fmt::format("c{}", calls++), .name = "f"};
    if (kind == 3) part.body = Refusal{};
    const size_t at = parts.open(deltas, 0, part);
    const auto pieces =
        *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>("a", "ß", " ", "\n", "🎉", "{}"));
    for (const auto& piece : pieces) deltas.push_back(Append{.part = at, .text = piece});
    const bool proof = kind == 1 && !pieces.empty() && *rc::gen::arbitrary<bool>();
    parts.close(deltas, 0, at, proof ? Signature{.value = "s", .provider = "q"} : Signature{});
  }
  deltas.push_back(Finish{.reason = FinishReason::kStop, .raw = "end_turn"});
  const Json whole = chat_ingress().write_answer(sum_of(deltas, ""), {}, kContext, {}, {});
  auto reader = chat_egress().reader("q");
  Deltas again;
  for (const auto& event : written(deltas)) {
    auto read = reader->event("", event);
    RC_ASSERT(read.has_value());
    again.insert(again.end(), read->begin(), read->end());
  }
  const Json streamed = chat_ingress().write_answer(sum_of(again, ""), {}, kContext, {}, {});
  const Json& a = whole["choices"][0]["message"];
  const Json& b = streamed["choices"][0]["message"];
  for (const char* name : {"content", "refusal", "tool_calls"}) {
    const Json& was = peek(a, name);
    RC_ASSERT((was == "" ? Json() : was) == (peek(b, name) == "" ? Json() : peek(b, name)));
  }
  RC_ASSERT(peek_text(a, "reasoning_content") == peek_text(b, "reasoning_content"));
}

}  // namespace
}  // namespace steward::gateway
