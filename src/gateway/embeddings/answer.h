// Vectors, written as the caller's dialect has them.
#pragma once
#include "gateway/embeddings/request.h"
#include "ledger/price.h"

namespace steward::gateway {

struct MadeVectors {
  std::vector<std::string> texts;  // each as JSON, in the order of the inputs
  ledger::Usage usage;
  Json raw;  // a whole answer in the caller's own dialect, which then goes out as it came; else null
};

// The body of the answer.
std::string write_vectors(const EmbeddingRequest& asked, MadeVectors made);

}  // namespace steward::gateway
