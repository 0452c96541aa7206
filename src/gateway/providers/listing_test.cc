// Lists of models and refusals of keys in the shapes of the providers' own documentation.
#include "gateway/providers/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace steward::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names(const char* body, bool embedding) {
  std::vector<std::string> out;
  for (const auto& model : listed_models(parse_own(body))) {
    if (model.embedding == embedding) out.push_back(model.name);
  }
  return out;
}

constexpr const char* kGemini = R"({"models": [
  {"name": "models/gemini-2.5-flash", "displayName": "Gemini 2.5 Flash", "inputTokenLimit": 1048576,
   "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"]},
  {"name": "models/gemini-embedding-001", "inputTokenLimit": 2048,
   "supportedGenerationMethods": ["embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent"]},
  {"name": "models/both", "supportedGenerationMethods": ["generateContent", "embedContent"]},
  {"name": "models/imagen-4.0-generate-001", "supportedGenerationMethods": ["predict"]}]})";

constexpr const char* kCohere = R"({"models": [
  {"name": "command-a-03-2025", "endpoints": ["generate", "chat", "summarize"], "finetuned": false},
  {"name": "c4ai-vectors", "endpoints": ["embed", "embed_image", "rerank"], "features": ["vision"]},
  {"name": "rerank-v3.5", "endpoints": ["rerank"]}], "next_page_token": null})";

constexpr const char* kTogether = R"([
  {"id": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "object": "model", "type": "chat", "context_length": 131072},
  {"id": "BAAI/bge-base-en-v1.5", "object": "model", "type": "embedding", "context_length": 512},
  {"id": "Salesforce/Llama-Rank-V1", "object": "model", "type": "rerank"}])";

constexpr const char* kBedrock = R"({"modelSummaries": [
  {"modelId": "amazon.nova-lite-v1:0", "inputModalities": ["TEXT", "IMAGE"], "outputModalities": ["TEXT"]},
  {"modelId": "twelvelabs.marengo-v1", "inputModalities": ["TEXT", "VIDEO"], "outputModalities": ["EMBEDDING"]}]})";

constexpr const char* kOpenRouter = R"({"data": [
  {"id": "openai/gpt-4o", "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]}},
  {"id": "thenlper/gte-large", "architecture": {"input_modalities": ["text"], "output_modalities": ["embeddings"]}}]})";

// Its capabilities say nothing of vectors: OCR and moderation look the same.
constexpr const char* kMistral = R"({"object": "list", "data": [
  {"id": "mistral-large-2512", "type": "base", "capabilities": {"completion_chat": true, "moderation": false}},
  {"id": "mistral-embed-2312", "type": "base", "capabilities": {"completion_chat": false, "moderation": false}},
  {"id": "mistral-ocr-2505", "type": "base", "capabilities": {"completion_chat": false, "ocr": true}}]})";

constexpr const char* kSteward = R"({"object": "list", "data": [
  {"id": "small", "kind": "chat", "owned_by": "steward"}, {"id": "e5", "kind": "embedding", "owned_by": "steward"}]})";

constexpr const char* kRefused = R"({"error": {"code": 400, "status": "INVALID_ARGUMENT",
  "message": "API key not valid. Please pass a valid API key.", "details": [
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com",
     "metadata": {"service": "generativelanguage.googleapis.com"}},
    {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US",
     "message": "API key not valid. Please pass a valid API key."}]}})";

constexpr const char* kForbidden = R"({"error": {"code": 403, "status": "PERMISSION_DENIED",
  "message": "Generative Language API has not been used in project 7 before or it is disabled.", "details": [
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com"}]}})";

TEST(Listing, ProvidersTellTheirEmbeddingModels) {
  EXPECT_THAT(names(kGemini, true), ElementsAre("gemini-embedding-001"));
  EXPECT_THAT(names(kGemini, false), ElementsAre("gemini-2.5-flash", "both", "imagen-4.0-generate-001"));
  EXPECT_THAT(names(kCohere, true), ElementsAre("c4ai-vectors"));
  EXPECT_THAT(names(kTogether, true), ElementsAre("BAAI/bge-base-en-v1.5"));
  EXPECT_THAT(names(kBedrock, true), ElementsAre("twelvelabs.marengo-v1"));
  EXPECT_THAT(names(kOpenRouter, true), ElementsAre("thenlper/gte-large"));
  EXPECT_THAT(names(kSteward, true), ElementsAre("e5"));
  EXPECT_THAT(names(kMistral, true), IsEmpty());
  EXPECT_THAT(names(kMistral, false), ElementsAre("mistral-large-2512", "mistral-embed-2312", "mistral-ocr-2505"));
}

TEST(Listing, OtherTypesThanExpectedTellNothing) {
  const char* odd = R"({"data": [{"id": "a", "type": 7, "kind": null, "endpoints": "chat", "architecture": []},
    {"id": "b", "supportedGenerationMethods": {"embedContent": true}, "outputModalities": []}, "c", {"id": 4}]})";
  EXPECT_THAT(names(odd, false), ElementsAre("a", "b"));
  EXPECT_THAT(names(odd, true), IsEmpty());
  for (const char* none : {"7", "null", "{}", R"({"data": {"id": "a"}})"}) EXPECT_THAT(names(none, false), IsEmpty());
}

TEST(Listing, NamesOfEmbeddingModels) {
  for (const char* name : {"text-embedding-3-small", "embed-v4.0", "mistral-embed", "codestral-embed-2505",
                           "amazon.titan-embed-text-v2:0", "gemini-embedding-001", "Qwen/Qwen3-Embedding-8B",
                           "nomic-ai/nomic-embed-text-v1.5", "amazon.nova-2-multimodal-embeddings-v1:0"})
    EXPECT_TRUE(is_embedding_name("lab", name)) << name;
  for (const char* name : {"gpt-4o", "embedded-talk", "mixed-bread", "unembed", "voyage-3", "rerank-2", ""})
    EXPECT_FALSE(is_embedding_name("lab", name)) << name;
  EXPECT_TRUE(is_embedding_name("voyage", "voyage-9"));
  EXPECT_FALSE(is_embedding_name("voyage", "rerank-2"));
}

TEST(Listing, AKeyIsRefusedWith401OrInGooglesWords) {
  EXPECT_TRUE(is_key_refusal(401, ""));
  EXPECT_TRUE(is_key_refusal(400, kRefused));
  EXPECT_TRUE(is_key_refusal(400, std::string("[") + kRefused + "]"));
  EXPECT_FALSE(is_key_refusal(500, kRefused));
  EXPECT_FALSE(is_key_refusal(403, kForbidden));
  for (const char* other : {"", "[]", "nonsense", R"({"error": "bad"})", R"({"error": {"details": "API_KEY_INVALID"}})",
                            R"({"error": {"message": "API key not valid", "details": [7]}})"})
    EXPECT_FALSE(is_key_refusal(400, other)) << other;
}

}  // namespace
}  // namespace steward::gateway
