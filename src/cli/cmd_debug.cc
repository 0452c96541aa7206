// steward debug and version: what tests, packagers and people who file a bug ask for.
#include "base/crash_point.h"
#include "cli/commands.h"
#include "cli/errors_doc.h"
#include "server/record_kinds.h"

namespace steward::cli {
void add_debug(Command& program, const Context& context) {
  Command debug = program.sub("debug", "What tests and bug reports need.");
  debug.needs_sub();
  Command points =
      debug.sub("crash-points", "The named points at which STEWARD_CRASH_AT=NAME[:NTH] ends the process, one a line.");
  points.examples("steward debug crash-points");
  auto verbose = std::make_shared<bool>(false);
  points.flag("--verbose", *verbose, "With what has happened there and what has not").run([verbose, &context] {
    for (const auto& point : crash_points()) {
      context.line(*verbose ? fmt::format("{:<28} {}", point.name, point.where) : std::string(point.name));
    }
    return kDone;
  });
  Command kinds = debug.sub("record-kinds", "The kinds of records that this release can write, one a line.");
  kinds.examples("steward debug record-kinds");
  auto apart = std::make_shared<bool>(false);
  kinds.flag("--apart", *apart, "Instead those that no public interface leads to, each with the reason");
  kinds.run([apart, &context] {
    for (const auto& kind : server::record_kinds()) {
      if (kind.apart.empty() == *apart) continue;
      context.line(*apart ? fmt::format("{:<28} {}", kind.name, kind.apart) : std::string(kind.name));
    }
    return kDone;
  });
  add_recall(debug, context);
  Command docs = debug.sub("errors-doc", "Print docs/errors.md, made from the table of errors.");
  docs.examples("steward debug errors-doc > errors.md");
  docs.run([&context] { return context.print(errors_docs()), kDone; });

  Command version = program.sub("version", "Print the version.");
  version.examples("steward version");
  version.run([&context] { return context.line("steward " STEWARD_VERSION), kDone; });
}

}  // namespace steward::cli
