#include "gateway/embeddings/answer.h"

#include <iterator>

namespace steward::gateway {
namespace {

std::string write_gemini_vectors(const EmbeddingRequest& asked, const MadeVectors& made) {
  const std::string usage = fmt::format(R"("usageMetadata":{{"promptTokenCount":{}}})", made.usage.prompt_tokens);
  if (asked.single) return fmt::format(R"({{"embedding":{{"values":{}}},{}}})", made.texts.front(), usage);
  std::string out = R"({"embeddings":[)";
  for (size_t at = 0; at < made.texts.size(); ++at)
    fmt::format_to(std::back_inserter(out), R"({}{{"values":{}}})", at == 0 ? "" : ",", made.texts[at]);
  return out + "]," + usage + "}";
}

}  // namespace

std::string write_vectors(const EmbeddingRequest& asked, MadeVectors made) {
  if (!made.raw.is_null()) {
    made.raw["model"] = asked.model;
    return dump(made.raw);
  }
  if (asked.from == Dialect::kGemini) return write_gemini_vectors(asked, made);
  std::string out = R"({"object":"list","data":[)";
  for (size_t at = 0; at < made.texts.size(); ++at)
    fmt::format_to(std::back_inserter(out), R"({}{{"object":"embedding","index":{},"embedding":{}}})",
                   at == 0 ? "" : ",", at, made.texts[at]);
  const int64_t tokens = made.usage.prompt_tokens;
  return out + fmt::format(R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})", dump(asked.model),
                           tokens, tokens);
}

}  // namespace steward::gateway
