#include <algorithm>

#include "gateway/dialects/gemini/gemini.h"
#include "gateway/peek.h"
#include "gateway/told_usage.h"

namespace steward::gateway::gemini {
namespace {

int64_t count(const Json& told, const char* name) {
  const int64_t tokens = peek_integer(told, name);
  return tokens < 0 || tokens > kMostToldTokens ? 0 : tokens;
}

int64_t of_modality(const Json& told, const char* list, std::string_view modality) {
  int64_t sum = 0;
  for (const auto& one : peek(told, list)) {
    if (peek_text(one, "modality") == modality) sum += count(one, "tokenCount");
  }
  return sum;
}

}  // namespace

// Google counts apart what belongs together: thoughts beside candidates, what tools brought in beside the prompt.
ledger::Usage read_usage(const Json& told) {
  ledger::Usage usage;
  usage.prompt_tokens = count(told, "promptTokenCount") + count(told, "toolUsePromptTokenCount");
  usage.cached_tokens = std::min(count(told, "cachedContentTokenCount"), usage.prompt_tokens);
  usage.reasoning_tokens = count(told, "thoughtsTokenCount");
  usage.completion_tokens = count(told, "candidatesTokenCount") + usage.reasoning_tokens;
  const int64_t total = count(told, "totalTokenCount");
  usage.completion_tokens = std::max(usage.completion_tokens, total - usage.prompt_tokens);
  usage.image_input_tokens = of_modality(told, "promptTokensDetails", "IMAGE");
  usage.audio_input_tokens = of_modality(told, "promptTokensDetails", "AUDIO");
  usage.cached_image_tokens = of_modality(told, "cacheTokensDetails", "IMAGE");
  usage.cached_audio_tokens = of_modality(told, "cacheTokensDetails", "AUDIO");
  usage.image_output_tokens = of_modality(told, "candidatesTokensDetails", "IMAGE");
  usage.audio_output_tokens = of_modality(told, "candidatesTokensDetails", "AUDIO");
  const std::string tier = peek_text(told, "serviceTier"), traffic = peek_text(told, "trafficType");
  if (tier == "flex" || traffic == "ON_DEMAND_FLEX") usage.service = ledger::ServiceLevel::kFlex;
  if (tier == "priority" || traffic == "ON_DEMAND_PRIORITY") usage.service = ledger::ServiceLevel::kPriority;
  return usage;
}

}  // namespace steward::gateway::gemini
