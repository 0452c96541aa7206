// Commands for who operates a server: what a release changes in the home, and whether it serves.
#pragma once
#include "cli/commands.h"

namespace steward::cli {

void add_upgrade(Command& program, const Context& context);
void add_health(Command& program, const Context& context);

}  // namespace steward::cli
