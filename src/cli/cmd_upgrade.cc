// steward upgrade: what a new release does to this home, done now, or taken back.
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands_operations.h"
#include "cli/table.h"
#include "journal/audit.h"
#include "journal/upgrade.h"

namespace steward::cli {
namespace {

struct UpgradeOptions {
  std::optional<std::string> backup;
  bool check = false, rollback = false, yes = false, json = false;
};

Json plan_json(const journal::UpgradePlan& plan) {
  return {{"object", "upgrade_plan"},
          {"format", plan.stamp.format},
          {"program_format", journal::kHomeFormat},
          {"version", STEWARD_VERSION},
          {"last_opened_by", plan.stamp.program.empty() ? Json() : Json(plan.stamp.program)},
          {"needed", plan.needed},
          {"needs_bytes", plan.needs_bytes},
          {"free_bytes", plan.free_bytes},
          {"problem", plan.problem.empty() ? Json() : Json(plan.problem)},
          {"backups", plan.backups}};
}

int check(const UpgradeOptions& options, const Context& context) {
  auto plan = journal::plan_upgrade(journal::HomePaths(context.home));
  if (!plan) return context.failed(plan.error());
  const bool room = plan->free_bytes >= plan->needs_bytes;
  const bool good = plan->problem.empty() && (room || plan->begun);
  if (options.json) return context.line(plan_json(*plan).dump(2)), good ? kDone : kFailed;
  context.line(
      fmt::format("This is Steward {}, which writes homes of format {}.", STEWARD_VERSION, journal::kHomeFormat));
  if (plan->stamp.format == 0)
    context.line(fmt::format("{} is empty.", context.home.string()));
  else
    context.line(fmt::format("{} has format {}{}.", context.home.string(), plan->stamp.format,
                             plan->stamp.program.empty() ? "" : ", last opened by " + plan->stamp.program));
  if (!plan->problem.empty()) return context.failed(Error(ErrorCode::kConflict, plan->problem));
  if (!plan->needed) return context.line("Nothing has to be upgraded."), kDone;
  if (plan->begun)
    context.line(fmt::format("An upgrade has begun; its backup is {}.", plan->stamp.backup));
  else
    context.line(
        fmt::format("The next start makes a backup first ({}; the disk has {}), then upgrades. 'steward "
                    "upgrade --rollback' goes back to it.",
                    human_bytes(plan->needs_bytes), human_bytes(plan->free_bytes)));
  return good ? kDone : kFailed;
}

// The same as a start does, with nothing in the way of looking at the result before traffic comes.
int upgrade(const UpgradeOptions& options, const Context& context) {
  const journal::HomePaths paths(context.home);
  auto plan = journal::plan_upgrade(paths);
  if (!plan) return context.failed(plan.error());
  if (!plan->problem.empty()) return context.failed(Error(ErrorCode::kConflict, plan->problem));
  if (!plan->needed) {
    if (options.json) return context.line(plan_json(*plan).dump(2)), kDone;
    return context.line("Nothing has to be upgraded."), kDone;
  }
  {
    auto client = Client::connect(context);
    if (!client) return context.failed(client.error());
    if (!(*client)->in_process())
      return context.failed(Error(ErrorCode::kConflict, "A server runs in this home: stop it first."));
  }
  auto verified = journal::verify_journal(context.home);
  if (!verified) return context.failed(verified.error());
  auto done = journal::plan_upgrade(paths);
  if (!done) return context.failed(done.error());
  if (options.json) return context.line(plan_json(*done).dump(2)), verified->ok ? kDone : kFailed;
  context.line(fmt::format("Upgraded from format {} to {}; {} records, the chain {}.", plan->stamp.format,
                           done->stamp.format, thousands(static_cast<int64_t>(verified->records)),
                           verified->ok ? "holds" : "does NOT hold"));
  if (!done->stamp.backup.empty())
    context.line(fmt::format("As it was: {}", (paths.backups() / done->stamp.backup).string()));
  return verified->ok ? kDone : kFailed;
}

int roll_back(const UpgradeOptions& options, const Context& context) {
  const journal::HomePaths paths(context.home);
  if (!options.yes) {
    return context.failed(
        Error(ErrorCode::kInvalidRequest,
              "Going back loses, from the home, what was recorded since the upgrade (a backup of it is kept): stop the "
              "server, then say --yes."));
  }
  auto done = journal::roll_back(paths, options.backup.value_or(""), context.clock.now_us());
  if (!done) return context.failed(done.error());
  if (options.json) {
    context.line(Json{{"object", "rollback"},
                      {"backup", done->backup},
                      {"format", done->format},
                      {"records", done->records},
                      {"records_before", done->records_before},
                      {"aside", done->aside.string()}}
                     .dump(2));
    return kDone;
  }
  context.line(fmt::format("The home is as it was before the upgrade: format {}, {} records ({}).", done->format,
                           thousands(static_cast<int64_t>(done->records)), done->backup));
  if (!done->aside.empty())
    context.line(fmt::format("What was there, {} records: {}", thousands(static_cast<int64_t>(done->records_before)),
                             done->aside.string()));
  context.line("Start the older release now; this one would upgrade it again. steward.toml was left as it is.");
  return kDone;
}

}  // namespace

void add_upgrade(Command& program, const Context& context) {
  auto options = std::make_shared<UpgradeOptions>();
  Command command = program.sub("upgrade", "See or do what this release changes in the home, or take it back.");
  command
      .describe(
          "A home of an older release is upgraded by the first start; before that a backup is made by itself\n"
          "(backups/upgrade-OLD-to-NEW-TIME; journal.upgrade_backups says how many stay). This command does the same "
          "without\n"
          "serving, and verifies the chain. Stop the server first.")
      .flag("--check", options->check, "Only say what would be done; exit code 1 if something stands in its way")
      .flag("--rollback", options->rollback, "Go back to how the home was before the last upgrade")
      .option("--backup", options->backup, "To this backup instead (a name out of 'steward upgrade --check --json')",
              "NAME")
      .flag("--yes", options->yes, "Do go back")
      .flag("--json", options->json, "Print JSON")
      .examples(
          "steward upgrade --check\nsteward upgrade\nsteward upgrade --rollback --yes   # then start the older release")
      .run([options, &context] {
        if (options->rollback) return roll_back(*options, context);
        return options->check ? check(*options, context) : upgrade(*options, context);
      });
}

}  // namespace steward::cli
