// Batches as OpenAI's API has them: many calls in a file, answered within a day.
#include "base/json.h"
#include "server/batches/files.h"
#include "server/batches/runner.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr size_t kMaxMetadata = 16;

struct Found {
  BatchOrder order;
  BatchRow row;
  Json errors;  // of a failed one
};

// What is wrong with the input stands in the record of the failure.
Json errors_of(Core& core, const Id& tenant, const BatchRow& row) {
  if (row.status != "failed") return nullptr;
  auto records = core.journal->read_stream(tenant, "batch/" + row.id, 0, 100);
  if (!records) return nullptr;
  for (const auto& record : *records) {
    const Json body = read_own(record.body);
    if (record.kind == kBatchStateKind && body.is_object() && body.contains("errors"))
      return {{"object", "list"}, {"data", body["errors"]}};
  }
  return nullptr;
}

Task<Result<Json>> shown(Core& core, Id tenant, std::vector<BatchRow> rows) {
  const std::function<Result<Json>()> work = [&core, tenant, rows = std::move(rows)]() -> Result<Json> {
    Json out = Json::array();
    for (const BatchRow& row : rows) {
      auto record = core.journal->find(row.record);
      if (!record) continue;
      auto order = read_order(*record);
      if (!order) continue;
      Json one = batch_json(*order, row);
      one["errors"] = errors_of(core, tenant, row);
      out.push_back(std::move(one));
    }
    return out;
  };
  co_return co_await core.worker->run<Json>(work);
}

Task<Result<BatchRow>> row_of(Core& core, identity::Caller caller, Id id) {
  if (auto ok = co_await settle_views(core, caller.tenant); !ok) co_return fail(std::move(ok.error()));
  const std::function<std::optional<BatchRow>(journal::Db&)> read = [caller, id](journal::Db& db) {
    return find_batch(db, caller.tenant, caller.principal, id);
  };
  auto row = co_await core.views->query(read);
  if (!row) co_return fail(ErrorCode::kNotFound, fmt::format("There is no batch '{}'.", id), {{"param", "id"}});
  co_return std::move(*row);
}

Task<Result<Reply>> show(Core& core, identity::Caller caller, Id id) {
  auto row = co_await row_of(core, caller, id);
  if (!row) co_return fail(std::move(row.error()));
  std::vector<BatchRow> rows;
  rows.push_back(std::move(*row));
  auto json = co_await shown(core, caller.tenant, std::move(rows));
  if (!json) co_return fail(std::move(json.error()));
  if (json->empty()) co_return fail(ErrorCode::kNotFound, fmt::format("There is no batch '{}'.", id));
  co_return Reply{200, std::move((*json)[0])};
}

Result<Json> read_metadata(const Json& body) {
  const Json metadata = body.value("metadata", Json());
  if (metadata.is_null()) return Json(nullptr);
  if (!metadata.is_object() || metadata.size() > kMaxMetadata)
    return fail(ErrorCode::kInvalidRequest, "'metadata' holds at most 16 texts by name.", {{"param", "metadata"}});
  for (const auto& [name, value] : metadata.items()) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > 512 || name.size() > 64)
      return fail(ErrorCode::kInvalidRequest, "'metadata' holds texts of at most 512 characters.",
                  {{"param", "metadata"}});
  }
  return metadata;
}

std::string text_of(const Json& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : "";
}

Status check_order(Core& core, const Json& body) {
  if (text_of(body, "completion_window") != "24h")
    return fail(ErrorCode::kInvalidRequest, "'completion_window' must be 24h.", {{"param", "completion_window"}});
  const auto targets = batch_targets(core);
  if (targets.contains(text_of(body, "endpoint"))) return {};
  std::string known;
  for (const auto& [url, handler] : targets) known += (known.empty() ? "" : ", ") + url;
  return fail(ErrorCode::kInvalidRequest, fmt::format("'endpoint' must be one of {}.", known), {{"param", "endpoint"}});
}

Task<Result<Reply>> create(Core& core, AdminCall call) {
  if (call.caller.key && call.caller.key->spec.content_days == identity::kNoContent)
    co_return fail(ErrorCode::kInvalidRequest,
                   "This key keeps no content, and a batch's answers are content: use another key.");
  if (auto ok = check_order(core, call.body); !ok) co_return fail(std::move(ok.error()));
  auto metadata = read_metadata(call.body);
  if (!metadata) co_return fail(std::move(metadata.error()));
  auto input = co_await file_of(core, call.caller, text_of(call.body, "input_file_id"));
  if (!input) {
    input.error().details["param"] = "input_file_id";
    co_return fail(std::move(input.error()));
  }
  IdMaker ids(core.clock, core.random);
  const Id id = ids.make("batch");
  journal::Draft draft;
  draft.stream = "batch/" + id;
  draft.kind = kBatchKind;
  draft.actor = actor_of(call.caller);
  draft.sources = {input->record};
  draft.label = "outside";
  Json body = {{"owner", call.caller.principal},
               {"key", call.caller.key ? call.caller.key->id : ""},
               {"endpoint", text_of(call.body, "endpoint")},
               {"input_file", input->id},
               {"input_blob", input->blob},
               {"metadata", *metadata}};
  if (const TimeUs until = content_until(core, call.caller.key); until > 0) body["until_us"] = until;
  draft.body = dump(body);
  draft.blobs = {input->blob};
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await core.journal->append(call.caller.tenant, std::move(drafts), journal::Wait::kDurable);
  if (!written) co_return fail(std::move(written.error()));
  auto job = co_await core.jobs->enqueue(call.caller.tenant, actor_of(call.caller),
                                         {.kind = std::string(kBatchRunJob),
                                          .lane = jobs::Lane::kBulk,
                                          .input = {{"batch", id}},
                                          .tries = jobs::kMostTries,
                                          .once = id});
  if (!job) co_return fail(std::move(job.error()));
  co_return co_await show(core, call.caller, id);
}

Task<Result<Reply>> list(Core& core, AdminCall call) {
  auto limit = query_integer(call.request, "limit", 20, 1, 100);
  if (!limit) co_return fail(std::move(limit.error()));
  if (auto ok = co_await settle_views(core, call.caller.tenant); !ok) co_return fail(std::move(ok.error()));
  const std::function<std::vector<BatchRow>(journal::Db&)> read =
      [caller = call.caller, after = query_text(call.request, "after"), limit = *limit + 1](journal::Db& db) {
        return list_batches(db, caller.tenant, caller.principal, after, static_cast<size_t>(limit));
      };
  auto rows = co_await core.views->query(read);
  const bool more = rows.size() > static_cast<size_t>(*limit);
  if (more) rows.pop_back();
  Json out = {{"object", "list"}, {"data", nullptr}, {"has_more", more}};
  out["first_id"] = rows.empty() ? Json(nullptr) : Json(rows.front().id);
  out["last_id"] = rows.empty() ? Json(nullptr) : Json(rows.back().id);
  auto data = co_await shown(core, call.caller.tenant, std::move(rows));
  if (!data) co_return fail(std::move(data.error()));
  out["data"] = std::move(*data);
  co_return Reply{200, std::move(out)};
}

Task<Result<Reply>> cancel(Core& core, AdminCall call) {
  auto row = co_await row_of(core, call.caller, call.request.params.at("id"));
  if (!row) co_return fail(std::move(row.error()));
  if (has_ended(row->status)) {
    co_return fail(ErrorCode::kConflict, fmt::format("The batch has ended already: it is {}.", row->status));
  }
  journal::Draft draft;
  draft.stream = "batch/" + row->id;
  draft.kind = kBatchStateKind;
  draft.actor = actor_of(call.caller);
  draft.body = dump(Json{{"status", "cancelling"}, {"total", row->total}});
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await core.journal->append(call.caller.tenant, std::move(drafts), journal::Wait::kDurable);
  if (!written) co_return fail(std::move(written.error()));
  // What is with providers is cancelled there at once, and not when they would be looked at next.
  auto job = co_await core.jobs->enqueue(call.caller.tenant, actor_of(call.caller),
                                         {.kind = std::string(kBatchLookJob),
                                          .lane = jobs::Lane::kBulk,
                                          .input = {{"batch", row->id}, {"alone", true}},
                                          .tries = jobs::kMostTries,
                                          .once = row->id + "/cancel"});
  if (!job) co_return fail(std::move(job.error()));
  co_return co_await show(core, call.caller, row->id);
}

Endpoint key_json(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler) {
  Endpoint out = json_endpoint(std::move(method), std::move(pattern), std::move(doc), std::move(handler));
  out.access = Access::kKey;
  return out;
}

}  // namespace

std::vector<Endpoint> batch_endpoints(Core& core) {
  const std::string tag = "Files and batches";
  std::vector<Endpoint> out;
  Endpoint make = key_json("POST", "/v1/batches",
                           {.tag = tag,
                            .summary = "Have a file of calls answered within a day",
                            .description = "Each line is a call of its own under the caller's key, limits and budgets.",
                            .request_schema = "NewBatch",
                            .response_schema = "Batch"},
                           [&core](AdminCall call) { return create(core, std::move(call)); });
  make.repeatable = false;
  out.push_back(std::move(make));
  out.push_back(
      key_json("GET", "/v1/batches",
               {.tag = tag,
                .summary = "List batches",
                .response_schema = "BatchList",
                .query = {{"after", "The id that the page begins after"}, {"limit", "At most so many", "integer"}}},
               [&core](AdminCall call) { return list(core, std::move(call)); }));
  out.push_back(key_json("GET", "/v1/batches/{id}", {.tag = tag, .summary = "Show a batch", .response_schema = "Batch"},
                         [&core](AdminCall call) {
                           const Id id = call.request.params.at("id");
                           return show(core, std::move(call.caller), id);
                         }));
  out.push_back(key_json("POST", "/v1/batches/{id}/cancel",
                         {.tag = tag,
                          .summary = "Cancel a batch",
                          .description = "Calls under way end; what was answered becomes its output file.",
                          .response_schema = "Batch"},
                         [&core](AdminCall call) { return cancel(core, std::move(call)); }));
  return out;
}

}  // namespace steward::server
