#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"

namespace steward::gateway::chat {

// What was charged, in this dialect's words; of the provider's own block, if it was in this dialect, the members that
// have no word here go along.
Json write_usage(const ledger::Usage& usage, const Json& raw) {
  Json input = {{"cached_tokens", usage.cached_tokens}};
  Json output = {{"reasoning_tokens", usage.reasoning_tokens}};
  const auto told = [](Json& into, const char* name, int64_t count) {
    if (count > 0) into[name] = count;
  };
  told(input, "cache_write_tokens", usage.cache_write_tokens());
  told(input, "audio_tokens", usage.audio_input_tokens);
  told(input, "image_tokens", usage.image_input_tokens);
  told(output, "audio_tokens", usage.audio_output_tokens);
  told(output, "image_tokens", usage.image_output_tokens);
  Json out = {{"prompt_tokens", usage.prompt_tokens},
              {"completion_tokens", usage.completion_tokens},
              {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
              {"prompt_tokens_details", std::move(input)},
              {"completion_tokens_details", std::move(output)}};
  for (const auto& [kind, count] : usage.tool_calls) out["server_tool_use"][kind + "_requests"] = count;
  if (!raw.is_object()) return out;
  for (const auto& [name, value] : raw.items()) {
    if (!out.contains(name) && !value.is_null()) out[name] = value;
  }
  for (const char* block : {"prompt_tokens_details", "completion_tokens_details"}) {
    const Json& details = peek(raw, block);
    if (!details.is_object()) continue;
    for (const auto& [name, value] : details.items()) {
      if (!out[block].contains(name) && !value.is_null()) out[block][name] = value;
    }
  }
  return out;
}

}  // namespace steward::gateway::chat
