#include "cli/client.h"
#include "cli/commands.h"

namespace steward::cli {
void add_backup(Command& program, const Context& context) {
  (void)program;
  (void)context;
}
}  // namespace steward::cli
