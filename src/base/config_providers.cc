#include "base/config_providers.h"

namespace steward {

const std::vector<KnownProvider>& known_providers() {
  static const std::vector<KnownProvider> kProviders = {
      {"openai", "https://api.openai.com/v1", "OPENAI_API_KEY"},
      {"groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"},
      {"deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"},
      {"mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"},
      {"openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"},
      {"together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"},
      {"xai", "https://api.x.ai/v1", "XAI_API_KEY"},
      {"fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"},
      {"cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"},
      {"gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"},
  };
  return kProviders;
}

const KnownProvider* find_known_provider(std::string_view name) {
  for (const auto& provider : known_providers()) {
    if (provider.name == name) return &provider;
  }
  return nullptr;
}

}  // namespace steward
