#include "memory/question.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/words.h"

namespace steward::memory {
namespace {

bool has_any(std::string_view text, std::initializer_list<std::string_view> phrases) {
  return std::ranges::any_of(phrases, [&](std::string_view one) { return text.find(one) != std::string_view::npos; });
}

// `padded`: the folded words of the question with a space before, between and after.
Order order_in(std::string_view padded, std::string_view text) {
  if (has_any(padded,
              {" last time ", " latest ", " most recent ", " most recently ", " lately ", " newest ", " zuletzt "}) ||
      has_any(text, {"最近一次", "上一次", "上次", "最新", "最后一次"}))
    return Order::kLatest;
  if (has_any(padded, {" first time ", " first mention ", " originally ", " earliest ", " did i first ",
                       " did we first ", " zuerst "}) ||
      has_any(text, {"第一次", "最早", "最初", "首次"}))
    return Order::kFirst;
  return Order::kRelevance;
}

}  // namespace

Question read_question(std::string_view text, TimeUs asked_at, const date::time_zone* zone,
                       const std::vector<Language>& languages) {
  text = text.substr(0, kMaxQuestionBytes);
  text.remove_suffix(incomplete_utf8_tail(text));
  Question out{.text = std::string(text)};
  out.wanted = wanted_in(text, languages);
  out.times = times_in(text, asked_at, zone);
  std::string padded = " ";
  each_word(text, [&](const Word& word) {
    out.words.insert(word.folded);
    padded += word.folded;
    padded += ' ';
    return true;
  });
  out.order = order_in(padded, text);
  out.of_assistant = has_any(padded, {" did you ", " have you ", " you said ", " you told ", " you suggested ",
                                      " you recommended ", " your answer ", " your advice ", " your suggestion "}) ||
                     has_any(text, {"你说", "你建议", "你推荐", "你告诉"});
  out.of_self = !out.of_assistant && (has_any(padded, {" i ", " my ", " mine ", " me "}) || has_any(text, {"我"}));
  return out;
}

bool is_named(const Question& question, std::string_view name) {
  bool all = true, any = false;
  each_word(name, [&](const Word& word) {
    any = true;
    all = all && question.words.contains(word.folded);
    return all;
  });
  return any && all;
}

}  // namespace steward::memory
