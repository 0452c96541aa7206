// POST /model/MODEL/invoke of Amazon Bedrock, for the models that make vectors of texts
// (docs.aws.amazon.com/bedrock/latest/userguide: model-parameters-titan-embed-text, model-parameters-embed-v3 and -v4).
// Titan takes one text a request, Cohere up to 96. Counts come in Titan's body, else in the header
// x-amzn-bedrock-input-token-count.
#include <charconv>

#include "base/percent.h"
#include "gateway/embeddings/egress.h"
#include "gateway/peek.h"
#include "gateway/told_usage.h"
#include "net/http_server.h"

namespace steward::gateway {
namespace {

constexpr size_t kMostOfCohere = 96;

// The two families' common half.
class BedrockEmbeddings : public EmbeddingEgress {
 public:
  explicit BedrockEmbeddings(bool shortens) : shortens_(shortens) {}

  Error read_error(int status, std::string_view body, const net::Headers& headers) const override {
    return messages_egress().read_error(status, body, headers);
  }

 protected:
  Status check_common(const EmbeddingRequest& asked, Refusals& refusals) const {
    if (asked.tokens > 0) return refuse_tokens(refusals);
    if (asked.dimensions && !shortens_) {
      auto ok = refusals.refuse(dimensions_name(asked.from), "this model's vectors have one length: leave it out.");
      if (!ok) return ok;
    }
    return refuse_what_only_gemini_knows(asked, refusals);
  }
  static std::string invoke_path(const std::string& model) {
    return fmt::format("/model/{}/invoke", percent_encoded(model));
  }
  static void take_header_count(const net::Headers& headers, Vectors& into) {
    const std::string_view told = headers.get("x-amzn-bedrock-input-token-count");
    int64_t count = -1;
    const auto read = std::from_chars(told.data(), told.data() + told.size(), count);
    if (told.empty() || into.usage) return;
    if (read.ec != std::errc() || read.ptr != told.data() + told.size() || count < 0 || count > kMostToldTokens)
      into.disputed = true;
    else
      into.usage = ledger::Usage{.prompt_tokens = count};
  }
  bool shortens() const { return shortens_; }

 private:
  bool shortens_;  // its vectors may be asked for in another length
};

class TitanEmbeddings final : public BedrockEmbeddings {
 public:
  using BedrockEmbeddings::BedrockEmbeddings;
  size_t most_inputs() const override { return 1; }

  Status check(const EmbeddingRequest& asked, Refusals& refusals) const override {
    if (asked.typed) {
      auto ok = refusals.refuse(type_name(asked.from), "it makes one kind of vectors for questions and passages.");
      if (!ok) return ok;
    }
    return check_common(asked, refusals);
  }

  EmbeddingAsk ask(const EmbeddingRequest& asked, const std::string& model, size_t first, size_t) const override {
    Json body = {{"inputText", asked.inputs[first]}};
    if (asked.dimensions && shortens()) body["dimensions"] = *asked.dimensions;
    return {.path = invoke_path(model), .body = std::move(body)};
  }

  Result<Vectors> read(const EmbeddingRequest& asked, Json body, const net::Headers& headers, size_t) const override {
    auto text = vector_text(peek(body, "embedding"), asked.base64);
    if (!text) return no_vectors();
    Vectors out;
    out.texts.push_back(std::move(*text));
    take_count(body, "inputTextTokenCount", out);
    take_header_count(headers, out);
    return out;
  }
};

class CohereEmbeddings final : public BedrockEmbeddings {
 public:
  using BedrockEmbeddings::BedrockEmbeddings;
  size_t most_inputs() const override { return kMostOfCohere; }

  Status check(const EmbeddingRequest& asked, Refusals& refusals) const override {
    if (kind_of(asked).empty()) {
      auto ok = refusals.refuse(type_name(asked.from), "it knows retrieval, classification and clustering.");
      if (!ok) return ok;
    }
    return check_common(asked, refusals);
  }

  EmbeddingAsk ask(const EmbeddingRequest& asked, const std::string& model, size_t first, size_t count) const override {
    const auto from = asked.inputs.begin() + static_cast<ptrdiff_t>(first);
    Json body = {{"texts", std::vector<std::string>(from, from + static_cast<ptrdiff_t>(count))},
                 {"input_type", kind_of(asked).empty() ? "search_document" : kind_of(asked)},  // it demands one
                 {"embedding_types", Json::array({"float"})}};
    if (asked.dimensions && shortens()) body["output_dimension"] = *asked.dimensions;
    return {.path = invoke_path(model), .body = std::move(body)};
  }

  // Lists of vectors, or one such list by type.
  Result<Vectors> read(const EmbeddingRequest& asked, Json body, const net::Headers& headers,
                       size_t count) const override {
    const Json& made = peek(body, "embeddings");
    const Json& list = made.is_object() ? peek(made, "float") : made;
    if (!list.is_array() || list.size() != count) return no_vectors();
    Vectors out;
    for (const Json& one : list) {
      auto text = vector_text(one, asked.base64);
      if (!text) return no_vectors();
      out.texts.push_back(std::move(*text));
    }
    take_header_count(headers, out);
    if (!out.usage) take_count(peek(peek(body, "meta"), "billed_units"), "input_tokens", out);
    return out;
  }

 private:
  // Empty: a task that it doesn't know.
  static std::string_view kind_of(const EmbeddingRequest& asked) {
    if (asked.task == "CLASSIFICATION") return "classification";
    if (asked.task == "CLUSTERING") return "clustering";
    const bool other = asked.task == "SEMANTIC_SIMILARITY";
    return other ? "" : asked.query ? "search_query" : "search_document";
  }
};

}  // namespace

// By what the id holds: before it may stand a region or the address of a profile ("us.", "arn:aws:bedrock:…/").
const EmbeddingEgress* bedrock_embeddings(std::string_view model) {
  static const TitanEmbeddings kTitan1(false), kTitan2(true);
  static const CohereEmbeddings kCohere3(false), kCohere4(true);
  const auto holds = [&](std::string_view part) { return model.find(part) != std::string_view::npos; };
  if (holds("amazon.titan-embed-text-v2")) return &kTitan2;
  if (holds("amazon.titan-embed-text-v1") || holds("amazon.titan-embed-g1-text")) return &kTitan1;
  if (holds("cohere.embed-english-v3") || holds("cohere.embed-multilingual-v3")) return &kCohere3;
  return holds("cohere.embed-v") ? &kCohere4 : nullptr;
}

}  // namespace steward::gateway
