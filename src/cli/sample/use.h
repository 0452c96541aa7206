// What a sample home's keys were used for: home.json tells for each how many calls a day, on which days and hours, and
// how long they are; the calls are drawn from a fixed seed, so that the same sample has the same use.
#pragma once
#include <vector>

#include "cli/sample/calls.h"
#include "cli/sample/life.h"

namespace steward::cli {

// kConfig: home.json's "use" is damaged.
Result<std::vector<SampleCall>> plan_use(const SampleLife& life, SampleCalls& calls);

}  // namespace steward::cli
