// What is to be turned into vectors, read and checked: a call of /v1/embeddings, whose list of fields is closed, or of
// Gemini's embedContent and batchEmbedContents. What only one dialect knows stays in `body` and travels to providers of
// that dialect.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "gateway/form/request.h"

namespace steward::gateway {

struct EmbeddingRequest {
  Dialect from = Dialect::kChat;  // kChat: OpenAI's; or kGemini
  Json body;                      // of Gemini: {"requests": […]}, also of a single one
  std::string model;
  std::vector<std::string> inputs;  // of Gemini's the text alone
  int64_t tokens = 0;               // of inputs that are token numbers; then `inputs` holds an empty text for each
  bool base64 = false;
  bool query = false;  // the text is a question, not what is looked through
  bool typed = false;  // which of them it is was said
  std::string task;    // as Gemini's callers say it; or empty
  std::optional<int64_t> dimensions;
  bool single = false;  // Gemini's embedContent: one vector, not a list of one
  bool media = false;   // Gemini's: some input is more than text

  size_t bytes() const;  // of all texts
};
inline constexpr size_t kMaxEmbeddingInputs = 2'048;
Result<EmbeddingRequest> read_embedding(Json body);
// `batch`: of batchEmbedContents.
Result<EmbeddingRequest> read_gemini_embedding(Json body, std::string model, bool batch);

// By what names the caller knows a setting.
std::string_view dimensions_name(Dialect from);
std::string_view type_name(Dialect from);
std::string_view inputs_name(Dialect from);

}  // namespace steward::gateway
