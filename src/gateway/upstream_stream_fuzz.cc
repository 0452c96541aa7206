// A provider's stream, cut into pieces by its first byte: errors or events, never a crash; counts never negative.
#include "gateway/answer.h"
#include "gateway/output_count.h"
#include "gateway/upstream_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward;
  using namespace steward::gateway;
  if (size < 2) return 0;
  const size_t piece = 1 + data[0] % 64;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  testing_support::Given given;
  for (size_t at = 0; at < bytes.size(); at += piece) given.pieces.push_back(bytes.substr(at, piece));
  const auto told = testing_support::tell(std::move(given));
  OutputCount count;
  Gatherer chat(CallKind::kChat), completion(CallKind::kCompletion);
  for (Json event : told.events) {
    const auto usage = read_usage(event);
    if (usage && (usage->prompt_tokens < 0 || usage->completion_tokens < 0)) __builtin_trap();
    count.add(event);
    mend_chunk(event);
    chat.add(event);
    completion.add(event);
  }
  if (count.at_least() < 0 || count.estimate() < 0) __builtin_trap();
  (void)dump(chat.choices());
  (void)dump(completion.choices());
  return 0;
}
