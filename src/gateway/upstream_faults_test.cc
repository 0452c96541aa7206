// Answers of every dialect over a network that breaks, in one process: cut, reset and ended at every byte, and with
// noise between any two. The law: what is heard is the whole right answer, or an error behind a part of it that is
// right. Never a hang, never an answer that looks whole and isn't. A failing run names its seed.
#include <gtest/gtest.h>

#include <random>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "gateway/dialects/dialect.h"
#include "gateway/upstream_testing.h"
#include "journal/testing.h"

namespace steward::gateway {
namespace {

using namespace testing_support;

struct Spoken {
  const char* name;
  const Egress& egress;
  std::string content_type, bytes, text;
};

// Streams as the providers' documentation shows them; Amazon's frames are made and read by botocore (tests/vectors).
constexpr const char* kMessages = R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo."}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

)";

constexpr const char* kResponses = R"(event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"g","output":[]}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel"}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"lo."}

event: response.output_text.done
data: {"type":"response.output_text.done","sequence_number":5,"item_id":"msg_1","output_index":0,"content_index":0,"text":"Hello."}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":6,"output_index":0,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello.","annotations":[]}]}}

event: response.completed
data: {"type":"response.completed","sequence_number":7,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"g","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello.","annotations":[]}]}],"usage":{"input_tokens":9,"output_tokens":2,"total_tokens":11}}}

)";

constexpr const char* kChat =
    R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"g","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"g","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}

: still there

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"g","choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":null}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"g","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"g","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}

data: [DONE]

)";

constexpr const char* kGemini =
    R"(data: {"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1,"totalTokenCount":10},"modelVersion":"g"}

data: {"candidates":[{"content":{"parts":[{"text":"lo."}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11},"modelVersion":"g"}

data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11},"modelVersion":"g"}

)";

std::vector<Spoken> all_spoken() {
  const std::string amazon =
      parse_own(read_file(journal::source_file("tests/vectors/eventstream.json")).value())["streams"][0]["hex"];
  const std::string sse = "text/event-stream";
  return {{"chat", chat_egress(), sse, kChat, "Hello."},
          {"responses", responses_egress(), sse, kResponses, "Hello."},
          {"messages", messages_egress(), sse, kMessages, "Hello."},
          {"gemini", gemini_egress(), sse, kGemini, "Hello."},
          {"bedrock", messages_egress(), "application/vnd.amazon.eventstream", *from_hex(amazon), "Hello."}};
}

struct Heard {
  std::string text;
  std::optional<Error> error;
  bool over = false;  // it did not hang
};

Status add_up(AnswerSum& sum, const Deltas& deltas) {
  for (const Delta& delta : deltas) {
    if (auto ok = sum.add(delta); !ok) return ok;
  }
  return {};
}

// As a provider's answer is read in a call.
Task<Status> read_answer(net::HttpClient& client, const Egress& egress, AnswerSum& sum) {
  auto stream = co_await EventStream::open(
      client, {}, [](int, std::string_view, const net::Headers&) { return Error(ErrorCode::kUpstreamError); });
  if (!stream) co_return fail(std::move(stream.error()));
  const auto reader = egress.reader("test");
  for (;;) {
    auto event = co_await (*stream)->next(reader->finished());
    if (!event) co_return fail(std::move(event.error()));
    const bool marked = !*event && (*stream)->done() && &egress == &chat_egress();
    auto deltas = *event   ? reader->event((*event)->name, std::move((*event)->data))
                  : marked ? reader->event("[DONE]", Json())
                           : Result<Deltas>(Deltas{});
    if (!deltas) co_return fail(std::move(deltas.error()));
    if (auto ok = add_up(sum, *deltas); !ok) co_return ok;
    if (*event) continue;
    auto owed = reader->end();
    if (!owed) co_return fail(std::move(owed.error()));
    co_return add_up(sum, *owed);
  }
}

Task<void> hear_into(net::HttpClient& client, const Egress& egress, Heard& heard) {
  AnswerSum sum;
  auto status = co_await read_answer(client, egress, sum);
  if (!status) heard.error = std::move(status.error());
  const WholeAnswer whole = sum.take();
  for (const auto& [index, choice] : whole.choices) {
    for (const Part& part : choice.parts) {
      if (const auto* text = std::get_if<Text>(&part.body)) heard.text += text->text;
    }
  }
  heard.over = true;
}

Heard hear(const Spoken& spoken, std::vector<std::string> pieces, std::optional<Error> end) {
  asio::io_context context;
  GivenClient client({.content_type = spoken.content_type, .pieces = std::move(pieces), .end = std::move(end)});
  Heard heard;
  asio::co_spawn(context, hear_into(client, spoken.egress, heard), asio::detached);
  context.run();
  return heard;
}

std::vector<std::string> cut(std::string_view bytes, std::mt19937_64& random, size_t longest) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(1 + random() % longest, bytes.size());
    out.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return out;
}

void expect_right_or_error(const Spoken& spoken, const Heard& heard, const std::string& where) {
  ASSERT_TRUE(heard.over) << where;
  if (heard.error) {
    ASSERT_TRUE(spoken.text.starts_with(heard.text)) << where << ": " << heard.text;
  } else {
    ASSERT_EQ(heard.text, spoken.text) << where;
  }
}

TEST(BrokenUpstream, AnyCutGivesTheSameAnswer) {
  for (const Spoken& spoken : all_spoken()) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      std::mt19937_64 random(seed);
      const Heard heard = hear(spoken, cut(spoken.bytes, random, 1 + seed), {});
      ASSERT_FALSE(heard.error) << spoken.name << " seed " << seed << ": " << heard.error->message;
      ASSERT_EQ(heard.text, spoken.text) << spoken.name << " seed " << seed;
    }
  }
}

TEST(BrokenUpstream, AnEndAtAnyByteIsTheWholeAnswerOrAnError) {
  for (const Spoken& spoken : all_spoken()) {
    size_t errors = 0;
    for (size_t at = 0; at < spoken.bytes.size(); ++at) {
      for (const bool reset : {false, true}) {
        std::mt19937_64 random(at);
        const std::optional<Error> end = reset ? std::optional(Error(ErrorCode::kUpstreamUnreachable)) : std::nullopt;
        const Heard heard = hear(spoken, cut(std::string_view(spoken.bytes).substr(0, at), random, 200), end);
        errors += heard.error ? 1 : 0;
        expect_right_or_error(spoken, heard, fmt::format("{}, {} at {}", spoken.name, reset ? "reset" : "end", at));
      }
    }
    EXPECT_GT(errors, spoken.bytes.size()) << spoken.name;  // most of the ends are in the middle of the answer
  }
}

// 0xFE and 0xFF stand in no text, so noise can always be told from it.
TEST(BrokenUpstream, NoiseAtAnyByteIsTheWholeAnswerOrAnError) {
  for (const Spoken& spoken : all_spoken()) {
    for (size_t at = 0; at <= spoken.bytes.size(); ++at) {
      std::mt19937_64 random(at);
      std::string bytes = spoken.bytes;
      bytes.insert(at, std::string(1 + random() % 8, random() % 2 ? '\xFE' : '\xFF'));
      expect_right_or_error(spoken, hear(spoken, cut(bytes, random, 200), {}),
                            fmt::format("{}, noise at {}", spoken.name, at));
    }
  }
}

}  // namespace
}  // namespace steward::gateway
