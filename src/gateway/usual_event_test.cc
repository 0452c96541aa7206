#include "gateway/usual_event.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace steward::gateway {
namespace {

net::SseEvent event_of(std::string data, std::string name = {}) {
  return {.event = std::move(name), .data = std::move(data), .id = {}};
}

std::string chunk(std::string_view inside, std::string_view more = "") {
  return fmt::format(R"({{"id":"a","choices":[{{"index":0,"delta":{{"content":"{}"}},"finish_reason":null}}]{}}})",
                     inside, more);
}

TEST(UsualEvent, OneThatDiffersInItsTextAloneIsRead) {
  UsualEvent usual;
  EXPECT_FALSE(usual.read(event_of(chunk("x"))));
  usual.learn(event_of(chunk("Hello")), "Hello");
  EXPECT_EQ(usual.read(event_of(chunk(" world"))), " world");
  EXPECT_EQ(usual.read(event_of(chunk(""))), "");
  EXPECT_EQ(usual.read(event_of(chunk(R"(a\n\"b\" \u00e9)"))), "a\n\"b\" \xc3\xa9");
  EXPECT_EQ(usual.read(event_of(chunk("\xe4\xbd\xa0"))), "\xe4\xbd\xa0");
}

TEST(UsualEvent, AnythingElseIsNot) {
  UsualEvent usual;
  usual.learn(event_of(chunk("Hello")), "Hello");
  EXPECT_FALSE(usual.read(event_of(chunk("x", R"(,"usage":{})"))));
  EXPECT_FALSE(usual.read(event_of(chunk(R"(x"},"finish_reason":"stop"},{"delta":{"content":"y)"))));  // another member
  EXPECT_FALSE(usual.read(event_of(chunk("x", " "))));
  EXPECT_FALSE(usual.read(event_of(chunk(R"(half an escape \)"))));
  EXPECT_FALSE(usual.read(event_of(chunk(R"(a lone surrogate \ud800)"))));
  EXPECT_FALSE(usual.read(event_of(chunk("not UTF-8 \xff"))));
  EXPECT_FALSE(usual.read(event_of(chunk("a bare\nline"))));
  EXPECT_FALSE(usual.read(event_of(chunk("x"), "error")));
  usual.forget();
  EXPECT_FALSE(usual.read(event_of(chunk("x"))));
}

TEST(UsualEvent, NoiseAtItsEndDiffersWithoutHarm) {
  UsualEvent usual;
  usual.learn(event_of(chunk("Hello", R"(,"obfuscation":"aB3")")), "Hello");
  EXPECT_EQ(usual.read(event_of(chunk("x", R"(,"obfuscation":"")"))), "x");
  EXPECT_EQ(usual.read(event_of(chunk("x", R"(,"obfuscation":"Zz09")"))), "x");
  EXPECT_FALSE(usual.read(event_of(chunk("x", R"(,"obfuscation":"a","usage":{"prompt_tokens":1}")"))));
}

// What stood before the noise lacks the object's bracket: an event cut there was taken for whole.
TEST(UsualEvent, AnEventThatEndsWhereNoiseBeganIsNoJson) {
  UsualEvent usual;
  usual.learn(event_of(chunk("Hello", R"(,"obfuscation":"aB3")")), "Hello");
  std::string cut = chunk("x");
  cut.pop_back();
  EXPECT_FALSE(usual.read(event_of(cut)));
}

TEST(UsualEvent, WhatCouldBeMistakenIsNotLearned) {
  UsualEvent usual;
  usual.learn(event_of(chunk("content")), "content");  // its name and its text are alike
  EXPECT_FALSE(usual.read(event_of(chunk("x"))));
  usual.learn(event_of(chunk("a")), "a");  // and so are its id and its text
  EXPECT_FALSE(usual.read(event_of(chunk("x"))));
  usual.learn(event_of(chunk(R"(\u0063hoices)")), "choices");  // written otherwise than it reads
  EXPECT_FALSE(usual.read(event_of(chunk("x"))));
}

// A NUL byte ends the text for the JSON library, which would take what stands before it for the whole.
TEST(UsualEvent, NothingIsReadPastAByteThatNoTextHas) {
  UsualEvent usual;
  usual.learn(event_of(R"({"object":"a"})"), "a");
  EXPECT_EQ(usual.read(event_of(R"({"object":"b"})")), "b");
  EXPECT_FALSE(usual.read(event_of(std::string("{\"object\":\"b\"\0\0:\"c\"}", 20))));
}

// Whatever lies inside: what is read is what a reader of the whole would have read.
TEST(UsualEvent, ReadsWhatAWholeReaderWould) {
  rc::check([](const std::string& inside) {
    UsualEvent usual;
    usual.learn(event_of(chunk("Hello there")), "Hello there");
    const std::string data = chunk(inside);
    const auto text = usual.read(event_of(data));
    if (!text) return;
    const auto json = nlohmann::ordered_json::parse(data, nullptr, false);
    RC_ASSERT(json.is_object());
    RC_ASSERT(json["choices"][0]["delta"].size() == 1U);
    RC_ASSERT(json["choices"][0]["delta"]["content"] == *text);
  });
}

}  // namespace
}  // namespace steward::gateway
