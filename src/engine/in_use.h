// How much a local model is in use: what has to be asked before its file is removed.
#pragma once
#include <cstdint>
#include <string_view>

#include "engine/engine.h"

namespace steward::engine {

int64_t calls_under_way(const Engine& engine, std::string_view model);  // leases that are out now

}  // namespace steward::engine
