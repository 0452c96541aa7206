// From the configuration to how the engine's processes stand beside the server.
#pragma once
#include "base/config.h"
#include "engine/process_options.h"

namespace steward::server {

engine::ProcessOptions process_options(const Config& config);

}  // namespace steward::server
