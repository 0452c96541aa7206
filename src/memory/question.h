// A question as memory reads it: what words it looks for, which times and order it names, of whom it asks. Pure.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "memory/terms.h"
#include "memory/when.h"

namespace steward::memory {

inline constexpr size_t kMaxQuestionBytes = 4'000;

enum class Order { kRelevance, kLatest, kFirst };

struct Question {
  std::string text;
  std::vector<Wanted> wanted;
  std::vector<When> times;
  Order order = Order::kRelevance;
  bool of_self = false;         // "my …", "what did I say": the person's own words
  bool of_assistant = false;    // "what did you suggest"
  std::set<std::string> words;  // all of them, folded: to know the names among them
};

Question read_question(std::string_view text, TimeUs asked_at, const date::time_zone* zone,
                       const std::vector<Language>& languages);
// Whether every word of a name ("Ana Sousa") is among the question's.
bool is_named(const Question& question, std::string_view name);

}  // namespace steward::memory
