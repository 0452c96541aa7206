// Bodies of the model API: whatever bytes come, a clear refusal or a request that every later step can use.
#include "gateway/request.h"
#include "gateway/stop_filter.h"
#include "gateway/tools.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward;
  auto body = parse_json({reinterpret_cast<const char*>(data), size});
  if (!body) return 0;
  if (auto chat = gateway::read_chat(*body)) {
    (void)gateway::check_for_local(*chat);
    (void)gateway::stops_of(chat->body);
    if (chat->has_tools) (void)gateway::with_described_tools(chat->body);
    if (chat->choices() < 1 || chat->choices() > gateway::kMaxChoices) __builtin_trap();
  }
  if (auto completion = gateway::read_completion(*body)) {
    (void)gateway::check_for_local(*completion);
    if (completion->choices() < 1 || completion->choices() > gateway::kMaxChoices) __builtin_trap();
  }
  (void)gateway::read_embedding(std::move(*body));
  return 0;
}
