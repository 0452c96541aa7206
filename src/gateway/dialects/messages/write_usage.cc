// The ledger's words in Anthropic's: input_tokens without what the cache read or wrote. The provider's own block goes
// to its own dialect as it came.
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"

namespace steward::gateway::messages {

Json write_usage(const ledger::Usage& usage, const Json& raw) {
  if (raw.is_object() && !raw.empty()) return raw;
  const int64_t written = usage.cache_write_tokens();
  Json out = {{"input_tokens", std::max<int64_t>(0, usage.prompt_tokens - usage.cached_tokens - written)},
              {"cache_creation_input_tokens", written},
              {"cache_read_input_tokens", usage.cached_tokens},
              {"cache_creation",
               {{"ephemeral_5m_input_tokens", usage.cache_write_5m_tokens},
                {"ephemeral_1h_input_tokens", usage.cache_write_1h_tokens}}},
              {"output_tokens", usage.completion_tokens},
              {"output_tokens_details", {{"thinking_tokens", usage.reasoning_tokens}}}};
  const auto told = [&](std::string_view kind) {
    const auto found = usage.tool_calls.find(kind);
    return found == usage.tool_calls.end() ? int64_t{0} : found->second;
  };
  out["server_tool_use"] = {{"web_search_requests", told(ledger::kWebSearch)},
                            {"web_fetch_requests", told(ledger::kWebFetch)}};
  const bool priority = usage.service == ledger::ServiceLevel::kPriority;
  out["service_tier"] = priority ? "priority" : usage.service == ledger::ServiceLevel::kBatch ? "batch" : "standard";
  return out;
}

}  // namespace steward::gateway::messages
