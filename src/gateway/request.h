// A call in OpenAI's dialect, read and checked: Chat Completions and Completions.
//
// The list of known fields is closed: an unknown one is refused by name (with the nearest known one), and one that the
// egress can't honour is refused by name too. Nothing is dropped silently. `body` is the request as it came; what is
// sent on is made from it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace steward::gateway {

inline constexpr int64_t kMaxChoices = 128;
inline constexpr size_t kMaxStops = 4;
inline constexpr size_t kMaxTools = 128;
inline constexpr size_t kMaxMessages = 20'000;

enum class CallKind { kChat, kCompletion };

struct ModelRequest {
  CallKind kind = CallKind::kChat;
  Json body;
  std::string model;
  bool stream = false;
  bool include_usage = false;
  int64_t n = 1;                      // choices, of each prompt
  std::optional<int64_t> max_output;  // tokens of each choice
  std::vector<Json> prompts;          // of a completion: strings or arrays of tokens
  bool has_tools = false;
  int64_t choices() const { return n * static_cast<int64_t>(kind == CallKind::kChat ? 1 : prompts.size()); }
};

Result<ModelRequest> read_chat(Json body);
Result<ModelRequest> read_completion(Json body);
Status check_for_local(const ModelRequest& request);  // kUnsupportedField for what llama.cpp can't honour

struct EmbeddingRequest {
  Json body;
  std::string model;
  std::vector<std::string> inputs;
  bool base64 = false;
  bool query = false;
  std::optional<int64_t> dimensions;
};
inline constexpr size_t kMaxEmbeddingInputs = 2'048;
Result<EmbeddingRequest> read_embedding(Json body);

std::unexpected<Error> bad_field(std::string_view field, std::string message);  // kInvalidRequest with "param"

}  // namespace steward::gateway
