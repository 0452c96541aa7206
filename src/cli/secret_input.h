// Reads a secret without showing it; from a pipe, the whole of it less a last newline. Main thread.
#pragma once
#include <string>

#include "cli/context.h"

namespace steward::cli {

std::string read_secret(const Context& context, const std::string& what);

}  // namespace steward::cli
