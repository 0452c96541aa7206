// A call of /v1/embeddings, read and checked; the list of known fields is closed.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace steward::gateway {

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

}  // namespace steward::gateway
