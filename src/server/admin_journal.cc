#include "base/crypto.h"
#include "base/json.h"
#include "journal/audit.h"
#include "server/admin.h"
#include "server/events.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr size_t kExportPageBytes = 1024 * 1024;

Task<Result<Reply>> read_records(Core& core, AdminCall call) {
  auto after = query_integer(call.request, "after", 0, 0, INT64_MAX);
  auto limit = query_integer(call.request, "limit", 100, 1, 1000);
  if (!after) co_return fail(after.error());
  if (!limit) co_return fail(limit.error());
  using Records = std::vector<journal::Record>;
  const std::function<Result<Records>()> work = [journal = core.journal.get(), tenant = call.caller.tenant,
                                                 after = *after, limit = *limit] {
    return journal->read(tenant, static_cast<journal::Seq>(after), static_cast<size_t>(limit));
  };
  auto records = co_await core.worker->run<Records>(work);
  if (!records) co_return fail(records.error());
  Json data = Json::array();
  for (const auto& record : *records) data.push_back(event_json(record));
  const bool more = records->size() == static_cast<size_t>(*limit);
  co_return Reply{200,
                  {{"object", "list"},
                   {"data", std::move(data)},
                   {"next_cursor", more ? Json(std::to_string(records->back().seq)) : Json(nullptr)}}};
}

Task<Result<Reply>> head(Core& core, AdminCall call) {
  const Id tenant = call.caller.tenant;
  const auto written = core.journal->written_seq(tenant);
  auto last = core.journal->read(tenant, written > 0 ? written - 1 : 0, 1);
  if (!last) co_return fail(last.error());
  Json body = {{"tenant", tenant},
               {"written_seq", written},
               {"durable_seq", core.journal->durable_seq(tenant)},
               {"applied_seq", core.views->applied_seq(tenant)}};
  if (!last->empty()) body["digest"] = to_hex(last->back().digest);
  co_return Reply{200, std::move(body)};
}

Json report_json(const journal::VerifyReport& report) {
  Json heads = Json::array();
  for (const auto& head : report.heads)
    heads.push_back({{"tenant", head.tenant}, {"seq", head.seq}, {"digest", to_hex(head.digest)}});
  Json out = {{"ok", report.ok}, {"records", report.records}, {"erased", report.erased}, {"heads", std::move(heads)}};
  if (!report.ok) {
    out["problem"] = report.problem;
    out["tenant"] = report.tenant;
    out["seq"] = report.seq;
  }
  return out;
}

Task<Result<Reply>> verify(Core& core, AdminCall call) {
  (void)call;
  const std::function<Result<journal::VerifyReport>()> work = [from = core.journal->location()] {
    return journal::verify_journal(from);
  };
  auto report = co_await core.worker->run<journal::VerifyReport>(work);
  if (!report) co_return fail(report.error());
  co_return Reply{200, report_json(*report)};
}

struct ExportPage {
  std::string lines;
  journal::Seq last = 0;
};

// A page of lines: the sink ends the export once the page is full.
Result<ExportPage> export_page(const journal::Location& from, Id tenant, journal::Seq after) {
  ExportPage page;
  bool full = false;
  const auto sink = [&](std::string_view line) -> Status {
    if (page.lines.size() >= kExportPageBytes) {
      full = true;
      return fail(ErrorCode::kCancelled);
    }
    page.lines.append(line).push_back('\n');
    const Json head = read_own(line);
    page.last = head.value("seq", journal::Seq{0});
    return {};
  };
  auto done = journal::export_journal(from, {.tenant = std::move(tenant), .after = after}, sink);
  if (!done && !full) return fail(done.error());
  return page;
}

Task<void> export_records(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  auto after = query_integer(request, "after", 0, 0, INT64_MAX);
  if (!after) co_return co_await write_error(request, responder, after.error());
  if (!co_await responder.begin(200, "application/x-ndjson")) co_return;
  journal::Seq at = static_cast<journal::Seq>(*after);
  while (!request.cancel.cancelled()) {
    const std::function<Result<ExportPage>()> work = [from = core.journal->location(), tenant = caller.tenant, at] {
      return export_page(from, tenant, at);
    };
    auto page = co_await core.worker->run<ExportPage>(work);
    if (!page || page->lines.empty()) break;
    at = page->last;
    if (!co_await responder.write(std::move(page->lines))) co_return;
  }
  (void)co_await responder.end();
}

}  // namespace

std::vector<Endpoint> journal_endpoints(Core& core) {
  const std::string tag = "Journal";
  Endpoint exports{"GET",
                   "/admin/v1/journal/export",
                   Access::kAdmin,
                   {.tag = tag,
                    .summary = "Every record as JSON lines, with all that the chain needs",
                    .content_type = "application/x-ndjson",
                    .query = {{"after", "Only records after this seq", "integer"}}},
                   nullptr,
                   [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
                     return export_records(core, std::move(caller), request, responder);
                   }};
  return {
      json_endpoint("GET", "/admin/v1/journal",
                    {.tag = tag,
                     .summary = "Read records",
                     .response_schema = "Record",
                     .list = true,
                     .query = {{"after", "The seq to begin after", "integer"},
                               {"limit", "Records of a page, 1 to 1000", "integer"}}},
                    [&core](AdminCall call) { return read_records(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/journal/head",
                    {.tag = tag, .summary = "Where the chain stands", .response_schema = "JournalHead"},
                    [&core](AdminCall call) { return head(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/journal/verify",
                    {.tag = tag, .summary = "Check the whole chain", .response_schema = "Verification"},
                    [&core](AdminCall call) { return verify(core, std::move(call)); }),
      exports,
  };
}

}  // namespace steward::server
