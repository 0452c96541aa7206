// The name of the JSON type without what it costs to compile: for headers.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "base/ordered_map.h"

namespace steward {

using Json = nlohmann::basic_json<OrderedMap>;

}  // namespace steward
