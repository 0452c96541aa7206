#include "gateway/output_count.h"

#include <algorithm>

#include "gateway/peek.h"
#include "gateway/told_usage.h"

namespace steward::gateway {
namespace {

constexpr size_t kBytesPerToken = 4;       // of usual text; for estimates alone, which are marked so
constexpr size_t kMostBytesPerToken = 16;  // on average over an answer
constexpr size_t kTokenwiseBytes = 12;     // chunks of at most so many bytes on average are single tokens

size_t text_size(const Part& part) {
  if (const auto* text = std::get_if<Text>(&part.body)) return text->text.size();
  if (const auto* refusal = std::get_if<Refusal>(&part.body)) return refusal->text.size();
  if (const auto* call = std::get_if<ToolCall>(&part.body)) return call->name.size() + call->arguments.size();
  const auto* reasoning = std::get_if<Reasoning>(&part.body);
  if (reasoning == nullptr) return 0;
  size_t size = reasoning->text.size();
  for (const auto& summary : reasoning->summary) size += summary.size();
  return size;
}

}  // namespace

int64_t estimate_tokens(size_t bytes) { return static_cast<int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken); }

void OutputCount::add(const Deltas& deltas) {
  const size_t before = bytes_;
  for (const Delta& delta : deltas) {
    if (const auto* append = std::get_if<Append>(&delta)) bytes_ += append->text.size();
    if (const auto* summarise = std::get_if<Summarise>(&delta)) bytes_ += summarise->text.size();
    if (const auto* open = std::get_if<Open>(&delta)) bytes_ += text_size(open->value);
  }
  if (bytes_ > before) ++chunks_;
}

void OutputCount::add(const Json& chunk) {
  const size_t before = bytes_;
  for (const auto& choice : peek(chunk, "choices")) {
    if (const Json& text = peek(choice, "text"); text.is_string()) bytes_ += text.get_ref<const std::string&>().size();
  }
  if (bytes_ > before) ++chunks_;
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
    if (count < 0 || count > kMostToldTokens) return {};
  }
  if (usage.prompt_tokens == 0 && usage.completion_tokens == 0) return {};
  usage.completion_tokens = std::max(usage.completion_tokens, total - usage.prompt_tokens);
  usage.cached_tokens = std::min(usage.cached_tokens, usage.prompt_tokens);
  usage.reasoning_tokens = std::min(usage.reasoning_tokens, usage.completion_tokens);
  return usage;
}

}  // namespace steward::gateway
