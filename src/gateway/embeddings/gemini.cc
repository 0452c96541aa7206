// POST /models/MODEL:batchEmbedContents (ai.google.dev/api/embeddings): up to a hundred texts a request. Its answers
// tell usageMetadata.promptTokenCount, or, from some of its models, nothing.
#include "gateway/embeddings/egress.h"
#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr size_t kMostOfGemini = 100;

class GeminiEmbeddings final : public EmbeddingEgress {
 public:
  size_t most_inputs() const override { return kMostOfGemini; }

  Status check(const EmbeddingRequest& asked, Refusals& refusals) const override {
    if (asked.tokens == 0) return {};
    return refuse_tokens(refusals);
  }

  EmbeddingAsk ask(const EmbeddingRequest& asked, const std::string& model, size_t first, size_t count) const override {
    const std::string bare = model.starts_with("models/") ? model.substr(7) : model;
    Json requests = Json::array();
    for (size_t at = first; at < first + count; ++at) {
      Json one = asked.from == Dialect::kGemini ? asked.body["requests"][at] : of_text(asked, asked.inputs[at]);
      one["model"] = "models/" + bare;
      requests.push_back(std::move(one));
    }
    return {.path = fmt::format("/models/{}:batchEmbedContents", bare), .body = {{"requests", std::move(requests)}}};
  }

  Result<Vectors> read(const EmbeddingRequest& asked, Json body, const net::Headers&, size_t count) const override {
    const Json& embeddings = peek(body, "embeddings");
    if (!embeddings.is_array() || embeddings.size() != count) return no_vectors();
    Vectors out;
    for (const Json& one : embeddings) {
      auto text = vector_text(peek(one, "values"), asked.base64);
      if (!text) return no_vectors();
      out.texts.push_back(std::move(*text));
    }
    take_count(peek(body, "usageMetadata"), "promptTokenCount", out);
    return out;
  }

  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return gemini_egress().read_error(status, body, headers);
  }

 private:
  static Json of_text(const EmbeddingRequest& asked, const std::string& text) {
    Json out = {{"content", {{"parts", Json::array({Json{{"text", text}}})}}}};
    if (asked.dimensions) out["outputDimensionality"] = *asked.dimensions;
    if (asked.typed) out["taskType"] = asked.query ? "RETRIEVAL_QUERY" : "RETRIEVAL_DOCUMENT";
    return out;
  }
};

}  // namespace

const EmbeddingEgress& gemini_embeddings() {
  static const GeminiEmbeddings kEgress;
  return kEgress;
}

}  // namespace steward::gateway
