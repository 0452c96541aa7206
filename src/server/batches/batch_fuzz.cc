// Any bytes as a batch's input file: lines for the batch's endpoint with ids of their own, or problems that say where;
// never both none, never without a bound.
#include <cstdlib>

#include "base/text.h"
#include "server/batches/runner.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward::server;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string endpoint = "/v1/chat/completions";
  const BatchInput input = read_batch_input(bytes, endpoint);
  if (input.lines.empty() && input.problems.empty()) std::abort();
  if (input.problems.size() > kMaxBatchErrors || input.lines.size() > kMaxBatchLines) std::abort();
  std::set<std::string> ids;
  for (const auto& line : input.lines) {
    if (line.custom_id.empty() || !ids.insert(line.custom_id).second || line.url != endpoint || !line.body.is_object())
      std::abort();
  }
  for (const auto& problem : input.problems) {
    if (!problem["code"].is_string() || !problem["message"].is_string() || !problem["line"].is_number()) std::abort();
  }
  // A line end more at the end changes nothing.
  if (!bytes.ends_with('\n') &&
      read_batch_input(std::string(bytes) + "\n", endpoint).lines.size() != input.lines.size())
    std::abort();
  return 0;
}
