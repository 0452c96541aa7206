// The usage block of OpenAI-compatible providers. Their counts contain one another as ledger/price.h wants it; where
// one leaves reasoning out of completion_tokens (xAI), the total tells.
#include <algorithm>
#include <cmath>

#include "gateway/dialects/chat/chat.h"
#include "gateway/peek.h"
#include "gateway/told_usage.h"

namespace steward::gateway::chat {
namespace {

constexpr double kNanoPerTick = 0.1;  // xAI's cost_in_usd_ticks: ten thousand million to the dollar

double number(const Json& json, const char* name) {
  const Json& value = peek(json, name);
  return value.is_number() ? value.get<double>() : 0;
}

// Only of providers whose word is their invoice, known by the shape of it: OpenRouter (with the upstream's own cost
// where the caller's key pays that), Perplexity, xAI.
std::optional<NanoUsd> told_cost(const Json& told) {
  constexpr double kMostUsd = 1e6;
  const Json& cost = peek(told, "cost");
  std::optional<double> usd;
  if (cost.is_number() && (told.contains("cost_details") || told.contains("is_byok"))) {
    usd = cost.get<double>();
    if (peek(told, "is_byok") == true) *usd += number(peek(told, "cost_details"), "upstream_inference_cost");
  } else if (cost.is_object() && peek(cost, "total_cost").is_number()) {
    usd = cost["total_cost"].get<double>();
  }
  if (usd && *usd >= 0 && *usd < kMostUsd) return static_cast<NanoUsd>(std::ceil(*usd * kNanoPerUsd - 1e-6));
  const int64_t ticks = peek_integer(told, "cost_in_usd_ticks", -1);
  if (ticks >= 0) return static_cast<NanoUsd>(std::ceil(static_cast<double>(ticks) * kNanoPerTick));
  return std::nullopt;
}

int64_t first_of(const Json& json, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const int64_t count = peek_integer(json, name); count != 0) return count;
  }
  return 0;
}

void read_input(const Json& told, ledger::Usage& usage) {
  const Json& input = peek(told, "prompt_tokens_details");
  usage.cached_tokens = peek_integer(input, "cached_tokens");
  if (usage.cached_tokens == 0)
    usage.cached_tokens = first_of(told, {"prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens"});
  usage.cache_write_5m_tokens =
      first_of(input, {"cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"});
  usage.image_input_tokens = peek_integer(input, "image_tokens");
  usage.audio_input_tokens = peek_integer(input, "audio_tokens");
}

void read_output(const Json& told, ledger::Usage& usage) {
  const Json& output = peek(told, "completion_tokens_details");
  usage.reasoning_tokens = peek_integer(output, "reasoning_tokens");
  if (usage.reasoning_tokens == 0) usage.reasoning_tokens = peek_integer(told, "reasoning_tokens");
  usage.image_output_tokens = peek_integer(output, "image_tokens");
  usage.audio_output_tokens = peek_integer(output, "audio_tokens");
}

void read_tools(const Json& told, ledger::Usage& usage) {
  const Json& tools = peek(told, "server_tool_use_details").is_object() ? peek(told, "server_tool_use_details")
                                                                        : peek(told, "server_tool_use");
  int64_t searches = peek_integer(tools, "web_search_requests");
  if (searches == 0) searches = first_of(told, {"num_search_queries", "num_sources_used"});
  if (searches > 0 && searches < kMostToldTokens) usage.tool_calls[std::string(ledger::kWebSearch)] = searches;
}

}  // namespace

std::optional<ledger::Usage> read_usage(const Json& body) {
  const Json* block = &peek(body, "usage");
  if (!block->is_object()) block = &peek(peek(body, "x_groq"), "usage");
  if (!block->is_object()) return {};
  const Json& told = *block;
  ledger::Usage usage;
  usage.prompt_tokens = peek_integer(told, "prompt_tokens");
  usage.completion_tokens = peek_integer(told, "completion_tokens");
  const int64_t total = peek_integer(told, "total_tokens");
  read_input(told, usage);
  read_output(told, usage);
  int64_t* counts[] = {&usage.prompt_tokens,      &usage.completion_tokens,     &usage.cached_tokens,
                       &usage.reasoning_tokens,   &usage.cache_write_5m_tokens, &usage.image_input_tokens,
                       &usage.audio_input_tokens, &usage.image_output_tokens,   &usage.audio_output_tokens};
  if (total < 0 || total > kMostToldTokens) return {};
  for (const int64_t* count : counts) {
    if (*count < 0 || *count > kMostToldTokens) return {};
  }
  if (usage.prompt_tokens == 0 && usage.completion_tokens == 0) return {};
  usage.completion_tokens = std::max(usage.completion_tokens, total - usage.prompt_tokens);
  usage.cached_tokens = std::min(usage.cached_tokens, usage.prompt_tokens);
  usage.cache_write_5m_tokens = std::min(usage.cache_write_5m_tokens, usage.prompt_tokens - usage.cached_tokens);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.completion_tokens);
  read_tools(told, usage);
  const auto service = ledger::service_from_text(peek_text(body, "service_tier"));
  usage.service = service.value_or(ledger::ServiceLevel::kDefault);
  usage.told_cost = told_cost(told);
  return usage;
}

}  // namespace steward::gateway::chat
