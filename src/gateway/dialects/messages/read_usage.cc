// Anthropic's usage in the ledger's words. input_tokens leave out what was read from a cache or written to one, so the
// three are added up. Where the server went round several times (compaction, an advisor, a fallback), the counts at the
// top are those of the last model alone; what is billed is the sum of `iterations`, which then stands beside them.
#include "gateway/dialects/messages/messages.h"
#include "gateway/peek.h"
#include "gateway/told_usage.h"

namespace steward::gateway::messages {
namespace {

constexpr size_t kMaxIterations = 10'000;

int64_t count(const Json& usage, const char* name) {
  return std::clamp<int64_t>(peek_integer(usage, name), 0, kMostToldTokens);
}

void add_tokens(const Json& usage, ledger::Usage& into) {
  const int64_t cached = count(usage, "cache_read_input_tokens");
  const Json& split = peek(usage, "cache_creation");
  const int64_t hour = count(split, "ephemeral_1h_input_tokens");
  const int64_t written =
      std::max(count(usage, "cache_creation_input_tokens"), count(split, "ephemeral_5m_input_tokens") + hour);
  into.prompt_tokens += count(usage, "input_tokens") + cached + written;
  into.cached_tokens += cached;
  into.cache_write_1h_tokens += hour;
  into.cache_write_5m_tokens += written - hour;
  into.completion_tokens += count(usage, "output_tokens");
}

ledger::ServiceLevel service_of(const Json& usage) {
  if (peek_text(usage, "speed") == "fast") return ledger::ServiceLevel::kFast;
  const std::string tier = peek_text(usage, "service_tier");
  if (tier == "priority") return ledger::ServiceLevel::kPriority;
  return tier == "batch" ? ledger::ServiceLevel::kBatch : ledger::ServiceLevel::kDefault;
}

}  // namespace

ledger::Usage read_usage(const Json& usage) {
  ledger::Usage out;
  const Json& iterations = peek(usage, "iterations");
  if (iterations.is_array() && !iterations.empty() && iterations.size() <= kMaxIterations) {
    for (const auto& one : iterations) add_tokens(one, out);
  } else {
    add_tokens(usage, out);
  }
  out.reasoning_tokens = count(peek(usage, "output_tokens_details"), "thinking_tokens");
  const Json& tools = peek(usage, "server_tool_use");
  for (const auto& [kind, name] :
       {std::pair{ledger::kWebSearch, "web_search_requests"}, std::pair{ledger::kWebFetch, "web_fetch_requests"},
        std::pair{ledger::kCodeExecution, "code_execution_requests"}}) {
    if (const int64_t calls = count(tools, name); calls > 0) out.tool_calls[std::string(kind)] = calls;
  }
  out.service = service_of(usage);
  out.region = peek_text(usage, "inference_geo");
  if (out.region == "not_available") out.region.clear();
  return out;
}

}  // namespace steward::gateway::messages
