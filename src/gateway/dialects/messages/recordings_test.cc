// What Anthropic really sent and was sent, read and written back. Normalisations under which a request written back is
// the same as the one recorded (each changes nothing of what is asked):
//  - members that are null are left out, and `stream` false; a text's empty list of citations too;
//  - a question for a count has no max_tokens.
// One recording was damaged when its addresses were masked: "\n" before an address lost its n ("\person@example.com");
// it is read with the n put back.
#include "gateway/dialects/recordings_testing.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/json_bounded.h"
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

Json normalised(Json body) {
  if (body.is_object()) {
    Json out = Json::object();
    for (const auto& [name, value] : body.items()) {
      const bool nothing = value.is_null() || (name == "citations" && value.is_array() && value.empty());
      if (!nothing) out[name] = normalised(value);
    }
    return out;
  }
  if (body.is_array()) {
    for (auto& one : body) one = normalised(one);
  }
  return body;
}

std::string mended(std::string text) {
  for (size_t at = text.find("\\person@"); at != std::string::npos; at = text.find("\\person@", at + 3))
    text.replace(at, 2, "\\np");
  return text;
}

// Calls of Messages, also in AWS's envelope: what was asked and what came.
std::vector<recordings::Pair> calls() {
  std::vector<recordings::Pair> out;
  for (const auto& path : recordings::files("pydantic-ai")) {
    if (path.extension() != ".json") continue;
    const Json all = parse_bounded(mended(recordings::slurp(path)));
    EXPECT_TRUE(all.is_array()) << path;
    for (const auto& one : all) {
      const std::string uri = one["request"]["uri"];
      if (uri.find("/v1/messages") == std::string::npos && uri.find("/invoke") == std::string::npos) continue;
      recordings::Pair pair{.file = path.filename().string(), .method = "POST", .uri = uri};
      pair.request = one["request"]["body"];
      pair.status = one["response"]["status"];
      const Json& body = one["response"]["body"];
      if (body.is_string())
        pair.stream = mended(body);
      else
        pair.response = body;
      out.push_back(std::move(pair));
    }
  }
  return out;
}

TEST(MessagesRecordings, RequestsComeOutAsTheyWere) {
  size_t read = 0;
  for (const auto& pair : calls()) {
    const std::string what = pair.file + " " + pair.uri;
    const bool bedrock = pair.uri.find("amazonaws") != std::string::npos;
    const bool count = pair.uri.find("count_tokens") != std::string::npos;
    Json body = pair.request;
    if (bedrock) {
      body.erase("anthropic_version");
      body["model"] = "of the address";
    }
    auto request = messages_ingress().read_request(body, {});
    ASSERT_TRUE(request) << what << ": " << request.error().message;
    const ProviderProfile& profile = plain_profile(bedrock ? ProviderDialect::kBedrock : ProviderDialect::kAnthropic);
    Refusals refusals(Dialect::kMessages, {});
    const OutgoingCall call{.provider = "p",
                            .model = request->model,
                            .profile = &profile,
                            .max_output = request->max_output.value_or(0),
                            .stream = request->stream,
                            .refusals = &refusals};
    Json got;
    if (count) {
      auto query = messages_egress().write_count(*request, call);
      ASSERT_TRUE(query && *query) << what;
      EXPECT_EQ((*query)->path.path, "/messages/count_tokens");
      got = (*query)->body;
      ASSERT_EQ(messages_egress().read_count(pair.response).has_value(), pair.status == 200) << what;
    } else {
      auto out = messages_egress().write_request(*request, call);
      ASSERT_TRUE(out) << what << ": " << out.error().message;
      got = *out;
    }
    Json want = normalised(pair.request);
    if (want.value("stream", true) == false) want.erase("stream");
    got = normalised(got);
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1);
    EXPECT_TRUE(refusals.dropped().empty()) << what << dump(refusals.dropped());
    ++read;
  }
  EXPECT_GE(read, 112u);
}

std::vector<std::pair<std::string, Json>> wholes() {
  std::vector<std::pair<std::string, Json>> out;
  for (auto& pair : calls()) {
    if (pair.status == 200 && pair.response.contains("content")) out.emplace_back(pair.file, std::move(pair.response));
  }
  for (const auto& path : recordings::files("vercel-ai/anthropic")) {
    Json body = path.extension() == ".json" ? parse_bounded(recordings::slurp(path)) : Json();
    if (peek_text(body, "type") == "message") out.emplace_back(path.filename().string(), std::move(body));
  }
  return out;
}

// What a client got, with the proofs opened again: as the provider said it, or it was sealed wrongly.
Json unsealed(Json content, const std::string& provider, const std::string& what) {
  for (auto& block : content) {
    const std::string type = peek_text(block, "type");
    const char* member = type == "thinking" ? "signature" : type == "redacted_thinking" ? "data" : nullptr;
    if (member == nullptr || peek_text(block, member).empty()) continue;
    const Signature signature = open_signature(peek_text(block, member));
    EXPECT_EQ(signature.provider, provider) << what;
    block[member] = signature.value;
  }
  return content;
}

TEST(MessagesRecordings, WholeAnswersReachAClientAsTheyCame) {
  size_t read = 0;
  for (const auto& [what, body] : wholes()) {
    auto reader = messages_egress().reader("p");
    auto deltas = reader->whole(body);
    ASSERT_TRUE(deltas) << what << ": " << deltas.error().message;
    EXPECT_TRUE(reader->finished()) << what;
    recordings::expect_order(*deltas, what);
    const WholeAnswer answer = recordings::sum_of(*deltas, what);
    ASSERT_TRUE(answer.usage) << what;
    const AnswerContext context{.call = "call_X", .model = body["model"], .now = 1};
    const Request request;
    const Json again = messages_ingress().write_answer(answer, request, context, answer.usage->usage, Json::object());
    Json want = normalised(body), got = normalised(again);
    got["content"] = unsealed(got["content"], "p", what);
    want["id"] = got["id"];
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1);
    ++read;
  }
  EXPECT_GE(read, 115u);
}

// Several answers of one conversation lie in one file: each begins with its message_start.
std::vector<std::pair<std::string, std::string>> streams() {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& pair : calls()) {
    if (!pair.stream.empty()) out.emplace_back(pair.file, std::move(pair.stream));
  }
  for (const auto& path : recordings::files("vercel-ai/anthropic")) {
    if (path.extension() != ".txt") continue;
    std::istringstream in(recordings::slurp(path));
    std::string one;
    for (std::string line; std::getline(in, line);) {
      if (line.find("\"type\":\"message_start\"") != std::string::npos && !one.empty())
        out.emplace_back(path.filename().string(), recordings::as_stream(std::exchange(one, "")));
      one += line + "\n";
    }
    out.emplace_back(path.filename().string(), recordings::as_stream(one));
  }
  return out;
}

// The message that a stream adds up to, by its own rules and without our reader.
Json added_up(const std::string& bytes) {
  Json message;
  std::map<int64_t, std::string> inputs;
  std::istringstream in(bytes);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("data:")) continue;
    const Json event = parse_bounded(line.substr(5));
    const std::string type = peek_text(event, "type");
    if (type == "message_start") message = event["message"];
    if (type == "content_block_start") message["content"].push_back(event["content_block"]);
    if (type == "content_block_delta") {
      Json& block = message["content"][event["index"].get<size_t>()];
      const Json& delta = event["delta"];
      for (const char* name : {"text", "thinking", "signature"}) {
        if (delta.contains(name)) block[name] = peek_text(block, name) + delta[name].get<std::string>();
      }
      if (delta.contains("citation")) block["citations"].push_back(delta["citation"]);
      if (delta.contains("content")) block["content"] = delta["content"];
      if (delta.contains("partial_json"))
        inputs[event["index"].get<int64_t>()] += delta["partial_json"].get<std::string>();
    }
    if (type == "message_delta") {
      for (const auto& [name, value] : event["delta"].items()) message[name] = value;
      for (const auto& [name, value] : event["usage"].items()) message["usage"][name] = value;
      if (event.contains("context_management")) message["context_management"] = event["context_management"];
    }
  }
  for (const auto& [index, text] : inputs) {
    if (!text.empty()) message["content"][static_cast<size_t>(index)]["input"] = parse_own(text);
  }
  return message;
}

TEST(MessagesRecordings, StreamsAreTheSameHoweverTheyAreCut) {
  size_t read = 0;
  for (const auto& [what, bytes] : streams()) {
    const auto whole = recordings::read_pieces(*messages_egress().reader("p"), {bytes});
    ASSERT_TRUE(whole) << what << ": " << whole.error();
    recordings::expect_order(*whole, what);
    const std::string shape = recordings::shape_of(*whole);
    recordings::expect_same_events_at_every_cut(bytes, what);
    const size_t step = std::max<size_t>(1, bytes.size() * bytes.size() / 2'000'000);
    for (size_t cut = 1; cut < bytes.size(); cut += step) {
      const std::string_view all = bytes;
      const auto again = recordings::read_pieces(*messages_egress().reader("p"), {all.substr(0, cut), all.substr(cut)});
      ASSERT_TRUE(again) << what << " cut at " << cut << ": " << again.error();
      ASSERT_EQ(shape, recordings::shape_of(*again)) << what << " cut at " << cut;
    }
    ++read;
  }
  EXPECT_GE(read, 50u);
}

TEST(MessagesRecordings, AStreamReachesAClientAsItCame) {
  size_t read = 0;
  for (const auto& [what, bytes] : streams()) {
    const auto deltas = recordings::read_pieces(*messages_egress().reader("p"), {bytes});
    ASSERT_TRUE(deltas) << what << ": " << deltas.error();
    const WholeAnswer answer = recordings::sum_of(*deltas, what);
    Json want = normalised(added_up(bytes));
    const Request request;
    auto writer = messages_ingress().writer(request, {.call = "call_X", .model = want["model"], .now = 1});
    std::string out;
    for (const auto& delta : *deltas) out += writer->delta(delta);
    ASSERT_TRUE(answer.usage) << what;
    out += writer->finish(answer.usage->usage, Json::object());
    Json got = normalised(added_up(out));
    got["content"] = unsealed(got["content"], "p", what);
    want["id"] = got["id"];
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1);
    ++read;
  }
  EXPECT_GE(read, 50u);
}

TEST(MessagesRecordings, ErrorsSayWhy) {
  for (const auto& pair : recordings::pairs("anthropic")) {
    if (pair.status < 400) continue;
    const Error error = messages_egress().read_error(pair.status, dump(pair.response), {});
    const std::string said = peek_text(pair.response, "message") + peek_text(peek(pair.response, "error"), "message");
    EXPECT_NE(error.message.find(said), std::string::npos) << pair.file;
    EXPECT_EQ(error.details["upstream_status"], pair.status);
  }
}

}  // namespace
}  // namespace steward::gateway
