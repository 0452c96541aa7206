// Background jobs, and erasure: hidden when the answer comes, purged when its job has finished.
#include "journal/db.h"
#include "memory/memory.h"
#include "server/admin.h"
#include "server/fields.h"
#include "server/model_file_api.h"
#include "server/options.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr std::string_view kPurge = "erasure.purge";
constexpr int kPurgeTries = 100;  // before the job itself is put off
constexpr size_t kStreamPage = 1'000;

Task<Result<Reply>> list_jobs(Core& core, AdminCall call) {
  auto limit = query_integer(call.request, "limit", 100, 1, 1000);
  if (!limit) co_return fail(limit.error());
  const std::function<std::vector<jobs::Job>(journal::Db&)> read = [tenant = call.caller.tenant,
                                                                    limit = *limit](journal::Db& db) {
    return jobs::list_jobs(db, tenant, static_cast<size_t>(limit));
  };
  const auto found = co_await core.views->query(read);
  Json data = Json::array();
  for (const auto& job : found) data.push_back(job_json(job));
  co_return Reply{200, {{"object", "list"}, {"data", std::move(data)}, {"next_cursor", nullptr}}};
}

Task<Result<std::optional<jobs::Job>>> find_job(Core& core, Id tenant, Id job) {
  const auto written = core.journal->written_seq(tenant);
  if (auto applied = co_await core.views->wait_applied(tenant, written); !applied) co_return fail(applied.error());
  const std::function<std::optional<jobs::Job>(journal::Db&)> read = [tenant, job](journal::Db& db) {
    return jobs::find_job(db, tenant, job);
  };
  co_return co_await core.views->query(read);
}

Task<Result<Reply>> get_job(Core& core, AdminCall call) {
  const Id id = call.request.params.at("id");
  auto job = co_await find_job(core, call.caller.tenant, id);
  if (!job) co_return fail(job.error());
  if (!*job) co_return fail(ErrorCode::kNotFound, fmt::format("There is no job '{}'.", id));
  co_return Reply{200, job_json(**job)};
}

Task<Result<Reply>> cancel_job(Core& core, AdminCall call) {
  const Id id = call.request.params.at("id");
  if (auto done = co_await core.jobs->cancel(call.caller.tenant, call.caller.principal, id); !done)
    co_return fail(done.error());
  co_return co_await get_job(core, std::move(call));
}

// The ids of a stream's records, page by page; of a person's all that tells who it was.
Result<std::vector<Id>> ids_of_stream(journal::Journal& journal, const Id& tenant, const std::string& stream) {
  std::vector<Id> ids;
  for (uint64_t after = 0;;) {
    auto page = journal.read_stream(tenant, stream, after, kStreamPage);
    if (!page) return fail(page.error());
    for (const auto& record : *page) {
      if (std::ranges::find(kKeptOfPeople, record.kind) == std::end(kKeptOfPeople)) ids.push_back(record.id);
    }
    if (page->size() < kStreamPage) return ids;
    after = page->back().version;
  }
}

Task<Result<Reply>> erase(Core& core, AdminCall call) {
  Fields fields(call.body);
  auto ids = fields.texts("records").value_or(std::vector<std::string>{});
  const auto stream = fields.text("stream");
  const std::string reason = fields.text("reason").value_or("person_asked");
  if (ids.empty() == !stream.has_value()) fields.problem("records", "either records or a stream must be named");
  if (auto good = fields.finish(); !good) co_return fail(good.error());
  if (stream) {
    const std::function<Result<std::vector<Id>>()> work = [journal = core.journal.get(), tenant = call.caller.tenant,
                                                           stream = *stream] {
      return ids_of_stream(*journal, tenant, stream);
    };
    auto found = co_await core.worker->run<std::vector<Id>>(work);
    if (!found) co_return fail(found.error());
    ids = std::move(*found);
    if (ids.empty()) co_return fail(ErrorCode::kNotFound, fmt::format("There is no stream '{}'.", *stream));
  }
  co_return co_await erase_records(core, call.caller, std::move(ids), reason,
                                   stream ? Erased::kStream : Erased::kParts);
}

}  // namespace

Json job_json(const jobs::Job& job) {
  return {{"id", job.id},
          {"object", "job"},
          {"kind", job.kind},
          {"state", jobs::to_text(job.state)},
          {"tries", job.epoch},
          {"due_at", to_rfc3339(job.due_at)},
          {"changed_at", to_rfc3339(job.changed_at)},
          {"progress", job.progress},
          {"result", job.result},
          {"error", job.error.empty() ? Json(nullptr) : Json(job.error)}};
}

Task<Result<Reply>> erase_records(Core& core, identity::Caller caller, std::vector<Id> ids, std::string reason,
                                  Erased what) {
  const Id actor = caller.key ? caller.key->id : caller.principal;
  const journal::ErasureRequest request{
      .ids = std::move(ids), .whole = what == Erased::kStream, .actor = actor, .on_behalf_of = {}, .reason = reason};
  auto erased = co_await core.journal->erase(caller.tenant, request);
  if (!erased) co_return fail(erased.error());
  auto job = co_await core.jobs->enqueue(
      caller.tenant, actor, {.kind = std::string(kPurge), .lane = jobs::Lane::kPerson, .tries = jobs::kMostTries});
  if (!job) co_return fail(job.error());
  (void)co_await core.views->wait_applied(caller.tenant, erased->last_seq());  // hidden there too
  co_return Reply{202, job_json(*job)};
}

// Tables of views are clean once they have folded the erasure; then the files.
Result<Json> purge_files(Core& core, const jobs::Job& job, jobs::JobContext& context) {
  const auto written = core.journal->written_seq(job.tenant);
  while (core.views->applied_seq(job.tenant) < written) {
    if (context.cancelled()) return fail(ErrorCode::kShuttingDown);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  auto purged = core.journal->purge();
  for (int i = 0;
       i < kPurgeTries && !purged && purged.error().code == ErrorCode::kStoreUnavailable && !context.cancelled(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a read is under way; most end in no time
    purged = core.journal->purge();
  }
  if (!purged) return fail(purged.error());
  if (core.memory) {
    if (auto swept = core.memory->purge(); !swept) return fail(swept.error());
  }
  return Json{{"purged", *purged}};
}

void register_jobs(Core& core) {
  core.jobs->handle(std::string(kPurge), [&core](const jobs::Job& job, jobs::JobContext& context) {
    return purge_files(core, job, context);
  });
  register_content_job(core);
  register_model_jobs(core);
}

std::vector<Endpoint> job_endpoints(Core& core) {
  const std::string tag = "Jobs";
  return {
      json_endpoint("GET", "/admin/v1/jobs",
                    {.tag = tag,
                     .summary = "List background jobs, newest first",
                     .response_schema = "Job",
                     .list = true,
                     .query = {{"limit", "Jobs at most, 1 to 1000", "integer"}}},
                    [&core](AdminCall call) { return list_jobs(core, std::move(call)); }),
      json_endpoint("GET", "/admin/v1/jobs/{id}", {.tag = tag, .summary = "Show a job", .response_schema = "Job"},
                    [&core](AdminCall call) { return get_job(core, std::move(call)); }),
      json_endpoint("POST", "/admin/v1/jobs/{id}/cancel",
                    {.tag = tag, .summary = "Stop a job that has not ended", .response_schema = "Job"},
                    [&core](AdminCall call) { return cancel_job(core, std::move(call)); }),
      json_endpoint(
          "POST", "/admin/v1/journal/erase",
          {.tag = "Journal",
           .summary = "Erase the content of records, and of what was drawn from them",
           .description = "Hidden everywhere when this answers; the job that it names purges the files. Records of "
                          "accounts hold no content and are kept. Of a conversation the words can be erased, or all "
                          "of it by its stream.",
           .request_schema = "Erasure",
           .response_schema = "Job",
           .success = 202},
          [&core](AdminCall call) { return erase(core, std::move(call)); }, false),
  };
}

}  // namespace steward::server
