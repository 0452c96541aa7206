// What real providers sent and were sent, read and written back. Normalisations under which a request written back is
// the same as the one recorded (each changes nothing of what is asked):
//  - members that are null are left out; so are empty instructions and descriptions, `stream` false and empty lists;
//  - an input that is one string is one message of the user;
//  - ids of items that aren't in OpenAI's form name nothing and are left out.
// Of an answer written for a client of this dialect: the response's id is ours, the provider's own null members and
// `status` of an item (told by all but some) don't count.
#include "base/json_bounded.h"
#include "gateway/dialects/recordings_testing.h"

#include <gtest/gtest.h>

#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

bool is_response(const Json& body) { return body.is_object() && peek_text(body, "object").starts_with("response"); }

Json without_nulls(const Json& body) {
  if (body.is_object()) {
    Json out = Json::object();
    for (const auto& [name, value] : body.items()) {
      if (!value.is_null()) out[name] = without_nulls(value);
    }
    return out;
  }
  Json out = body;
  if (body.is_array()) {
    for (auto& one : out) one = without_nulls(one);
  }
  return out;
}

bool has_own_id(const Json& item) {
  const std::string id = peek_text(item, "id"), type = peek_text(item, "type");
  if (type == "reasoning") return id.starts_with("rs_");
  if (type == "function_call") return id.starts_with("fc_");
  if (type == "custom_tool_call") return id.starts_with("ctc_");
  if (type == "message" && peek_text(item, "role") == "assistant") return id.starts_with("msg_");
  return true;
}

Json expected_request(const Json& recorded) {
  Json body = without_nulls(recorded);
  if (peek(body, "stream") == false) body.erase("stream");
  if (peek_text(body, "instructions").empty()) body.erase("instructions");
  for (auto& tool : body["tools"]) {
    if (peek_text(tool, "description").empty()) tool.erase("description");
  }
  if (body["tools"].empty()) body.erase("tools");
  if (!body.contains("input") && body.contains("previous_response_id")) body["input"] = Json::array();
  if (!peek(body, "input").is_array())
    body["input"] = Json::array({Json{{"role", "user"}, {"content", peek_text(body, "input")}}});
  for (auto& item : body["input"]) {
    if (item.contains("id") && !has_own_id(item)) item.erase("id");
    if (!peek(item, "content").is_array()) continue;
    for (auto& part : item["content"]) {
      if (peek(part, "annotations").empty()) part.erase("annotations");
      if (peek(part, "logprobs").empty()) part.erase("logprobs");
    }
    if (item["content"].empty() && peek_text(item, "type") == "reasoning") item.erase("content");
  }
  return body;
}

ProviderProfile profile_of(const std::string& uri) {
  const auto dialect = ProviderDialect::kResponses;
  for (const char* name : {"openai", "openrouter", "deepseek"}) {
    if (uri.find(name) != std::string::npos) return profile_for(name, &dialect);
  }
  return plain_profile(dialect);
}

TEST(ResponsesRecordings, RequestsComeOutAsTheyWere) {
  size_t read = 0;
  for (const auto& pair : recordings::pairs("/responses")) {
    if (pair.request.is_null()) continue;
    const std::string what = pair.file + " " + pair.uri;
    auto request = responses_ingress().read_request(pair.request, {});
    ASSERT_TRUE(request) << what << ": " << request.error().message;
    const ProviderProfile profile = profile_of(pair.uri);
    Refusals refusals(Dialect::kResponses, {});
    const OutgoingCall call{.provider = "p",
                            .model = request->model,
                            .profile = &profile,
                            .max_output = request->max_output.value_or(0),
                            .stream = request->stream,
                            .refusals = &refusals};
    auto body = responses_egress().write_request(*request, call);
    ASSERT_TRUE(body) << what << ": " << body.error().message;
    const Json want = expected_request(pair.request), got = expected_request(*body);
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1) << "\n" << want.dump().substr(0, 3000);
    EXPECT_TRUE(refusals.dropped().empty()) << what;
    ++read;
  }
  EXPECT_GE(read, 160u);
}

// The items that a response holds, as far as they say something.
Json items_of(const Json& response) {
  Json items = without_nulls(peek(response, "output"));
  for (auto& item : items) {
    item.erase("status");
    if (peek(item, "content").is_array()) {
      for (auto& part : item["content"]) {
        if (peek(part, "annotations").empty()) part.erase("annotations");
        if (peek(part, "logprobs").empty()) part.erase("logprobs");
      }
      // Several texts of one reasoning are one here.
      if (peek_text(item, "type") == "reasoning" && item["content"].empty()) item.erase("content");
    }
    if (peek(item, "summary").empty()) item.erase("summary");
    // Sealed for the client; the provider's own stands inside.
    if (item.contains("encrypted_content"))
      item["encrypted_content"] = open_signature(peek_text(item, "encrypted_content")).value;
  }
  return items;
}

std::vector<std::pair<std::string, Json>> whole_answers() {
  std::vector<std::pair<std::string, Json>> out;
  for (auto& pair : recordings::pairs("/responses")) {
    if (is_response(pair.response) && pair.response.contains("output"))
      out.emplace_back(pair.file, std::move(pair.response));
  }
  for (const auto& path : recordings::files("vercel-ai")) {
    Json body = path.extension() == ".json" ? parse_bounded(recordings::slurp(path)) : Json();
    if (is_response(body) && body.contains("output")) out.emplace_back(path.filename().string(), std::move(body));
  }
  return out;
}

const AnswerContext kContext{.call = "call_01JD", .model = "m", .now = 1};

TEST(ResponsesRecordings, WholeAnswersAreReadWholeAndWrittenBack) {
  const auto answers = whole_answers();
  for (const auto& [what, body] : answers) {
    auto reader = responses_egress().reader("p");
    auto deltas = reader->whole(body);
    if (const std::string status = peek_text(body, "status"); status == "queued" || status == "in_progress") {
      EXPECT_FALSE(deltas) << what << ": no answer yet";
      continue;
    }
    ASSERT_TRUE(deltas) << what << ": " << deltas.error().message;
    EXPECT_TRUE(reader->finished()) << what;
    recordings::expect_order(*deltas, what);
    const WholeAnswer answer = recordings::sum_of(*deltas, what);
    const Request request{.from = Dialect::kResponses};
    EXPECT_EQ(answer.usage.has_value(), peek(body, "usage").is_object()) << what;
    const ledger::Usage usage = answer.usage ? answer.usage->usage : ledger::Usage{};
    const Json again = responses_ingress().write_answer(answer, request, kContext, usage, Json::object());
    const Json want = items_of(body), got = items_of(again);
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1).substr(0, 3000);
    if (answer.usage) {
      for (const auto& [name, value] :
           without_nulls(body["usage"]).items()) {  // a count of nothing may stand beside it
        Json told = again["usage"][name];
        if (told.is_object() && !value.contains("cache_write_tokens") && peek(told, "cache_write_tokens") == 0)
          told.erase("cache_write_tokens");
        EXPECT_EQ(told, value) << what;
      }
    }
    for (const char* name : {"service_tier", "temperature", "top_p", "moderation", "text"}) {
      if (!peek(body, name).is_null()) EXPECT_EQ(again[name], body[name]) << what << " " << name;
    }
    if (peek_text(body, "status") == "incomplete")
      EXPECT_EQ(again["incomplete_details"], body["incomplete_details"]) << what;
  }
  EXPECT_GE(answers.size(), 150u);
}

std::vector<std::pair<std::string, std::string>> streams() {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& pair : recordings::pairs("/responses")) {
    if (pair.stream.find("data:") != std::string::npos) out.emplace_back(pair.file, std::move(pair.stream));
  }
  for (const auto& path : recordings::files("vercel-ai")) {
    const std::string text = recordings::slurp(path);
    const Json first = parse_bounded(text.substr(0, text.find('\n')));
    if (path.extension() == ".txt" && peek_text(first, "type").starts_with("response."))
      out.emplace_back(path.filename().string(), recordings::as_stream(text));
  }
  return out;
}

bool fails(const std::string& what) { return what.find("error") != std::string::npos; }
// A stream that its reader joined late (starting_after), or left early: it has no end.
bool is_cut(const std::string& bytes) {
  return bytes.find("\"response.completed\"") == std::string::npos &&
         bytes.find("\"response.incomplete\"") == std::string::npos;
}

TEST(ResponsesRecordings, StreamsAreTheSameHoweverTheyAreCut) {
  size_t read = 0;
  for (const auto& [what, bytes] : streams()) {
    ++read;
    const auto whole = recordings::read_pieces(*responses_egress().reader("p"), {bytes});
    if (!whole) {
      EXPECT_TRUE(fails(what) || is_cut(bytes)) << what << ": " << whole.error();
      continue;
    }
    recordings::expect_order(*whole, what);
    const std::string shape = recordings::shape_of(*whole);
    // Cut at every byte at once; then in two, at every byte of the short ones, and of long ones at as many, evenly, as
    // keep the test short.
    std::vector<std::string_view> bytewise;
    for (size_t i = 0; i < bytes.size(); ++i) bytewise.push_back(std::string_view(bytes).substr(i, 1));
    const auto slow = recordings::read_pieces(*responses_egress().reader("p"), bytewise);
    ASSERT_TRUE(slow) << what << ": " << slow.error();
    ASSERT_EQ(shape, recordings::shape_of(*slow)) << what;
    recordings::expect_same_events_at_every_cut(bytes, what);
    const size_t step = std::max<size_t>(1, bytes.size() * bytes.size() / 4'000'000);
    for (size_t cut = 1; cut < bytes.size(); cut += step) {
      const std::string_view all = bytes;
      const auto again =
          recordings::read_pieces(*responses_egress().reader("p"), {all.substr(0, cut), all.substr(cut)});
      ASSERT_TRUE(again) << what << " cut at " << cut << ": " << again.error();
      ASSERT_EQ(shape, recordings::shape_of(*again)) << what << " cut at " << cut;
    }
  }
  EXPECT_GE(read, 45u);
}

Json events_of(const std::string& bytes) {
  net::SseReader sse;
  Json out = Json::array();
  for (const auto& event : *sse.feed(bytes)) {
    Json data = parse_bounded(event.data);
    if (data.is_object()) out.push_back(std::move(data));
  }
  return out;
}

Json end_of(const Json& events) {
  for (const auto& event : events) {
    const std::string type = peek_text(event, "type");
    if (type == "response.completed" || type == "response.incomplete") return event["response"];
  }
  return nullptr;
}

// The items as they ended in a stream; a provider may say them otherwise in the response at its end (encrypted anew, or
// with ids of another turn).
Json done_items(const Json& events) {
  std::map<int64_t, Json> by_place;  // an item may be done after one that was announced later
  for (const auto& event : events) {
    if (peek_text(event, "type") == "response.output_item.done")
      by_place[peek_integer(event, "output_index")] = event["item"];
  }
  Json out = Json::array();
  for (auto& [place, item] : by_place) out.push_back(std::move(item));
  out = items_of({{"output", out}});
  for (auto& item : out) {
    item.erase("id");  // of the item's announcement
    for (auto& part : item["content"]) {
      if (part.contains("logprobs")) part["logprobs"] = part["logprobs"].size();  // rounded otherwise at the end
    }
    if (item["content"].is_null()) item.erase("content");
  }
  return out;
}

// The texts of deltas by event type and item's place: what a client that adds them up ends with.
std::map<std::string, std::string> added_up(const Json& events) {
  std::map<std::string, std::string> out;
  for (const auto& event : events) {
    const std::string type = peek_text(event, "type");
    if (!type.ends_with(".delta") || !peek(event, "delta").is_string()) continue;
    out[fmt::format("{} {} {} {}", type, peek_integer(event, "output_index", -1),
                    peek_integer(event, "content_index", -1), peek_integer(event, "summary_index", -1))] +=
        peek_text(event, "delta");
  }
  return out;
}

TEST(ResponsesRecordings, StreamsWrittenForAClientSayTheSame) {
  size_t compared = 0;
  for (const auto& [what, bytes] : streams()) {
    const size_t first = bytes.find("\"response.created\"");
    if (bytes.find("\"response.created\"", first + 1) != std::string::npos) continue;  // several answers in one file
    const auto deltas = recordings::read_pieces(*responses_egress().reader("p"), {bytes});
    if (!deltas) continue;
    const Request request{.from = Dialect::kResponses};
    auto writer = responses_ingress().writer(request, kContext);
    std::string out;
    for (const auto& delta : *deltas) out += writer->delta(delta);
    const WholeAnswer sum = recordings::sum_of(*deltas, what);
    out += writer->finish(sum.usage ? sum.usage->usage : ledger::Usage{}, Json::object());
    const Json before = events_of(bytes), after = events_of(out);
    // Some recordings lack a part of their deltas, or items: what they have must be there, in its order.
    const auto texts = added_up(after);
    for (const auto& [where, text] : added_up(before)) {
      const std::string type = where.substr(0, where.find(' '));
      const auto begins = [&](const auto& one) { return one.first.starts_with(type) && one.second.starts_with(text); };
      EXPECT_TRUE(std::ranges::any_of(texts, begins)) << what << " " << where << " " << text;
    }
    EXPECT_EQ(items_of(end_of(after)).size(), done_items(after).size()) << what;
    // Shortened by hand: their items don't fit their deltas.
    if (what == "responses-openai-phase.1.chunks.txt" || what == "responses-openai-shell-container.1.chunks.txt")
      continue;
    const Json want = done_items(before), got = done_items(after);
    EXPECT_TRUE(want == got) << what << "\n" << Json::diff(want, got).dump(1).substr(0, 3000);
    for (size_t i = 0; i < after.size(); ++i) EXPECT_EQ(peek_integer(after[i], "sequence_number", -1), i) << what;
    // Each kind of event comes as often as it came, but for those that a provider left out.
    std::map<std::string, int> counts;
    for (const auto& event : after) ++counts[peek_text(event, "type")];
    for (const auto& event : before) --counts[peek_text(event, "type")];
    for (const char* type : {"response.output_item.added", "response.output_item.done", "response.completed",
                             "response.output_text.annotation.added", "response.web_search_call.completed",
                             "response.image_generation_call.partial_image", "response.mcp_call.completed",
                             "response.shell_call_command.delta", "response.apply_patch_call_operation_diff.delta"})
      EXPECT_EQ(counts[type], 0) << what << " " << type;
    ++compared;
  }
  EXPECT_GE(compared, 40u);
}

TEST(ResponsesRecordings, ErrorsKeepTheProvidersReason) {
  size_t read = 0;
  for (const auto& pair : recordings::pairs("/responses")) {
    if (pair.status == 200) continue;
    const Error error = responses_egress().read_error(pair.status, dump(pair.response), net::Headers());
    EXPECT_NE(error.message.find(peek_text(peek(pair.response, "error"), "message").substr(0, 60)), std::string::npos);
    EXPECT_EQ(error.details["upstream_status"], pair.status);
    ++read;
  }
  EXPECT_GE(read, 1u);
}

}  // namespace
}  // namespace steward::gateway
