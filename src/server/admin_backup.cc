// What is done with the journal as a whole: views folded anew, backups.
#include "base/crypto.h"
#include "journal/backup.h"
#include "server/admin.h"
#include "server/fields.h"
#include "server/worker.h"

namespace steward::server {
namespace {

Task<Result<Reply>> rebuild(Core& core, AdminCall call) {
  const auto written = core.journal->written_seq(call.caller.tenant);
  if (auto done = co_await core.views->rebuild(); !done) co_return fail(done.error());
  co_return Reply{200, {{"object", "rebuild"}, {"records", written}}};
}

// home/backups/2026-11-25T060000Z, unless a path was named.
std::filesystem::path backup_path(const Core& core, const std::optional<std::string>& asked) {
  if (asked) return *asked;
  std::string name = to_rfc3339(core.clock.now_us()).substr(0, 19);
  std::erase(name, ':');
  return core.home.backups() / (name + "Z");
}

Json backup_json(const journal::BackupReport& report) {
  Json heads = Json::array();
  for (const auto& head : report.heads)
    heads.push_back({{"tenant", head.tenant}, {"seq", head.seq}, {"digest", to_hex(head.digest)}});
  return {{"object", "backup"},        {"path", report.path.string()}, {"bytes", report.bytes},
          {"records", report.records}, {"blobs", report.blobs},        {"heads", std::move(heads)}};
}

Task<Result<Reply>> make_backup(Core& core, AdminCall call) {
  Fields fields(call.body);
  const auto asked = fields.text("path");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (asked && !std::filesystem::path(*asked).is_absolute()) {
    co_return fail(ErrorCode::kInvalidRequest, "'path' must be absolute: the server has a working folder of its own.",
                   {{"param", "path"}});
  }
  const std::function<Result<journal::BackupReport>()> work =
      [from = core.journal->location(), path = backup_path(core, asked), now = core.clock.now_us()] {
        return journal::backup_home(from, path, now);
      };
  auto report = co_await core.worker->run<journal::BackupReport>(work);
  if (!report) co_return fail(report.error());
  co_return Reply{201, backup_json(*report)};
}

}  // namespace

std::vector<Endpoint> backup_endpoints(Core& core) {
  return {
      json_endpoint("POST", "/admin/v1/journal/rebuild",
                    {.tag = "Journal",
                     .summary = "Fold every view from nothing while the old tables serve",
                     .response_schema = "Rebuild"},
                    [&core](AdminCall call) { return rebuild(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/backups",
          {.tag = "Journal",
           .summary = "Copy the journal, its blobs and the configuration into a new folder",
           .request_schema = "NewBackup",
           .response_schema = "Backup",
           .success = 201},
          [&core](AdminCall call) { return make_backup(core, std::move(call)); }, false),
  };
}

}  // namespace steward::server
