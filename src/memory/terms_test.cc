#include "memory/terms.h"

#include <gtest/gtest.h>

#include "memory/passages.h"
#include "memory/question.h"

namespace steward::memory {
namespace {

std::string terms(std::string_view text, Language language = Language::kEnglish) {
  std::string out;
  for (const auto& [term, count] : terms_in(text, language).counts) {
    if (!out.empty()) out += ' ';
    out += count == 1 ? term : term + "*" + std::to_string(count);
  }
  return out;
}

std::string wanted(std::string_view question, const std::vector<Language>& languages = {}) {
  std::string out;
  for (const auto& one : wanted_in(question, languages)) {
    if (!out.empty()) out += ' ';
    for (size_t i = 0; i < one.terms.size(); ++i) out += (i > 0 ? "|" : "") + one.terms[i];
  }
  return out;
}

TEST(Terms, AreStemsWithoutFunctionWords) {
  EXPECT_EQ(terms("Painted and painting, the PAINTINGS"), "paint*3");
  EXPECT_EQ(terms("Café à la ＣＡＦＥ"), "cafe*2 la");
  EXPECT_EQ(terms_in("the cat sat", Language::kEnglish).length, 2);
  EXPECT_EQ(terms("Die Häuser und das Haus", Language::kGerman), "haus*2");
}

TEST(Terms, AScriptWithoutSpacesStandsInPairs) {
  EXPECT_EQ(terms("我喜欢猫"), "喜欢 我喜 欢猫");
  EXPECT_EQ(terms("猫, dog"), "dog 猫");
  EXPECT_EQ(terms("喜欢cats喜欢"), "cat 喜欢*2");
}

TEST(Terms, ALanguageIsToldFromItsFunctionWords) {
  EXPECT_EQ(language_of("Ich habe das nicht gesehen und bin müde"), Language::kGerman);
  EXPECT_EQ(language_of("Je ne sais pas où est la gare"), Language::kFrench);
  EXPECT_EQ(language_of("No sé dónde está la estación de tren, pero es muy lejos"), Language::kSpanish);
  EXPECT_EQ(language_of("I have not seen it and was tired"), Language::kEnglish);
  EXPECT_EQ(language_of("Lasagne"), Language::kEnglish);
  EXPECT_EQ(language_of(""), Language::kEnglish);
}

TEST(Terms, AQuestionsWordIsItsStemInEachLanguage) {
  EXPECT_EQ(wanted("What did Caroline paint?"), "carolin paint");
  EXPECT_EQ(wanted("Häuser", {Language::kEnglish, Language::kGerman}), "hauser|haus");
  EXPECT_EQ(wanted("你喜欢什么"), "你喜 喜欢");
  EXPECT_EQ(wanted("什么"), "什么");
  EXPECT_EQ(wanted("paint painted"), "paint");
}

TEST(Terms, WhatOnlyAsksCountsWhereNothingElseIsThere) {
  EXPECT_EQ(wanted("What did you do?"), "what did you do");
  EXPECT_EQ(wanted("the"), "");
}

TEST(Passages, ShortOnesAreWhole) {
  EXPECT_EQ(passages_in("One.\n\nTwo.").size(), 1U);
  EXPECT_TRUE(passages_in(" \n").empty());
}

TEST(Passages, LieEndToEndAndEndWhereSomethingEnds) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "This is sentence number " + std::to_string(i) + ". ";
  const auto all = passages_in(text);
  ASSERT_GT(all.size(), 5U);
  size_t at = 0;
  for (const Passage& one : all) {
    EXPECT_EQ(one.begin, at);
    EXPECT_LE(one.end - one.begin, kPassageBytes);
    EXPECT_EQ(text.substr(one.end - 2, 2), ". ");
    at = one.end;
  }
  EXPECT_EQ(at, text.size());
}

TEST(Passages, NeverCutACharacter) {
  std::string text;
  for (int i = 0; i < 3'000; ++i) text += "猫";
  for (const Passage& one : passages_in(text)) EXPECT_EQ((one.end - one.begin) % 3, 0U);
}

TEST(Passages, TheNameBeforeTheColon) {
  EXPECT_EQ(speaker_in("Caroline: I went"), "Caroline");
  EXPECT_EQ(speaker_in("Dr. Ana Sousa: yes"), "Dr. Ana Sousa");
  EXPECT_EQ(speaker_in("王小明：你好"), "王小明");
  for (const char* text : {"note: this", "http://x", "Yes", "", ": x", "12: x", "A B C D: x", "Well, then: x"})
    EXPECT_EQ(speaker_in(text), "") << text;
}

TEST(Passages, TokensAreGuessed) {
  EXPECT_EQ(about_tokens("four words are here."), 5U);
  EXPECT_EQ(about_tokens("我喜欢猫"), 4U);
}

TEST(Question, TellsOrderAndOfWhom) {
  const auto read = [](std::string_view text) { return read_question(text, 0, nullptr, {}); };
  EXPECT_EQ(read("When did we last time speak of it?").order, Order::kLatest);
  EXPECT_EQ(read("我最近一次跑步").order, Order::kLatest);
  EXPECT_EQ(read("When did I first mention Ana?").order, Order::kFirst);
  EXPECT_EQ(read("the first time that we met").order, Order::kFirst);
  EXPECT_EQ(read("what colour is it").order, Order::kRelevance);
  EXPECT_TRUE(read("What is my sister's name?").of_self);
  EXPECT_FALSE(read("mystery").of_self);
  EXPECT_TRUE(read("What did you recommend?").of_assistant);
  EXPECT_TRUE(is_named(read("What did Ana Sousa say?"), "Ana Sousa"));
  EXPECT_FALSE(is_named(read("What did Ana say?"), "Ana Sousa"));
  EXPECT_FALSE(is_named(read("What?"), ""));
}

}  // namespace
}  // namespace steward::memory
