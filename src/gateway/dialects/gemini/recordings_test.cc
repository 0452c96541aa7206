// What Google's models really sent and were sent, read and written back. Normalisations under which a request written
// back is the same as the one recorded:
//  - members are spelled in camelCase (Google takes both) but inside of arguments, schemas and labels;
//  - members that are null, and a function's empty description, are left out; a whole number may be written as 40.0;
//  - a thoughtSignature may be in base64 or base64url.
#include "base/json_bounded.h"
#include "gateway/dialects/recordings_testing.h"

#include <gtest/gtest.h>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

std::vector<recordings::Pair> calls() {
  std::vector<recordings::Pair> out;
  for (const char* method : {":generateContent", ":streamGenerateContent"}) {
    for (auto& pair : recordings::pairs(method)) {
      // One was recorded with its bodies as text.
      if (pair.request.is_null() && pair.stream.starts_with("{")) {
        pair.response = parse_bounded(pair.stream);
        pair.stream.clear();
      }
      out.push_back(std::move(pair));
    }
  }
  return out;
}

IncomingCall incoming(const std::string& uri) {
  const size_t models = uri.rfind("models/") + 7;
  return {.model = uri.substr(models, uri.find(':', models) - models),
          .stream = uri.find(":streamGenerateContent") != std::string::npos};
}

Json expected(const Json& body) {
  Json out = gemini::camel_case(body);
  for (auto& tool : out["tools"]) {
    if (!tool.contains("functionDeclarations")) continue;
    for (auto& one : tool["functionDeclarations"]) {
      if (one.value("description", "x").empty()) one.erase("description");
    }
  }
  if (out["tools"].is_null()) out.erase("tools");
  return out;
}

TEST(GeminiRecordings, RequestsComeOutAsTheyWere) {
  size_t read = 0;
  for (const auto& pair : calls()) {
    if (pair.request.is_null()) continue;
    const std::string what = pair.file + " " + pair.uri;
    const IncomingCall in = incoming(pair.uri);
    auto request = gemini_ingress().read_request(pair.request, in);
    ASSERT_TRUE(request) << what << ": " << request.error().message;
    EXPECT_EQ(request->model, in.model);
    const ProviderProfile profile = profile_for("gemini", nullptr);
    Refusals refusals(Dialect::kGemini, {});
    const OutgoingCall call{.provider = "p",
                            .model = request->model,
                            .profile = &profile,
                            .max_output = request->max_output.value_or(0),
                            .stream = request->stream,
                            .refusals = &refusals};
    auto body = gemini_egress().write_request(*request, call);
    ASSERT_TRUE(body) << what << ": " << body.error().message;
    const Json want = expected(pair.request), got = expected(*body);
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1);
    EXPECT_TRUE(refusals.dropped().empty()) << what;
    ++read;
  }
  EXPECT_GE(read, 100u);
}

// Parts as they add up: neighbouring texts of one kind are one, a signature belongs to what it came with.
std::string said(const Json& parts) {
  std::string out;
  for (const auto& part : parts) {
    if (part.contains("functionCall")) {
      out += fmt::format("<call {} {} {}>", peek_text(part["functionCall"], "id"),
                         peek_text(part["functionCall"], "name"), dump(peek(part["functionCall"], "args")));
    } else if (part.contains("text")) {
      const std::string text = part["text"];
      if (!text.empty()) out += peek(part, "thought") == true ? fmt::format("<thought {}>", text) : text;
    } else {
      Json rest = part;
      rest.erase("thoughtSignature");
      if (!rest.empty()) out += dump(rest);
    }
    if (const auto signature = gemini::open_seal(peek_text(part, "thoughtSignature")); !signature.empty())
      out += fmt::format("<signed {}>", signature.value);
  }
  return out;
}

void expect_said(const Json& body, const WholeAnswer& answer, const std::string& what) {
  const AnswerContext context{.call = "call_X", .model = peek_text(body, "modelVersion"), .now = 1};
  const Json again = gemini_ingress().write_answer(
      answer, Request{}, context, answer.usage ? answer.usage->usage : ledger::Usage{}, Json::object());
  const Json was = gemini::camel_case(body);
  for (size_t i = 0; i < peek(was, "candidates").size(); ++i) {
    const Json& before = was["candidates"][i];
    const Json& after = again.at("candidates").at(i);
    EXPECT_EQ(said(peek(peek(before, "content"), "parts")), said(peek(peek(after, "content"), "parts"))) << what;
    for (const auto& [name, value] : before.items()) {
      if (name == "content" || name == "index") continue;
      EXPECT_EQ(value, peek(after, name.c_str())) << what << " " << name;
    }
  }
  for (const auto& [name, value] : was.items()) {
    if (name == "candidates" || name == "usageMetadata" || name == "responseId") continue;
    EXPECT_EQ(value, peek(again, name.c_str())) << what << " " << name;
  }
  if (!peek(was, "usageMetadata").contains("promptTokenCount")) return;
  for (const auto& [name, value] : was["usageMetadata"].items())
    EXPECT_EQ(value, peek(again["usageMetadata"], name.c_str())) << what << " " << name;
}

TEST(GeminiRecordings, WholeAnswersAreReadWholeAndWrittenBack) {
  std::vector<std::pair<std::string, Json>> bodies;
  for (auto& pair : calls()) {
    if (pair.response.is_object() && pair.status == 200) bodies.emplace_back(pair.file, std::move(pair.response));
  }
  for (const auto& path : recordings::files("vercel-ai/google")) {
    Json body = path.extension() == ".json" ? parse_bounded(recordings::slurp(path)) : Json();
    if (body.is_object() && body.contains("candidates")) bodies.emplace_back(path.filename().string(), std::move(body));
  }
  for (const auto& [what, body] : bodies) {
    auto reader = gemini_egress().reader("p");
    auto deltas = reader->whole(body);
    ASSERT_TRUE(deltas) << what << ": " << deltas.error().message;
    EXPECT_TRUE(reader->finished()) << what;
    recordings::expect_order(*deltas, what);
    expect_said(body, recordings::sum_of(*deltas, what), what);
  }
  EXPECT_GE(bodies.size(), 90u);
}

std::vector<std::pair<std::string, std::string>> streams() {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& pair : calls()) {
    if (pair.stream.starts_with("data:")) out.emplace_back(pair.file, std::move(pair.stream));
  }
  for (const auto& path : recordings::files("vercel-ai/google")) {
    const std::string text = recordings::slurp(path);
    if (path.extension() == ".txt" && text.starts_with("{\"candidates\""))
      out.emplace_back(path.filename().string(), recordings::as_stream(text));
  }
  return out;
}

TEST(GeminiRecordings, StreamsAreTheSameHoweverTheyAreCut) {
  size_t read = 0;
  for (const auto& [what, bytes] : streams()) {
    ++read;
    const auto whole = recordings::read_pieces(*gemini_egress().reader("p"), {bytes});
    if (!whole) {  // one was cut by its client
      EXPECT_NE(what.find("cancel"), std::string::npos) << what << ": " << whole.error();
      continue;
    }
    recordings::expect_order(*whole, what);
    EXPECT_FALSE(recordings::sum_of(*whole, what).choices.empty()) << what;
    recordings::expect_same_events_at_every_cut(bytes, what);
    const std::string shape = recordings::shape_of(*whole);
    const size_t step = std::max<size_t>(1, bytes.size() * bytes.size() / 4'000'000);
    for (size_t cut = 1; cut < bytes.size(); cut += step) {
      const std::string_view all = bytes;
      const auto again = recordings::read_pieces(*gemini_egress().reader("p"), {all.substr(0, cut), all.substr(cut)});
      ASSERT_TRUE(again) << what << " cut at " << cut << ": " << again.error();
      ASSERT_EQ(shape, recordings::shape_of(*again)) << what << " cut at " << cut;
    }
  }
  EXPECT_GE(read, 13u);
}

TEST(GeminiRecordings, StreamsWrittenForAClientReadTheSame) {
  for (const auto& [what, bytes] : streams()) {
    const auto deltas = recordings::read_pieces(*gemini_egress().reader("p"), {bytes});
    if (!deltas) continue;
    const WholeAnswer first = recordings::sum_of(*deltas, what);
    auto writer = gemini_ingress().writer(Request{}, {.call = "call_X", .model = "m", .now = 1});
    std::string out;
    for (const auto& delta : *deltas) out += writer->delta(delta);
    out += writer->finish(first.usage ? first.usage->usage : ledger::Usage{}, Json::object());
    const auto again = recordings::read_pieces(*gemini_egress().reader("p"), {out});
    ASSERT_TRUE(again) << what << again.error();
    const AnswerContext context{.call = "call_X", .model = "m", .now = 1};
    const Json a = gemini_ingress().write_answer(first, Request{}, context, {}, {});
    const Json b = gemini_ingress().write_answer(recordings::sum_of(*again, what), Request{}, context, {}, {});
    for (size_t i = 0; i < a["candidates"].size(); ++i) {
      EXPECT_EQ(said(a["candidates"][i]["content"]["parts"]), said(b["candidates"].at(i)["content"]["parts"])) << what;
      EXPECT_EQ(a["candidates"][i]["finishReason"], b["candidates"][i]["finishReason"]) << what;
    }
    EXPECT_EQ(first.usage.has_value(), recordings::sum_of(*again, what).usage.has_value()) << what;
  }
}

TEST(GeminiRecordings, ArgumentsInPiecesArePutTogether) {
  const std::string bytes = recordings::as_stream(
      recordings::slurp(recordings::folder() / "vercel-ai/google/google-stream-tool-call-arguments.chunks.txt"));
  const auto deltas = recordings::read_pieces(*gemini_egress().reader("p"), {bytes});
  ASSERT_TRUE(deltas);
  std::vector<std::string> arguments;
  for (const auto& [index, choice] : recordings::sum_of(*deltas, "").choices) {
    for (const auto& part : choice.parts) {
      if (const auto* call = std::get_if<ToolCall>(&part.body)) arguments.push_back(call->arguments);
    }
  }
  EXPECT_EQ(arguments, (std::vector<std::string>{R"({"location":"Boston"})", R"({"location":"San Francisco"})"}));
}

TEST(GeminiRecordings, AWaitThatGoogleAsksForIsKept) {
  const std::string body = recordings::slurp(recordings::folder() / "vercel-ai/google/google-429-retry-info.json");
  const Error error = gemini_egress().read_error(429, body, net::Headers());
  EXPECT_EQ(error.code, ErrorCode::kRateLimited);
  EXPECT_EQ(error.details["retry_after_us"], 34'400'000);
  EXPECT_NE(error.message.find("You exceeded your current quota"), std::string::npos);
  const Json told = gemini_ingress().write_error(error);
  EXPECT_EQ(told["error"]["code"], 429);
  EXPECT_EQ(told["error"]["status"], "RESOURCE_EXHAUSTED");
  EXPECT_EQ(told["error"]["details"][1]["retryDelay"], "35s");
}

}  // namespace
}  // namespace steward::gateway
