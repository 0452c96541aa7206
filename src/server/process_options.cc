#include "server/process_options.h"

namespace steward::server {

engine::ProcessOptions process_options(const Config& config) {
  return {static_cast<int>(config.integer("engine.nice")),
          static_cast<uint64_t>(config.integer("engine.data_limit_mb")) * 1'000'000};
}

}  // namespace steward::server
