#include "server/batches/files.h"

#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "net/multipart.h"
#include "server/page.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr std::string_view kPurge = "erasure.purge";
constexpr std::string_view kPurposes[] = {"batch",  "batch_output", "user_data", "assistants",
                                          "vision", "evals",        "fine-tune"};

struct Upload {
  std::string name, purpose;
  std::string_view bytes;
  int64_t expires_seconds = 0;
};

Status check_upload(const Upload& upload, bool has_file) {
  if (!has_file) return fail(ErrorCode::kInvalidRequest, "The field 'file' is missing.", {{"param", "file"}});
  if (upload.purpose.empty())
    return fail(ErrorCode::kInvalidRequest, "The field 'purpose' is missing.", {{"param", "purpose"}});
  if (std::ranges::find(kPurposes, upload.purpose) == std::end(kPurposes) || upload.purpose == "batch_output") {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("'{}' is no purpose of a file here: batch, user_data, assistants, vision, evals or "
                            "fine-tune.",
                            replace_invalid_utf8(upload.purpose.substr(0, 40))),
                {{"param", "purpose"}});
  }
  if (upload.bytes.empty()) return fail(ErrorCode::kInvalidRequest, "The file is empty.", {{"param", "file"}});
  if (upload.name.size() > kMaxFileName)
    return fail(ErrorCode::kInvalidRequest, "The file's name is too long.", {{"param", "file"}});
  return {};
}

Result<Upload> read_upload(const net::Request& request) {
  auto parts = net::read_form(request.headers.get("content-type"), request.body);
  if (!parts) return fail(std::move(parts.error()));
  Upload out;
  bool has_file = false;
  for (const net::FormPart& part : *parts) {
    if (part.name == "purpose") out.purpose = std::string(part.content);
    if (part.name == "expires_after[seconds]") {
      const auto [end, error] =
          std::from_chars(part.content.data(), part.content.data() + part.content.size(), out.expires_seconds);
      if (error != std::errc() || out.expires_seconds < 3600 || out.expires_seconds > 2'592'000) {
        return fail(ErrorCode::kInvalidRequest, "'expires_after[seconds]' is from 3600 to 2592000.",
                    {{"param", "expires_after"}});
      }
    }
    if (part.name != "file") continue;
    has_file = true;
    out.name = part.filename.empty() ? "file" : part.filename;
    out.bytes = part.content;
  }
  if (auto ok = check_upload(out, has_file); !ok) return fail(std::move(ok.error()));
  return out;
}

Json file_json(const FileRow& row, const std::string& name) {
  return {{"id", row.id},
          {"object", "file"},
          {"bytes", row.bytes},
          {"created_at", row.created_at / kSecondUs},
          {"expires_at", row.expires_at > 0 ? Json(row.expires_at / kSecondUs) : Json(nullptr)},
          {"filename", name},
          {"purpose", row.purpose},
          {"status", "processed"},
          {"status_details", nullptr}};
}

// Names are content, and stand in the record alone.
std::string name_of(Core& core, const FileRow& row) {
  const auto record = core.journal->find(row.record);
  const Json body = record ? read_own(record->body) : Json();
  return body.is_object() ? body.value("filename", "") : "";
}

Task<void> upload(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  if (caller.key && caller.key->spec.content_days == identity::kNoContent) {
    co_return co_await write_error(
        request, responder,
        Error(ErrorCode::kInvalidRequest, "This key keeps no content, and a file is content: use another key."));
  }
  auto read = read_upload(request);
  if (!read) co_return co_await write_error(request, responder, std::move(read.error()));
  const TimeUs asked = read->expires_seconds > 0 ? core.clock.now_us() + read->expires_seconds * kSecondUs : 0;
  const TimeUs kept = content_until(core, caller.key);
  const TimeUs expires = asked > 0 && kept > 0 ? std::min(asked, kept) : std::max(asked, kept);
  NewFile file{.owner = caller.principal,
               .actor = actor_of(caller),
               .name = read->name,
               .purpose = read->purpose,
               .bytes = std::string(read->bytes),
               .expires_at = expires,
               .batch = {}};
  const std::function<Result<journal::Draft>()> work = [&core, tenant = caller.tenant, file = std::move(file)] {
    IdMaker ids(core.clock, core.random);
    return file_draft(core, tenant, ids, file);
  };
  auto draft = co_await core.worker->run<journal::Draft>(work);
  if (!draft) co_return co_await write_error(request, responder, std::move(draft.error()));
  const Id id = draft->stream.substr(5);
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(*draft));
  auto written = co_await core.journal->append(caller.tenant, std::move(drafts), journal::Wait::kDurable);
  if (!written) co_return co_await write_error(request, responder, std::move(written.error()));
  auto row = co_await file_of(core, caller, id);
  if (!row) co_return co_await write_error(request, responder, std::move(row.error()));
  (void)co_await responder.send(200, "application/json", dump(file_json(*row, read->name)));
}

Task<void> content(Core& core, identity::Caller caller, net::Request& request, net::Responder& responder) {
  auto row = co_await file_of(core, caller, request.params.at("id"));
  if (!row) co_return co_await write_error(request, responder, std::move(row.error()));
  const std::function<Result<std::string>()> work = [&core, tenant = caller.tenant, row = *row] {
    return file_bytes(core, tenant, row);
  };
  auto bytes = co_await core.worker->run<std::string>(work);
  if (!bytes) co_return co_await write_error(request, responder, std::move(bytes.error()));
  responder.headers().set("content-disposition", "attachment");
  responder.headers().set("x-content-type-options", "nosniff");
  (void)co_await responder.send(200, "application/octet-stream", std::move(*bytes));
}

Task<Result<Reply>> get_file(Core& core, AdminCall call) {
  auto row = co_await file_of(core, call.caller, call.request.params.at("id"));
  if (!row) co_return fail(std::move(row.error()));
  const std::function<Result<std::string>()> work = [&core, row = *row]() -> Result<std::string> {
    return name_of(core, row);
  };
  auto name = co_await core.worker->run<std::string>(work);
  if (!name) co_return fail(std::move(name.error()));
  co_return Reply{200, file_json(*row, *name)};
}

Task<Result<Reply>> list(Core& core, AdminCall call) {
  auto limit = query_integer(call.request, "limit", 1000, 1, 10'000);
  if (!limit) co_return fail(std::move(limit.error()));
  if (auto ok = co_await settle_views(core, call.caller.tenant); !ok) co_return fail(std::move(ok.error()));
  const std::function<std::vector<FileRow>(journal::Db&)> read =
      [tenant = call.caller.tenant, owner = call.caller.principal, purpose = query_text(call.request, "purpose"),
       after = query_text(call.request, "after"), limit = *limit + 1](journal::Db& db) {
        return list_files(db, tenant, owner, purpose, after, static_cast<size_t>(limit));
      };
  auto rows = co_await core.views->query(read);
  const bool more = rows.size() > static_cast<size_t>(*limit);
  if (more) rows.pop_back();
  const std::function<Result<Json>()> work = [&core, rows]() -> Result<Json> {
    Json data = Json::array();
    for (const FileRow& row : rows) data.push_back(file_json(row, name_of(core, row)));
    return data;
  };
  auto data = co_await core.worker->run<Json>(work);
  if (!data) co_return fail(std::move(data.error()));
  Json out = {{"object", "list"}, {"data", std::move(*data)}, {"has_more", more}};
  out["first_id"] = rows.empty() ? Json(nullptr) : Json(rows.front().id);
  out["last_id"] = rows.empty() ? Json(nullptr) : Json(rows.back().id);
  co_return Reply{200, std::move(out)};
}

Task<Result<Reply>> remove(Core& core, AdminCall call) {
  auto row = co_await file_of(core, call.caller, call.request.params.at("id"));
  if (!row) co_return fail(std::move(row.error()));
  std::vector<Id> records = {row->record};
  if (!row->batch.empty()) {
    const std::function<std::vector<std::pair<int64_t, Id>>(journal::Db&)> read =
        [tenant = call.caller.tenant, batch = row->batch](journal::Db& db) {
          return answered_lines(db, tenant, batch);
        };
    for (auto& [line, record] : co_await core.views->query(read)) records.push_back(std::move(record));
  }
  const journal::ErasureRequest request{
      .ids = std::move(records), .actor = actor_of(call.caller), .on_behalf_of = {}, .reason = "person_asked"};
  if (auto erased = co_await core.journal->erase(call.caller.tenant, request); !erased)
    co_return fail(std::move(erased.error()));
  auto job = co_await core.jobs->enqueue(
      call.caller.tenant, actor_of(call.caller),
      {.kind = std::string(kPurge), .lane = jobs::Lane::kPerson, .tries = jobs::kMostTries, .once = "files"});
  if (!job) core.log.warn("an erased file is purged later", {{"code", info(job.error().code).name}});
  co_return Reply{200, {{"id", row->id}, {"object", "file"}, {"deleted", true}}};
}

Endpoint raw_endpoint(std::string method, std::string pattern, EndpointDoc doc, RawHandler handler) {
  Endpoint out{std::move(method), std::move(pattern), Access::kKey, std::move(doc), nullptr, std::move(handler)};
  return out;
}

Endpoint key_json(std::string method, std::string pattern, EndpointDoc doc, JsonHandler handler) {
  Endpoint out = json_endpoint(std::move(method), std::move(pattern), std::move(doc), std::move(handler));
  out.access = Access::kKey;
  return out;
}

}  // namespace

Id actor_of(const identity::Caller& caller) { return caller.key ? caller.key->id : caller.principal; }

TimeUs content_until(Core& core, const std::shared_ptr<const identity::Key>& key) {
  constexpr DurationUs kDay = 24 * 3600 * kSecondUs;
  const int64_t days = key != nullptr ? key->spec.content_days : 0;
  return days > 0 ? core.clock.now_us() + days * kDay : 0;
}

Task<Status> settle_views(Core& core, Id tenant) {
  co_return co_await core.views->wait_applied(tenant, core.journal->written_seq(tenant));
}

Result<journal::Draft> file_draft(Core& core, const Id& tenant, IdMaker& ids, const NewFile& file) {
  auto blob = core.blobs->put(tenant, file.bytes);
  if (!blob) return fail(std::move(blob.error()));
  journal::Draft draft;
  draft.stream = "file/" + ids.make("file");
  draft.kind = kFileKind;
  draft.actor = file.actor;
  draft.label = "outside";
  draft.blobs = {*blob};
  Json body = {{"owner", file.owner},        {"filename", file.name}, {"purpose", file.purpose},
               {"bytes", file.bytes.size()}, {"blob", *blob},         {"expires_us", file.expires_at},
               {"batch", file.batch}};
  if (file.expires_at > 0) body["until_us"] = file.expires_at;
  draft.body = dump(body);
  return draft;
}

Task<Result<FileRow>> file_of(Core& core, identity::Caller caller, Id id) {
  if (auto ok = co_await settle_views(core, caller.tenant); !ok) co_return fail(std::move(ok.error()));
  const std::function<std::optional<FileRow>(journal::Db&)> read = [caller, id](journal::Db& db) {
    return find_file(db, caller.tenant, caller.principal, id);
  };
  auto row = co_await core.views->query(read);
  const bool expired = row && row->expires_at > 0 && row->expires_at <= core.clock.now_us();
  if (!row || expired) {
    co_return fail(ErrorCode::kNotFound, fmt::format("There is no file '{}'.", replace_invalid_utf8(id.substr(0, 100))),
                   {{"param", "id"}});
  }
  co_return std::move(*row);
}

Result<std::string> file_bytes(Core& core, const Id& tenant, const FileRow& row) {
  return core.blobs->get(tenant, row.blob);
}

std::vector<Endpoint> file_endpoints(Core& core) {
  const std::string tag = "Files and batches";
  std::vector<Endpoint> out;
  out.push_back(raw_endpoint("POST", "/v1/files",
                             {.tag = tag,
                              .summary = "Send a file",
                              .description = "multipart/form-data with the fields purpose and file.",
                              .response_schema = "File"},
                             [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
                               return upload(core, std::move(caller), request, responder);
                             }));
  out.push_back(key_json("GET", "/v1/files",
                         {.tag = tag,
                          .summary = "List files",
                          .response_schema = "FileList",
                          .query = {{"purpose", "Only of this purpose"},
                                    {"after", "The id that the page begins after"},
                                    {"limit", "At most so many", "integer"}}},
                         [&core](AdminCall call) { return list(core, std::move(call)); }));
  out.push_back(key_json("GET", "/v1/files/{id}", {.tag = tag, .summary = "Show a file", .response_schema = "File"},
                         [&core](AdminCall call) { return get_file(core, std::move(call)); }));
  out.push_back(raw_endpoint("GET", "/v1/files/{id}/content",
                             {.tag = tag, .summary = "A file's bytes", .content_type = "application/octet-stream"},
                             [&core](identity::Caller caller, net::Request& request, net::Responder& responder) {
                               return content(core, std::move(caller), request, responder);
                             }));
  out.push_back(key_json("DELETE", "/v1/files/{id}",
                         {.tag = tag,
                          .summary = "Erase a file",
                          .description = "Gone from every answer at once, purged from every file by a job. With a "
                                         "batch's output go the answers that it was made of.",
                          .response_schema = "FileDeleted"},
                         [&core](AdminCall call) { return remove(core, std::move(call)); }));
  return out;
}

}  // namespace steward::server
