#include "engine/recommended_models.h"

namespace steward::engine {

const std::vector<RecommendedModel>& recommended_models() {
  static const std::vector<RecommendedModel> kModels = {
      {"Qwen3 0.6B", "Qwen/Qwen3-0.6B-GGUF:Q8_0", "Apache-2.0", "short questions, extraction; many languages",
       600'000'000, 639'000'000, 1'600'000'000},
      {"SmolLM2 1.7B Instruct", "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF:Q4_K_M", "Apache-2.0",
       "writing and summaries in English", 1'710'000'000, 1'060'000'000, 2'600'000'000},
      {"Qwen3 1.7B", "Qwen/Qwen3-1.7B-GGUF:Q8_0", "Apache-2.0", "everyday questions, tools; many languages",
       1'720'000'000, 1'830'000'000, 2'900'000'000},
      {"Qwen3 4B", "Qwen/Qwen3-4B-GGUF:Q4_K_M", "Apache-2.0", "reasoning and tools on a laptop", 4'020'000'000,
       2'500'000'000, 4'000'000'000},
      {"Qwen3 8B", "Qwen/Qwen3-8B-GGUF:Q4_K_M", "Apache-2.0", "good answers in general, code", 8'190'000'000,
       5'030'000'000, 6'800'000'000},
      {"Qwen3 14B", "Qwen/Qwen3-14B-GGUF:Q4_K_M", "Apache-2.0", "harder questions; slow without a GPU", 14'800'000'000,
       9'000'000'000, 11'000'000'000},
      {"Qwen3 30B-A3B", "Qwen/Qwen3-30B-A3B-GGUF:Q4_K_M", "Apache-2.0",
       "as good as a large one, as fast as a small one", 30'500'000'000, 18'600'000'000, 20'500'000'000},
  };
  return kModels;
}

}  // namespace steward::engine
