// Any bytes as a deployment's line: refused with a sentence, or a deployment that says the same when it is written and
// read again, and whose conditions can be asked.
#include <cstdlib>

#include "base/json.h"
#include "gateway/routing/route.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace steward::gateway::routing;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto read = Deployment::parse(line);
  if (!read) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  const auto again = Deployment::parse(read->text());
  if (!again || again->text() != read->text() || again->weight != read->weight || again->zone != read->zone ||
      again->conditions.size() != read->conditions.size())
    std::abort();
  RouteFacts facts;
  facts.now_us = 1'764'000'000'000'000;
  for (size_t i = 0; i < read->conditions.size(); ++i) {
    const std::string zone = read->zone.empty() ? "UTC" : read->zone;
    const auto first = unmet(read->conditions[i], facts, {}, zone);
    if (first != unmet(again->conditions[i], facts, {}, zone)) std::abort();
  }
  return 0;
}
