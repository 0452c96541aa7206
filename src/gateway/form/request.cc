#include "gateway/form/request.h"

#include <array>

namespace steward::gateway {
namespace {

constexpr std::string_view kSeal = "stw1.";

struct Names {
  Setting setting;
  std::string_view chat, responses, messages, gemini;
};

// How each dialect's callers know a setting. Where a dialect has none, the name that it would have there.
constexpr Names kNames[] = {
    {Setting::kTools, "tools", "tools", "tools", "tools"},
    {Setting::kToolChoice, "tool_choice", "tool_choice", "tool_choice", "toolConfig"},
    {Setting::kParallelToolCalls, "parallel_tool_calls", "parallel_tool_calls", "tool_choice.disable_parallel_tool_use",
     "toolConfig"},
    {Setting::kMaxOutput, "max_completion_tokens", "max_output_tokens", "max_tokens",
     "generationConfig.maxOutputTokens"},
    {Setting::kTemperature, "temperature", "temperature", "temperature", "generationConfig.temperature"},
    {Setting::kTopP, "top_p", "top_p", "top_p", "generationConfig.topP"},
    {Setting::kTopK, "top_k", "top_k", "top_k", "generationConfig.topK"},
    {Setting::kPresencePenalty, "presence_penalty", "presence_penalty", "presence_penalty",
     "generationConfig.presencePenalty"},
    {Setting::kFrequencyPenalty, "frequency_penalty", "frequency_penalty", "frequency_penalty",
     "generationConfig.frequencyPenalty"},
    {Setting::kSeed, "seed", "seed", "seed", "generationConfig.seed"},
    {Setting::kStop, "stop", "stop", "stop_sequences", "generationConfig.stopSequences"},
    {Setting::kLogitBias, "logit_bias", "logit_bias", "logit_bias", "logit_bias"},
    {Setting::kLogprobs, "logprobs", "include", "logprobs", "generationConfig.responseLogprobs"},
    {Setting::kTopLogprobs, "top_logprobs", "top_logprobs", "top_logprobs", "generationConfig.logprobs"},
    {Setting::kN, "n", "n", "n", "generationConfig.candidateCount"},
    {Setting::kFormat, "response_format", "text.format", "output_config.format", "generationConfig.responseJsonSchema"},
    {Setting::kThinking, "reasoning_effort", "reasoning", "thinking", "generationConfig.thinkingConfig"},
    {Setting::kVerbosity, "verbosity", "text.verbosity", "verbosity", "verbosity"},
    {Setting::kServiceTier, "service_tier", "service_tier", "service_tier", "service_tier"},
    {Setting::kUser, "user", "user", "metadata.user_id", "labels"},
    {Setting::kSafetyIdentifier, "safety_identifier", "safety_identifier", "safety_identifier", "safety_identifier"},
    {Setting::kPromptCacheKey, "prompt_cache_key", "prompt_cache_key", "prompt_cache_key", "prompt_cache_key"},
    {Setting::kPromptCacheRetention, "prompt_cache_retention", "prompt_cache_retention", "prompt_cache_retention",
     "prompt_cache_retention"},
    {Setting::kMetadata, "metadata", "metadata", "metadata", "labels"},
    {Setting::kCache, "prompt_cache_options", "prompt_cache_options", "cache_control", "cachedContent"},
    {Setting::kBetas, "anthropic-beta", "anthropic-beta", "anthropic-beta", "anthropic-beta"},
    {Setting::kMessages, "messages", "input", "messages", "contents"},
};

}  // namespace

std::string_view to_text(Dialect dialect) {
  static constexpr std::string_view kTexts[] = {"chat", "responses", "messages", "gemini"};
  return kTexts[static_cast<size_t>(dialect)];
}

std::string_view to_text(Role role) {
  static constexpr std::string_view kTexts[] = {"system", "developer", "user", "assistant", "tool"};
  return kTexts[static_cast<size_t>(role)];
}

std::string_view caller_name(Dialect dialect, Setting setting) {
  for (const Names& names : kNames) {
    if (names.setting != setting) continue;
    const std::array by_dialect = {names.chat, names.responses, names.messages, names.gemini};
    return by_dialect[static_cast<size_t>(dialect)];
  }
  return "";
}

std::string seal_signature(const Signature& signature) {
  if (signature.empty() || signature.provider.empty()) return signature.value;
  return std::string(kSeal) + signature.provider + "." + signature.value;
}

Signature open_signature(std::string_view sealed) {
  if (!sealed.starts_with(kSeal)) return {.value = std::string(sealed), .provider = {}};
  const std::string_view rest = sealed.substr(kSeal.size());
  const size_t dot = rest.find('.');
  if (dot == std::string_view::npos || dot == 0) return {.value = std::string(sealed), .provider = {}};
  return {.value = std::string(rest.substr(dot + 1)), .provider = std::string(rest.substr(0, dot))};
}

bool belongs_to(const Signature& signature, Dialect from, std::string_view provider, Dialect to) {
  return signature.provider.empty() ? from == to : signature.provider == provider;
}

std::string tool_name_of(const Request& request, std::string_view call_id) {
  std::string name;
  for (const Message& message : request.messages) {
    for (const Part& part : message.parts) {
      const auto* call = std::get_if<ToolCall>(&part.body);
      if (call != nullptr && call->id == call_id) name = call->name;  // the latest, where a caller used an id again
    }
  }
  return name;
}

bool split_data_url(std::string_view url, std::string& mime, std::string& data) {
  if (!url.starts_with("data:")) return false;
  const size_t comma = url.find(',');
  if (comma == std::string_view::npos) return false;
  std::string_view head = url.substr(5, comma - 5);
  if (!head.ends_with(";base64")) return false;
  head.remove_suffix(7);
  mime = std::string(head.substr(0, head.find(';')));
  data = std::string(url.substr(comma + 1));
  return true;
}

std::string data_url(const Media& media) { return "data:" + media.mime + ";base64," + media.data; }

std::string text_of(const std::vector<Part>& parts) {
  std::string out;
  for (const Part& part : parts) {
    if (const auto* text = std::get_if<Text>(&part.body)) out += text->text;
  }
  return out;
}

Part text_part(std::string text) {
  Part part;
  part.body = Text{.text = std::move(text), .citations = {}};
  return part;
}

}  // namespace steward::gateway
