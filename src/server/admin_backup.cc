// What is done with the journal as a whole: views folded anew, backups.
#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "journal/backup.h"
#include "journal/backup_rotation.h"
#include "server/admin.h"
#include "server/fields.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr size_t kManifestLimit = size_t{256} << 20;

Task<Result<Reply>> rebuild(Core& core, AdminCall call) {
  const auto written = core.journal->written_seq(call.caller.tenant);
  if (auto done = co_await core.views->rebuild(); !done) co_return fail(done.error());
  co_return Reply{200, {{"object", "rebuild"}, {"records", written}}};
}

// home/backups/2026-11-25T060000Z, unless a path was named.
std::filesystem::path backup_path(const Core& core, const std::optional<std::string>& asked) {
  return asked ? std::filesystem::path(*asked) : core.home.backups() / journal::backup_time_name(core.clock.now_us());
}

Json backup_json(const journal::BackupReport& report) {
  Json heads = Json::array();
  for (const auto& head : report.heads)
    heads.push_back({{"tenant", head.tenant}, {"seq", head.seq}, {"digest", to_hex(head.digest)}});
  return {{"object", "backup"},        {"path", report.path.string()}, {"bytes", report.bytes},
          {"records", report.records}, {"blobs", report.blobs},        {"heads", std::move(heads)}};
}

// Of those that were named after their time alone: what somebody named, or an upgrade made, stays.
std::vector<std::string> rotated(const std::filesystem::path& folder, size_t keep) {
  auto names = journal::backups_in(folder);
  std::erase_if(names, [](const std::string& name) { return !journal::is_time_name(name); });
  return journal::remove_oldest(folder, std::move(names), keep);
}

Task<Result<Reply>> make_backup(Core& core, AdminCall call) {
  Fields fields(call.body);
  const auto asked = fields.text("path");
  const auto keep = fields.integer("keep", 1, 100'000);
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (asked && !std::filesystem::path(*asked).is_absolute()) {
    co_return fail(ErrorCode::kInvalidRequest, "'path' must be absolute: the server has a working folder of its own.",
                   {{"param", "path"}});
  }
  const std::function<Result<Json>()> work = [from = core.journal->location(), path = backup_path(core, asked), keep,
                                              now = core.clock.now_us()]() -> Result<Json> {
    auto report = journal::backup_home(from, path, now);
    if (!report) return fail(report.error());
    Json out = backup_json(*report);
    out["removed"] = keep ? rotated(path.parent_path(), static_cast<size_t>(*keep)) : std::vector<std::string>();
    return out;
  };
  auto made = co_await core.worker->run<Json>(work);
  if (!made) co_return fail(made.error());
  co_return Reply{201, std::move(*made)};
}

Json entry_json(const std::filesystem::path& folder, const std::string& name) {
  Json out = {{"name", name}, {"path", (folder / name).string()}, {"made_at", ""}, {"records", 0}, {"version", ""}};
  const auto text = read_file(folder / name / "manifest.json", kManifestLimit);
  const Json manifest = text ? read_own(*text) : Json();
  if (!manifest.is_object()) return out;
  for (const char* key : {"made_at", "records", "version"})
    if (manifest.contains(key)) out[key] = manifest[key];
  return out;
}

Task<Result<Reply>> list_backups(Core& core, AdminCall call) {
  auto query = page_query(call.request);
  if (!query) co_return fail(query.error());
  std::vector<std::pair<std::string, Json>> rows;
  for (const auto& name : journal::backups_in(core.home.backups()))
    rows.emplace_back(name, entry_json(core.home.backups(), name));
  std::ranges::sort(rows, {}, [](const auto& row) { return row.first; });
  co_return page_of(rows, *query);
}

}  // namespace

std::vector<Endpoint> backup_endpoints(Core& core) {
  return {
      json_endpoint("POST", "/admin/v1/journal/rebuild",
                    {.tag = "Journal",
                     .summary = "Fold every view from nothing while the old tables serve",
                     .response_schema = "Rebuild"},
                    [&core](AdminCall call) { return rebuild(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/backups",
                    {.tag = "Journal",
                     .summary = "List the backups in the home, those made before upgrades too",
                     .response_schema = "BackupEntry",
                     .list = true},
                    [&core](AdminCall call) { return list_backups(core, std::move(call)); }),
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
