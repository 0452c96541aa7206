#include "gateway/embeddings/egress.h"

#include "base/crypto.h"
#include "gateway/fields.h"
#include "gateway/peek.h"
#include "gateway/told_usage.h"

namespace steward::gateway {

Result<const EmbeddingEgress*> embedding_egress(const Target& target) {
  const ProviderProfile& profile = target.options->profile;
  const EmbeddingEgress* found = nullptr;
  switch (profile.dialect) {
    case ProviderDialect::kOpenAi:
    case ProviderDialect::kResponses: found = &openai_embeddings(); break;
    case ProviderDialect::kGemini: found = &gemini_embeddings(); break;
    case ProviderDialect::kBedrock: found = bedrock_embeddings(target.upstream_model); break;
    case ProviderDialect::kAnthropic: break;
  }
  if (found != nullptr && profile.quirks.embeddings) return found;
  const std::string_view which = profile.dialect == ProviderDialect::kBedrock
                                     ? "of Bedrock's models, amazon.titan-embed-text-… and cohere.embed-… do"
                                     : "use a local embedding model, or one of a provider that makes them";
  return fail(ErrorCode::kUnsupportedField,
              fmt::format("'model' can't be honoured: '{}' of '{}' makes no embeddings that can be asked for here; {}.",
                          target.model, target.provider, which),
              {{"param", "model"}});
}

std::optional<std::string> vector_text(const Json& numbers, bool base64) {
  if (!numbers.is_array() || numbers.empty()) return {};
  if (!std::ranges::all_of(numbers, [](const Json& number) { return number.is_number(); })) return {};
  if (!base64) return dump(numbers);
  std::vector<float> packed;
  packed.reserve(numbers.size());
  for (const Json& number : numbers) packed.push_back(static_cast<float>(number.get<double>()));
  return "\"" + to_base64({reinterpret_cast<const char*>(packed.data()), packed.size() * sizeof(float)}) + "\"";
}

std::unexpected<Error> no_vectors() {
  return fail(ErrorCode::kUpstreamError, "The model's provider answered with something that is no list of embeddings.");
}

Status refuse_tokens(Refusals& refusals) {
  auto refused = refusals.refuse("input", "token numbers are another tokenizer's: send the text.");
  if (!refused) return refused;
  return bad_field("input", "'input' as token numbers can't be left out: there would be nothing to embed.");
}

Status refuse_what_only_gemini_knows(const EmbeddingRequest& asked, Refusals& refusals) {
  if (asked.from != Dialect::kGemini) return {};
  if (asked.media) {
    if (auto ok = refusals.refuse("content", "it takes texts alone."); !ok) return ok;
  }
  Json extra = Json::object();  // by name, once each
  for (const Json& one : asked.body["requests"])
    extra.update(members_but(one, {"model", "content", "taskType", "outputDimensionality"}));
  return refusals.refuse_extra(extra, "", "only Gemini knows it.");
}

void take_count(const Json& object, const char* name, Vectors& into) {
  const Json& told = peek(object, name);
  if (told.is_null()) return;
  const int64_t count = peek_integer(object, name, -1);
  if (count < 0 || count > kMostToldTokens)
    into.disputed = true;
  else
    into.usage = ledger::Usage{.prompt_tokens = count};
}

}  // namespace steward::gateway
