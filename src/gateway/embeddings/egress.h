// A provider's side of embeddings: how texts are asked for and how vectors come back, for each way in which providers
// answer. Translates only: no network, no money. Stateless, shared by all threads.
//
// Providers take so many texts a request (Amazon's Titan one, Gemini a hundred): who asks (remote.h) makes as many
// requests as it takes of one call.
#pragma once
#include <optional>

#include "gateway/dialects/dialect.h"
#include "gateway/directory.h"
#include "gateway/embeddings/request.h"

namespace steward::net {
class Headers;
}

namespace steward::gateway {

struct EmbeddingAsk {
  std::string path;  // after the base URL
  Json body;
};

struct Vectors {
  std::vector<std::string> texts;  // each as JSON: a list of numbers, or base64 in quotes; in the order of the inputs
  std::optional<ledger::Usage> usage;  // as told; none: nothing was told, or what can't be
  bool disputed = false;               // what was told can't be
  Json raw;                            // the whole answer, where it is in the caller's own dialect; else null
};

class EmbeddingEgress {
 public:
  virtual ~EmbeddingEgress() = default;
  virtual size_t most_inputs() const = 0;  // of one request
  // Refuses by name what can't be honoured.
  virtual Status check(const EmbeddingRequest& asked, Refusals& refusals) const = 0;
  // For the inputs [first, first + count).
  virtual EmbeddingAsk ask(const EmbeddingRequest& asked, const std::string& model, size_t first,
                           size_t count) const = 0;
  // kUpstreamError: not a list of `count` vectors.
  virtual Result<Vectors> read(const EmbeddingRequest& asked, Json body, const net::Headers& headers,
                               size_t count) const = 0;
  virtual Error read_error(int status, std::string_view body, const net::Headers& headers) const = 0;
};

// kUnsupportedField: that provider, or that model of it, makes none.
Result<const EmbeddingEgress*> embedding_egress(const Target& target);

const EmbeddingEgress& openai_embeddings();
const EmbeddingEgress& gemini_embeddings();
const EmbeddingEgress* bedrock_embeddings(std::string_view model);  // null: not a model of Titan's or Cohere's texts

// For the egresses. A list of numbers as JSON, or as base64 of little-endian 32-bit floats where `base64`; none: it is
// no list of numbers.
std::optional<std::string> vector_text(const Json& numbers, bool base64);
std::unexpected<Error> no_vectors();
Status refuse_tokens(Refusals& refusals);
// Of a Gemini caller, for whoever is not Gemini: more than text, and settings of any of the texts that others lack.
Status refuse_what_only_gemini_knows(const EmbeddingRequest& asked, Refusals& refusals);
// Takes a count, or disputes it.
void take_count(const Json& object, const char* name, Vectors& into);

}  // namespace steward::gateway
