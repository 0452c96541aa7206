// Who changed what.
#include "server/admin.h"
#include "server/changes_view.h"
#include "server/events.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace {

Result<Json> read_changes(Core& core, const std::vector<ChangeRow>& rows) {
  Json data = Json::array();
  for (const auto& row : rows) {
    auto record = core.journal->find(row.record);
    if (!record) return fail(record.error());
    Json change = event_json(*record);
    change["object"] = "change";
    // How somebody comes in is nobody else's to read, however well it is sealed: that it was changed is enough.
    if (record->kind.starts_with("link.") || record->kind.starts_with("credential.")) change["body"] = nullptr;
    data.push_back(std::move(change));
  }
  return data;
}

Task<Result<Reply>> list(Core& core, AdminCall call) {
  auto page = page_query(call.request);
  if (!page) co_return fail(page.error());
  auto before = query_integer(call.request, "cursor", 0, 0, std::numeric_limits<int64_t>::max());
  if (!before) co_return fail(before.error());
  const Id tenant = call.caller.tenant;
  const std::string kind = query_text(call.request, "kind");
  if (auto applied = co_await core.views->wait_applied(tenant, core.journal->written_seq(tenant)); !applied)
    co_return fail(applied.error());
  const std::function<std::vector<ChangeRow>(journal::Db&)> query = [tenant, kind, seq = *before,
                                                                     limit = page->limit + 1](journal::Db& db) {
    return list_changes(db, tenant, static_cast<journal::Seq>(seq), kind, limit);
  };
  auto rows = co_await core.views->query(query);
  const bool more = rows.size() > page->limit;
  if (more) rows.pop_back();
  const Json next = more ? Json(std::to_string(rows.back().seq)) : Json(nullptr);
  const std::function<Result<Json>()> read = [&core, rows = std::move(rows)] { return read_changes(core, rows); };
  auto data = co_await core.worker->run<Json>(read);
  if (!data) co_return fail(data.error());
  co_return Reply{200, {{"object", "list"}, {"data", std::move(*data)}, {"next_cursor", next}}};
}

}  // namespace

std::vector<Endpoint> change_endpoints(Core& core) {
  return {json_endpoint("GET", "/admin/v1/changes",
                        {.tag = "Configuration",
                         .summary = "Who changed what, newest first",
                         .description = "Settings, keys, budgets, prices, people and teams, each as its record.",
                         .response_schema = "Change",
                         .list = true,
                         .query = {{"kind", "How its kind begins: setting. or key.revoked", "string"},
                                   {"limit", "Items of a page, 1 to 1000", "integer"},
                                   {"cursor", "next_cursor of the page before", "string"}}},
                        [&core](AdminCall call) { return list(core, std::move(call)); })};
}

}  // namespace steward::server
