// What the shipped table knows of a model beside its price: for bounds (how long its prompt and answer can be) and for
// routes (what it can do). 0 and kNotTold: the table doesn't say, which is no "no". Plain data; any thread.
#pragma once
#include <cstdint>
#include <string>

namespace steward::ledger {

enum class Told { kNotTold, kNo, kYes };

struct ModelFacts {
  std::string model;           // as the table names it: "openai/gpt-5"
  std::string mode;            // "chat", "responses", "embedding", …
  int64_t context_tokens = 0;  // of prompt and answer together, where the provider says so; else of the prompt
  int64_t output_tokens = 0;   // at most in one answer
  Told vision = Told::kNotTold;
  Told documents = Told::kNotTold;  // PDF
  Told audio_input = Told::kNotTold, audio_output = Told::kNotTold;
  Told tools = Told::kNotTold;
  Told reasoning = Told::kNotTold;
  Told json_schema = Told::kNotTold;
  Told web_search = Told::kNotTold;
};

}  // namespace steward::ledger
