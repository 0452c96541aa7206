// steward debug and version: what tests, packagers and people who file a bug ask for.
#include "base/crash_point.h"
#include "cli/commands.h"
#include "cli/errors_doc.h"

namespace steward::cli {
namespace {
// Every kind of record that a public interface can cause in this release. acl.interned waits for the first thing that
// is shared.
constexpr std::string_view kRecordKinds[] = {"tenant.created",
                                             "principal.created",
                                             "principal.disabled",
                                             "principal.role_set",
                                             "principal.renamed",
                                             "group.member_set",
                                             "person.described",
                                             "person.settings",
                                             "credential.set",
                                             "session.opened",
                                             "session.seen",
                                             "session.ended",
                                             "link.made",
                                             "link.used",
                                             "link.withdrawn",
                                             "key.created",
                                             "key.updated",
                                             "key.rotated",
                                             "key.revoked",
                                             "budget.set",
                                             "budget.removed",
                                             "price.set",
                                             "call.reserved",
                                             "call.settled",
                                             "call.routed",
                                             "content.kept",
                                             "setting.changed",
                                             "idempotency.begun",
                                             "idempotency.answered",
                                             "idempotency.released",
                                             "response.queued",
                                             "response.started",
                                             "response.stored",
                                             "response.events",
                                             "conversation.created",
                                             "conversation.updated",
                                             "conversation.item_added",
                                             "file.kept",
                                             "batch.created",
                                             "batch.changed",
                                             "batch.answered",
                                             "record.erased",
                                             "job.queued",
                                             "job.leased",
                                             "job.finished"};
}  // namespace

void add_debug(Command& program, const Context& context) {
  Command debug = program.sub("debug", "What tests and bug reports need.");
  debug.needs_sub();
  Command points =
      debug.sub("crash-points", "The named points at which STEWARD_CRASH_AT=NAME[:NTH] ends the process, one a line.");
  auto verbose = std::make_shared<bool>(false);
  points.flag("--verbose", *verbose, "With what has happened there and what has not").run([verbose, &context] {
    for (const auto& point : crash_points()) {
      context.line(*verbose ? fmt::format("{:<28} {}", point.name, point.where) : std::string(point.name));
    }
    return kDone;
  });
  Command kinds = debug.sub("record-kinds", "The kinds of records that this release can write, one a line.");
  kinds.run([&context] {
    for (const auto kind : kRecordKinds) context.line(kind);
    return kDone;
  });
  Command docs = debug.sub("errors-doc", "Print docs/errors.md, made from the table of errors.");
  docs.run([&context] { return context.print(errors_docs()), kDone; });

  Command version = program.sub("version", "Print the version.");
  version.run([&context] { return context.line("steward " STEWARD_VERSION), kDone; });
}

}  // namespace steward::cli
