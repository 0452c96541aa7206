#include <algorithm>
#include <cmath>
#include <set>

#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"
#include "gateway/told_usage.h"

namespace steward::gateway::responses {
namespace {

constexpr double kNanoPerTick = 0.1;  // xAI's cost_in_usd_ticks: ten thousand million to the dollar

int64_t count(const Json& json, const char* name) {
  return std::clamp<int64_t>(peek_integer(json, name), 0, kMostToldTokens);
}

// Only of providers whose word is their invoice, known by its shape: OpenRouter, xAI.
std::optional<NanoUsd> told_cost(const Json& told) {
  constexpr double kMostUsd = 1e6;
  if (const Json& cost = peek(told, "cost");
      cost.is_number() && (told.contains("cost_details") || told.contains("is_byok"))) {
    double usd = cost.get<double>();
    const Json& upstream = peek(peek(told, "cost_details"), "upstream_inference_cost");
    if (peek(told, "is_byok") == true && upstream.is_number()) usd += upstream.get<double>();
    if (usd >= 0 && usd < kMostUsd) return static_cast<NanoUsd>(std::ceil(usd * 1e9 - 1e-6));
  }
  if (const int64_t ticks = peek_integer(told, "cost_in_usd_ticks", -1); ticks >= 0)
    return static_cast<NanoUsd>(std::ceil(static_cast<double>(ticks) * kNanoPerTick));
  return std::nullopt;
}

void add(ledger::Usage& usage, std::string_view tool, int64_t calls) {
  if (calls > 0) usage.tool_calls[std::string(tool)] += calls;
}

// Hosted tools are charged by the call; code runs by the container, which several runs may share. A look into a page
// that was found is no search of its own.
void count_items(const Json& output, ledger::Usage& usage) {
  std::set<std::string> containers;
  for (const auto& item : output) {
    const std::string type = peek_text(item, "type");
    if (type == "web_search_call") {
      const std::string action = peek_text(peek(item, "action"), "type");
      add(usage, ledger::kWebSearch, action.empty() || action == "search" ? 1 : 0);
    }
    if (type == "x_search_call") add(usage, ledger::kXSearch, 1);
    if (type == "file_search_call") add(usage, ledger::kFileSearch, 1);
    if (type == "image_generation_call") add(usage, ledger::kImageGeneration, 1);
    if (type == "code_interpreter_call") containers.insert(peek_text(item, "container_id"));
  }
  add(usage, ledger::kCodeExecution, static_cast<int64_t>(containers.size()));
}

// OpenAI tells the tokens of pictures beside the usage, and not of which model: they say that some were made.
void count_pictures(const Json& response, ledger::Usage& usage) {
  const Json& told = peek(peek(response, "tool_usage"), "image_gen");
  if (count(told, "output_tokens") > 0 && !usage.tool_calls.contains(ledger::kImageGeneration))
    add(usage, ledger::kImageGeneration, 1);
}

}  // namespace

ledger::Usage read_usage(const Json& response) {
  const Json& told = peek(response, "usage");
  const Json& input = peek(told, "input_tokens_details");
  const Json& output = peek(told, "output_tokens_details");
  ledger::Usage usage;
  usage.prompt_tokens = count(told, "input_tokens");
  usage.cached_tokens = count(input, "cached_tokens");
  usage.cache_write_5m_tokens = count(input, "cache_write_tokens");
  usage.image_input_tokens = count(input, "image_tokens");
  usage.audio_input_tokens = count(input, "audio_tokens");
  usage.completion_tokens = count(told, "output_tokens");
  usage.reasoning_tokens = count(output, "reasoning_tokens");
  usage.image_output_tokens = count(output, "image_tokens");
  usage.audio_output_tokens = count(output, "audio_tokens");
  usage.told_cost = told_cost(told);
  usage.service =
      ledger::service_from_text(peek_text(response, "service_tier")).value_or(ledger::ServiceLevel::kDefault);
  const Json& tools = peek(told, "server_side_tool_usage_details");
  if (tools.is_object()) {
    add(usage, ledger::kWebSearch, count(tools, "web_search_calls"));
    add(usage, ledger::kXSearch, count(tools, "x_search_calls"));
    add(usage, ledger::kFileSearch, count(tools, "file_search_calls") + count(tools, "document_search_calls"));
    add(usage, ledger::kCodeExecution, count(tools, "code_interpreter_calls"));
    add(usage, ledger::kImageGeneration, count(tools, "image_generation_calls"));
  } else {
    count_items(peek(response, "output"), usage);
    count_pictures(response, usage);
  }
  return usage;
}

}  // namespace steward::gateway::responses
