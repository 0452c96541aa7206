#include "gateway/output_count.h"

#include <algorithm>

#include "gateway/peek.h"

namespace steward::gateway {
namespace {

constexpr size_t kBytesPerToken = 4;            // of usual text; for estimates alone, which are marked so
constexpr size_t kMostBytesPerToken = 16;       // on average over an answer
constexpr size_t kTokenwiseBytes = 12;          // chunks of at most so many bytes on average are single tokens
constexpr int64_t kMostTokens = 1'000'000'000;  // told by a provider for one call; more is nonsense
constexpr const char* kTexts[] = {"content", "reasoning_content", "reasoning", "refusal"};

}  // namespace

int64_t estimate_tokens(size_t bytes) { return static_cast<int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken); }

void OutputCount::add_text(const Json& text) {
  if (text.is_string()) bytes_ += text.get_ref<const std::string&>().size();
}

void OutputCount::add(const Json& chunk) {
  for (const auto& choice : peek(chunk, "choices")) {
    const size_t before = bytes_;
    add_text(peek(choice, "text"));
    const Json& delta = peek(choice, "delta");
    for (const char* name : kTexts) add_text(peek(delta, name));
    for (const auto& call : peek(delta, "tool_calls")) {
      add_text(peek(peek(call, "function"), "name"));
      add_text(peek(peek(call, "function"), "arguments"));
    }
    if (bytes_ > before) ++chunks_;
  }
}

void OutputCount::add_whole(const Json& body) {
  for (const auto& choice : peek(body, "choices")) {
    add_text(peek(choice, "text"));
    const Json& message = peek(choice, "message");
    for (const char* name : kTexts) add_text(peek(message, name));
    if (const Json& calls = peek(message, "tool_calls"); !calls.is_null()) bytes_ += dump(calls).size();
  }
}

int64_t OutputCount::at_least() const {
  const int64_t by_bytes = static_cast<int64_t>(bytes_ / kMostBytesPerToken);
  if (bytes_ < static_cast<size_t>(chunks_) * 2) return estimate_tokens(bytes_);
  return std::max(chunks_, by_bytes);
}

int64_t OutputCount::estimate() const {
  const auto chunks = static_cast<size_t>(chunks_);
  return bytes_ >= chunks * 2 && bytes_ <= chunks * kTokenwiseBytes ? chunks_ : estimate_tokens(bytes_);
}

std::optional<ledger::Usage> read_usage(const Json& body) {
  const Json& told = peek(body, "usage");
  if (!told.is_object()) return {};
  ledger::Usage usage{.prompt_tokens = peek_integer(told, "prompt_tokens"),
                      .completion_tokens = peek_integer(told, "completion_tokens")};
  const int64_t total = peek_integer(told, "total_tokens");
  usage.cached_tokens = peek_integer(peek(told, "prompt_tokens_details"), "cached_tokens");
  usage.reasoning_tokens = peek_integer(peek(told, "completion_tokens_details"), "reasoning_tokens");
  for (const int64_t count :
       {usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens, total}) {
    if (count < 0 || count > kMostTokens) return {};
  }
  if (usage.prompt_tokens == 0 && usage.completion_tokens == 0) return {};
  usage.completion_tokens = std::max(usage.completion_tokens, total - usage.prompt_tokens);
  usage.cached_tokens = std::min(usage.cached_tokens, usage.prompt_tokens);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.completion_tokens);
  return usage;
}

bool mend_chunk(Json& chunk) {
  static constexpr std::string_view kTiers[] = {"auto", "default", "flex", "scale", "priority", "fast"};
  if (const Json& tier = peek(chunk, "service_tier");
      !tier.is_null() && std::ranges::find(kTiers, peek_text(chunk, "service_tier")) == std::end(kTiers))
    chunk.erase("service_tier");
  static constexpr std::string_view kReasons[] = {"stop", "length", "tool_calls", "content_filter", "function_call"};
  const auto choices = chunk.find("choices");
  if (choices == chunk.end() || !choices->is_array()) return false;
  int64_t position = 0;
  for (auto& choice : *choices) {
    if (!choice.is_object()) {
      choice = Json{{"index", position++}, {"delta", Json::object()}, {"finish_reason", nullptr}};
      continue;
    }
    if (!peek(choice, "index").is_number_integer()) choice["index"] = position;
    ++position;
    if (const Json& reason = peek(choice, "finish_reason");
        reason.is_string() && std::ranges::find(kReasons, reason.get_ref<const std::string&>()) == std::end(kReasons)) {
      choice["finish_reason"] = "stop";
    }
    const auto delta = choice.find("delta");
    if (delta == choice.end() || !delta->is_object() || !peek(*delta, "tool_calls").is_array()) continue;
    int64_t index = 0;
    for (auto& call : (*delta)["tool_calls"]) {
      if (call.is_object() && !peek(call, "index").is_number_integer()) call["index"] = index;
      ++index;
    }
  }
  return !choices->empty();
}

}  // namespace steward::gateway
