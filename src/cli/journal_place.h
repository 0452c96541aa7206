// Which journal a command means: the one that the configuration names, or one that was named on the command line.
#pragma once
#include <optional>

#include "cli/context.h"
#include "journal/location.h"

namespace steward::cli {

// Nothing: the configured one. "home": journal.db of this home. Else a postgres:// address, or the path of another
// home. Passwords come from the configuration where the address is the configured one.
Result<journal::Location> journal_place(const Context& context, const std::optional<std::string>& asked);
Result<journal::Location> configured_journal(const Context& context);

}  // namespace steward::cli
