// What real providers sent and were sent, read and written back. Normalisations under which a request written back is
// the same as the one recorded (each changes nothing of what is asked):
//  - members that are null are left out; `n` 1, `stream` false and a tool's empty description too;
//  - `stream_options.include_usage` is always asked for where the provider knows it;
//  - the limit of output stands under the provider's own name;
//  - empty lists (`tools`, `tool_calls`, `content`) are left out;
//  - `content` null stands in an assistant's message without content; empty reasoning lists are left out;
//  - a tool without `type` gets "function"; a call's `index`, which answers have, is left out of requests.
#include "base/json_bounded.h"
#include "gateway/dialects/recordings_testing.h"

#include <gtest/gtest.h>

#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

bool is_chat(const Json& body) { return body.is_object() && body.contains("choices"); }

ProviderProfile profile_of(const std::string& uri) {
  static constexpr std::pair<std::string_view, std::string_view> kHosts[] = {{"api.openai.com", "openai"},
                                                                             {"api.groq.com", "groq"},
                                                                             {"api.mistral.ai", "mistral"},
                                                                             {"openrouter.ai", "openrouter"},
                                                                             {"api.deepseek.com", "deepseek"},
                                                                             {"api.z.ai", "zai"},
                                                                             {"api.cerebras.ai", "cerebras"},
                                                                             {"ollama", "ollama"},
                                                                             {":11434", "ollama"},
                                                                             {"huggingface.co", "huggingface"}};
  for (const auto& [host, name] : kHosts) {
    if (uri.find(host) != std::string::npos) return profile_for(name, nullptr);
  }
  return plain_profile(ProviderDialect::kOpenAi);
}

Json normalised(Json body) {
  if (body.is_object()) {
    Json out = Json::object();
    for (const auto& [name, value] : body.items()) {
      if (!value.is_null()) out[name] = normalised(value);
    }
    return out;
  }
  if (body.is_array()) {
    for (auto& one : body) one = normalised(one);
  }
  return body;
}

Json expected(Json body, const ProviderProfile& profile) {
  body = normalised(std::move(body));
  if (body.value("n", 1) == 1) body.erase("n");
  if (body.value("stream", false) == false) body.erase("stream");
  if (body.contains("stream") && profile.quirks.stream_usage_option) body["stream_options"]["include_usage"] = true;
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    if (!body.contains(name)) continue;
    Json limit = body[name];
    body.erase(name);
    body["limit"] = limit;
  }
  for (auto& tool : body["tools"]) {
    if (tool.contains("function") && tool["function"].value("description", "x").empty())
      tool["function"].erase("description");
    if (!tool.contains("type")) tool["type"] = "function";
  }
  if (body["tools"].empty()) body.erase("tools");
  for (auto& message : body["messages"]) {
    for (auto& call : message["tool_calls"]) call.erase("index");
    if (message["tool_calls"].empty()) message.erase("tool_calls");
    if (message["content"].is_null() || (message["content"].is_array() && message["content"].empty()))
      message.erase("content");
  }
  return body;
}

TEST(ChatRecordings, RequestsComeOutAsTheyWere) {
  size_t read = 0;
  for (const auto& pair : recordings::pairs("chat/completions")) {
    if (pair.request.is_null()) continue;
    const std::string what = pair.file + " " + pair.uri;
    auto request = chat_ingress().read_request(pair.request, {});
    ASSERT_TRUE(request) << what << ": " << request.error().message;
    const ProviderProfile profile = profile_of(pair.uri);
    Refusals refusals(Dialect::kChat, {});
    const OutgoingCall call{.provider = "p",
                            .model = request->model,
                            .profile = &profile,
                            .max_output = request->max_output.value_or(0),
                            .stream = request->stream,
                            .refusals = &refusals};
    auto body = chat_egress().write_request(*request, call);
    ASSERT_TRUE(body) << what << ": " << body.error().message;
    const Json want = expected(pair.request, profile), got = expected(*body, profile);
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1);
    EXPECT_TRUE(refusals.dropped().empty()) << what;
    ++read;
  }
  EXPECT_GE(read, 120u);
}

void expect_said(const WholeAnswer& answer, const Json& body, const std::string& what) {
  ASSERT_EQ(answer.choices.size(), body["choices"].size()) << what;
  for (const auto& told : body["choices"]) {
    const Choice& choice = answer.choices.at(told["index"].get<int64_t>());
    const Json& message = told.at("message");
    std::string text, reasoning;
    size_t calls = 0, citations = 0;
    for (const auto& part : choice.parts) {
      if (const auto* one = std::get_if<Text>(&part.body)) {
        text += one->text;
        citations += one->citations.size();
      }
      if (const auto* one = std::get_if<Reasoning>(&part.body)) {
        reasoning += one->text;
        for (const auto& summary : one->summary) reasoning += summary;
      }
      if (const auto* call = std::get_if<ToolCall>(&part.body)) {
        const Json& wanted = message.at("tool_calls").at(calls++);
        EXPECT_EQ(call->id, wanted.value("id", "")) << what;
        EXPECT_EQ(call->name, wanted.at("function").value("name", "")) << what;
        EXPECT_EQ(call->arguments, wanted.at("function").value("arguments", "")) << what;
      }
    }
    EXPECT_EQ(calls, peek(message, "tool_calls").size()) << what;
    if (const Json& content = peek(message, "content"); content.is_string())
      EXPECT_EQ(text, content.get<std::string>()) << what;
    for (const char* name : {"reasoning_content", "reasoning"}) {
      if (const std::string said = peek_text(message, name); !said.empty()) EXPECT_EQ(reasoning, said) << what;
    }
    if (const Json& annotations = peek(message, "annotations"); !annotations.empty())
      EXPECT_EQ(citations, annotations.size()) << what;
    ASSERT_TRUE(choice.finish) << what;
  }
  EXPECT_EQ(answer.usage.has_value(), body.contains("usage")) << what;
}

TEST(ChatRecordings, WholeAnswersAreReadWhole) {
  std::vector<std::pair<std::string, Json>> bodies;
  for (auto& pair : recordings::pairs("chat/completions")) {
    if (is_chat(pair.response) && pair.status == 200) bodies.emplace_back(pair.file, std::move(pair.response));
  }
  for (const auto& path : recordings::files("vercel-ai")) {
    Json body = path.extension() == ".json" ? parse_bounded(recordings::slurp(path)) : Json();
    if (is_chat(body)) bodies.emplace_back(path.filename().string(), std::move(body));
  }
  for (const auto& [what, body] : bodies) {
    auto reader = chat_egress().reader("p");
    auto deltas = reader->whole(body);
    ASSERT_TRUE(deltas) << what << ": " << deltas.error().message;
    EXPECT_TRUE(reader->finished()) << what;
    recordings::expect_order(*deltas, what);
    const WholeAnswer answer = recordings::sum_of(*deltas, what);
    expect_said(answer, body, what);
    // Written for a client of this dialect and read again: the same answer.
    const Request request;
    const AnswerContext context{.call = "call_X", .model = "m", .now = 1};
    const Json again = chat_ingress().write_answer(
        answer, request, context, answer.usage ? answer.usage->usage : ledger::Usage{}, Json::object());
    auto second = chat_egress().reader("p")->whole(again);
    ASSERT_TRUE(second) << what;
    expect_said(recordings::sum_of(*second, what), again, what);
    for (size_t i = 0; i < body["choices"].size(); ++i) {
      const Json& before = body.at("choices").at(i).at("message");
      const Json& after = again.at("choices").at(i).at("message");
      for (const char* name : {"content", "annotations", "executed_tools"}) {
        // (empty content beside calls is told as null)
        const Json& told = peek(before, name);
        const bool parts = told.is_array() && std::string_view(name) == "content";
        if (!told.empty() && !parts && told != "") EXPECT_EQ(before[name], peek(after, name)) << what << " " << name;
      }
    }
  }
  EXPECT_GE(bodies.size(), 130u);
}

std::vector<std::pair<std::string, std::string>> streams() {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& pair : recordings::pairs("chat/completions")) {
    if (!pair.stream.empty() && pair.stream.find("data:") != std::string::npos)
      out.emplace_back(pair.file, std::move(pair.stream));
  }
  for (const auto& path : recordings::files("vercel-ai")) {
    const std::string text = recordings::slurp(path);
    const Json first = parse_bounded(text.substr(0, text.find('\n')));
    if (path.extension() == ".sse")
      out.emplace_back(path.filename().string(), text);
    else if (path.extension() == ".txt" && is_chat(first) && text.find("\"delta\"") != std::string::npos)
      out.emplace_back(path.filename().string(), recordings::as_stream(text));
  }
  return out;
}

TEST(ChatRecordings, StreamsAreTheSameHoweverTheyAreCut) {
  size_t read = 0;
  for (const auto& [what, bytes] : streams()) {
    const auto whole = recordings::read_pieces(*chat_egress().reader("p"), {bytes});
    if (!whole) {
      // One provider broke off with an error event, and one stream was cut by its client: both are told as such.
      EXPECT_TRUE(what.find("error") != std::string::npos || what.find("close") != std::string::npos)
          << what << ": " << whole.error();
      ++read;
      continue;
    }
    recordings::expect_order(*whole, what);
    const WholeAnswer answer = recordings::sum_of(*whole, what);
    EXPECT_FALSE(answer.choices.empty()) << what;
    const std::string shape = recordings::shape_of(*whole);
    recordings::expect_same_events_at_every_cut(bytes, what);
    // And through the reader: every cut of the short ones; of long ones as many, evenly, as keep the test short.
    const size_t step = std::max<size_t>(1, bytes.size() * bytes.size() / 4'000'000);
    for (size_t cut = 1; cut < bytes.size(); cut += step) {
      const std::string_view all = bytes;
      const auto again = recordings::read_pieces(*chat_egress().reader("p"), {all.substr(0, cut), all.substr(cut)});
      ASSERT_TRUE(again) << what << " cut at " << cut << ": " << again.error();
      ASSERT_EQ(shape, recordings::shape_of(*again)) << what << " cut at " << cut;
    }
    ++read;
  }
  EXPECT_GE(read, 20u);
}

// What a client gets of a stream says what the provider said.
TEST(ChatRecordings, StreamsWrittenForAClientReadTheSame) {
  for (const auto& [what, bytes] : streams()) {
    const auto deltas = recordings::read_pieces(*chat_egress().reader("p"), {bytes});
    if (!deltas) continue;
    Request request;
    request.include_usage = true;
    auto writer = chat_ingress().writer(request, {.call = "call_X", .model = "m", .now = 1});
    std::string out;
    const WholeAnswer first = recordings::sum_of(*deltas, what);
    for (const auto& delta : *deltas) out += writer->delta(delta);
    out += writer->finish(first.usage ? first.usage->usage : ledger::Usage{}, Json::object());
    const auto again = recordings::read_pieces(*chat_egress().reader("p"), {out});
    ASSERT_TRUE(again) << what << again.error();
    const WholeAnswer second = recordings::sum_of(*again, what);
    const AnswerContext context{.call = "call_X", .model = "m", .now = 1};
    const ledger::Usage none;
    const Json a = chat_ingress().write_answer(first, request, context, none, {});
    const Json b = chat_ingress().write_answer(second, request, context, none, {});
    EXPECT_TRUE(a["choices"] == b["choices"]) << what << Json::diff(a["choices"], b["choices"]).dump(1);
  }
}

TEST(ChatRecordings, ErrorsKeepTheProvidersReason) {
  size_t read = 0;
  for (const auto& pair : recordings::pairs("chat/completions")) {
    if (pair.status == 200) continue;
    const Error error = chat_egress().read_error(pair.status, dump(pair.response), net::Headers());
    EXPECT_NE(error.message.find(pair.response["error"]["message"].get<std::string>().substr(0, 60)),
              std::string::npos);
    EXPECT_EQ(error.details["upstream_status"], pair.status);
    ++read;
  }
  EXPECT_GE(read, 5u);
}

}  // namespace
}  // namespace steward::gateway
