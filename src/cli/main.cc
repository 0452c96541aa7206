#include <unistd.h>

#include <clocale>

#include "cli/commands.h"
#include "journal/home.h"
#include "server/paths.h"

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // the line editor counts characters by it
  steward::SystemClock clock;
  steward::SystemRandom random;
  steward::cli::Context context{.environment = steward::server::process_environment(),
                                .home = steward::journal::default_home(),
                                .out_is_terminal = isatty(STDOUT_FILENO) != 0,
                                .err_is_terminal = isatty(STDERR_FILENO) != 0,
                                .in_is_terminal = isatty(STDIN_FILENO) != 0,
                                .clock = clock,
                                .random = random};
  return steward::cli::run_cli(argc, argv, context);
}
