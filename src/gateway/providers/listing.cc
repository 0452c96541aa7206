#include "gateway/providers/listing.h"

#include <algorithm>
#include <cctype>

#include "base/json_bounded.h"
#include "gateway/peek.h"
#include "gateway/providers/auth.h"

namespace steward::gateway {
namespace {

constexpr size_t kMaxListBytes = 16 * 1024 * 1024;

std::string listing_url(const ProviderOptions& provider) {
  switch (provider.profile.dialect) {
    case ProviderDialect::kAnthropic: return provider.base_url + "/models?limit=1000";
    case ProviderDialect::kGemini: return provider.base_url + "/models?pageSize=1000";
    case ProviderDialect::kBedrock: {  // the control plane has another host
      std::string url = provider.base_url;
      constexpr std::string_view kRuntime = "bedrock-runtime.";
      if (const size_t at = url.find(kRuntime); at != std::string::npos) url.replace(at, kRuntime.size(), "bedrock.");
      return url + "/foundation-models";
    }
    case ProviderDialect::kOpenAi:
    case ProviderDialect::kResponses: break;
  }
  return provider.base_url + "/models";
}

std::string text_at(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool holds(const Json& list, std::string_view word) {
  return std::ranges::any_of(list, [&](const Json& one) { return one.is_string() && one.get<std::string>() == word; });
}

// "embedding" or "embeddings", however written; Fireworks says "EMBEDDING_MODEL".
bool is_embedding_word(const Json& value) {
  if (!value.is_string()) return false;
  std::string word = value.get<std::string>();
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word.starts_with("embedding");
}

bool is_embeddings_alone(const Json& modalities) {
  return !modalities.empty() && std::ranges::all_of(modalities, is_embedding_word);
}

// Mistral's capabilities name what a model says, and its OCR and moderation say as little: no word of vectors.
bool tells_embedding(const Json& row) {
  const Json& methods = peek(row, "supportedGenerationMethods");  // Gemini's
  if (holds(methods, "embedContent") && !holds(methods, "generateContent")) return true;
  const Json& endpoints = peek(row, "endpoints");  // Cohere's
  if (holds(endpoints, "embed") && !holds(endpoints, "chat") && !holds(endpoints, "generate")) return true;
  return is_embedding_word(peek(row, "type")) || is_embedding_word(peek(row, "kind")) ||  // Together; Steward
         is_embeddings_alone(peek(row, "outputModalities")) ||                            // Bedrock
         is_embeddings_alone(peek(peek(row, "architecture"), "output_modalities"));       // OpenRouter
}

}  // namespace

Result<std::optional<net::ClientRequest>> listing_request(const ProviderOptions& provider, TimeUs now) {
  if (!provider.profile.quirks.lists_models) return std::optional<net::ClientRequest>();
  net::ClientRequest request;
  request.url = listing_url(provider);
  request.guard = provider.guard;
  request.deadlines = provider.deadlines;
  request.max_response_bytes = kMaxListBytes;
  if (auto good = authorize(request, provider.profile, {provider.key, provider.region}, now); !good)
    return fail(good.error());
  return std::optional(std::move(request));
}

std::vector<ListedModel> listed_models(const Json& answer) {
  std::vector<ListedModel> out;
  if (!answer.is_object() && !answer.is_array()) return out;
  for (const char* list : {"data", "models", "modelSummaries"}) {
    const auto found = answer.is_object() ? answer.find(list) : answer.end();
    const Json& rows = answer.is_array() ? answer : found != answer.end() ? *found : Json::array();
    if (!rows.is_array()) continue;
    for (const auto& row : rows) {
      std::string name;
      for (const char* field : {"id", "modelId", "name"}) {
        if (name.empty()) name = text_at(row, field);
      }
      if (name.starts_with("models/")) name.erase(0, 7);  // Gemini's
      if (!name.empty() && out.size() < kMaxListedModels) out.push_back({std::move(name), tells_embedding(row)});
    }
    if (!out.empty()) break;
  }
  return out;
}

bool is_key_refusal(int status, std::string_view body) {
  if (status == 401) return true;
  if (status != 400 && status != 403) return false;
  Json json = parse_bounded(body);
  if (json.is_array() && !json.empty()) json = Json(json[0]);
  const Json& details = peek(peek(json, "error"), "details");
  return std::ranges::any_of(details, [](const Json& detail) {
    const std::string reason = text_at(detail, "reason");
    return reason == "API_KEY_INVALID" || reason == "API_KEY_SERVICE_BLOCKED";
  });
}

bool is_embedding_name(std::string_view provider, std::string_view model) {
  if (provider == "voyage" && model.starts_with("voyage-")) return true;
  std::string word;
  const auto is_it = [&word] { return word == "embed" || word == "embedding" || word == "embeddings"; };
  for (const char c : model) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (is_it()) return true;
    word.clear();
  }
  return is_it();
}

}  // namespace steward::gateway
