#include "server/batches/batch_keeping.h"

#include "base/json.h"
#include "server/worker.h"

namespace steward::server {
namespace {

constexpr size_t kInlineAnswer = 32 * 1024;  // an answer up to here stands in its record, a larger one in a blob

Sent read_sent(const journal::Record& record) {
  const Json body = read_own(record.body);
  Sent out{.record = record.id,
           .provider = body.value("provider", ""),
           .batch = body.value("batch", ""),
           .at = record.time,
           .lines = {}};
  for (const Json& line : body.value("lines", Json::array()))
    out.lines.push_back({.line = line.value("line", size_t{0}), .call = gateway::read_posted_call(line)});
  return out;
}

}  // namespace

TimeUs BatchKeeping::until_of_content() const {
  const auto snapshot = core_.identity->snapshot();
  const auto key = snapshot->keys.find(order_.key);
  return key == snapshot->keys.end() ? 0 : content_until(core_, key->second);
}

journal::Draft BatchKeeping::draft(std::string_view kind, const Json& body) const {
  journal::Draft out;
  out.stream = "batch/" + id_;
  out.kind = kind;
  out.actor = order_.actor;
  out.body = dump(body);
  return out;
}

Task<Status> BatchKeeping::append(journal::Draft draft, journal::Wait wait) {
  std::vector<journal::Draft> drafts;
  drafts.push_back(std::move(draft));
  auto written = co_await core_.journal->append(tenant_, std::move(drafts), wait);
  co_return written ? Status{} : fail(std::move(written.error()));
}

Task<Status> BatchKeeping::change(std::string status, Json more) {
  more["status"] = std::move(status);
  more["total"] = total_;
  co_return co_await append(draft(kBatchStateKind, more));
}

Task<Status> BatchKeeping::keep(size_t line, Answered answer) {
  Json body = {{"line", line},
               {"good", answer.status >= 200 && answer.status < 400},
               {"status", answer.status},
               {"request", answer.request}};
  if (const TimeUs until = until_of_content(); until > 0) body["until_us"] = until;
  std::vector<std::string> blobs;
  if (answer.body.size() <= kInlineAnswer) {
    body["body"] = std::move(answer.body);
  } else {
    const std::function<Result<std::string>()> put = [&core = core_, tenant = tenant_, bytes = std::move(answer.body)] {
      return core.blobs->put(tenant, bytes);
    };
    auto blob = co_await core_.worker->run<std::string>(put);
    if (!blob) co_return fail(std::move(blob.error()));
    body["blob"] = *blob;
    blobs.push_back(std::move(*blob));
  }
  journal::Draft out = draft(kBatchLineKind, body);
  out.label = "outside";
  out.blobs = std::move(blobs);
  co_return co_await append(std::move(out));
}

// Durable: without this record nobody would know of a batch that is paid for.
Task<Status> BatchKeeping::sent(std::string provider, std::string batch, const std::vector<SentLine>& lines) {
  Json told = Json::array();
  for (const SentLine& one : lines) {
    told.push_back(gateway::to_json(one.call));
    told.back()["line"] = one.line;
  }
  const Json body = {{"provider", std::move(provider)}, {"batch", std::move(batch)}, {"lines", std::move(told)}};
  co_return co_await append(draft(kBatchSentKind, body), journal::Wait::kDurable);
}

Task<Status> BatchKeeping::taken(Id sent) {
  co_return co_await append(draft(kBatchTakenKind, {{"sent", std::move(sent)}}));
}

Result<BatchRow> BatchKeeping::row() const {
  std::optional<BatchRow> row;
  core_.views->query_blocking([&](journal::Db& db) { row = find_batch(db, tenant_, "", id_); });
  // The views may be a moment behind the record that made this job.
  if (!row) return fail(ErrorCode::kStarting, "The batch isn't in the views yet.");
  return std::move(*row);
}

std::vector<std::pair<int64_t, Id>> BatchKeeping::answers() const {
  std::vector<std::pair<int64_t, Id>> out;
  core_.views->query_blocking([&](journal::Db& db) { out = answered_lines(db, tenant_, id_); });
  return out;
}

Result<std::vector<Sent>> BatchKeeping::sent(bool open_alone) const {
  std::vector<SentRow> rows;
  core_.views->query_blocking([&](journal::Db& db) { rows = sent_batches(db, tenant_, id_); });
  std::vector<Sent> out;
  for (const SentRow& row : rows) {
    if (open_alone && row.taken) continue;
    auto record = core_.journal->find(row.record);
    if (!record) return fail(std::move(record.error()));
    out.push_back(read_sent(*record));
  }
  return out;
}

}  // namespace steward::server
