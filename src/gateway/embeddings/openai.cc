// POST /embeddings, as OpenAI and those who are compatible take it. An OpenAI caller's body goes there as it came, and
// the answer back as it came.
#include "base/json_bounded.h"
#include "gateway/embeddings/egress.h"
#include "gateway/output_count.h"
#include "gateway/peek.h"
#include "gateway/upstream.h"

namespace steward::gateway {
namespace {

class OpenAiEmbeddings final : public EmbeddingEgress {
 public:
  size_t most_inputs() const override { return kMaxEmbeddingInputs; }

  Status check(const EmbeddingRequest& asked, Refusals& refusals) const override {
    if (asked.typed) {
      if (auto ok = refusals.refuse(type_name(asked.from), "put a prefix into the text instead."); !ok) return ok;
    }
    return refuse_what_only_gemini_knows(asked, refusals);
  }

  EmbeddingAsk ask(const EmbeddingRequest& asked, const std::string& model, size_t, size_t) const override {
    if (asked.from != Dialect::kGemini) {
      Json body = asked.body;
      body["model"] = model;
      body.erase("input_type");
      return {.path = "/embeddings", .body = std::move(body)};
    }
    Json body = {{"model", model}, {"input", asked.inputs}, {"encoding_format", "float"}};
    if (asked.dimensions) body["dimensions"] = *asked.dimensions;
    return {.path = "/embeddings", .body = std::move(body)};
  }

  Result<Vectors> read(const EmbeddingRequest& asked, Json body, const net::Headers&, size_t count) const override {
    const Json& data = peek(body, "data");
    if (!data.is_array()) return no_vectors();
    Vectors out;
    out.usage = gateway::read_usage(body);
    if (asked.from != Dialect::kGemini) {
      out.raw = std::move(body);
      return out;
    }
    out.texts.resize(count);
    if (data.size() != count) return no_vectors();
    for (size_t at = 0; at < count; ++at) {
      const auto index = static_cast<size_t>(peek_integer(data[at], "index", static_cast<int64_t>(at)));
      auto text = vector_text(peek(data[at], "embedding"), false);
      if (!text || index >= count) return no_vectors();
      out.texts[index] = std::move(*text);
    }
    if (std::ranges::any_of(out.texts, &std::string::empty)) return no_vectors();
    return out;
  }

  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return upstream_refusal(status, body, headers, false);
  }
};

}  // namespace

const EmbeddingEgress& openai_embeddings() {
  static const OpenAiEmbeddings kEgress;
  return kEgress;
}

}  // namespace steward::gateway
