#include "server/content_view.h"

#include "base/json.h"
#include "journal/erasure.h"
#include "server/batches/batch_view.h"
#include "server/kept.h"

namespace steward::server {

void ContentView::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE content_items(tenant TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL, kind TEXT NOT "
      "NULL, call TEXT NOT NULL, until_us INTEGER NOT NULL, PRIMARY KEY(tenant, seq)) WITHOUT ROWID; CREATE INDEX "
      "content_until ON content_items(tenant, until_us); CREATE INDEX content_call ON content_items(tenant, call);");
}

void ContentView::apply(journal::Db& db, const journal::Record& record) {
  if (record.kind == journal::kErasedKind) {
    for (const journal::Seq seq : journal::erased_seqs(record)) {
      db.prepare("DELETE FROM content_items WHERE tenant = ? AND seq = ?")
          .bind(1, record.tenant)
          .bind(2, static_cast<int64_t>(seq))
          .run();
    }
    return;
  }
  const bool holds = record.kind == kContentKind || record.kind == "idempotency.answered" ||
                     record.kind == "response.stored" || record.kind == "response.queued" ||
                     record.kind == "response.events" || record.kind == kFileKind || record.kind == kBatchKind ||
                     record.kind == kBatchLineKind;
  if (!holds || record.erased) return;
  const Json body = read_own(record.body);
  if (!body.is_object() || !body.contains("until_us") || !body["until_us"].is_number_integer()) return;
  db.prepare("INSERT INTO content_items VALUES (?, ?, ?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, static_cast<int64_t>(record.seq))
      .bind(3, record.id)
      .bind(4, record.kind)
      .bind(5, body.value("call", ""))
      .bind(6, body["until_us"].get<int64_t>())
      .run();
}

std::vector<Id> content_due(journal::Db& db, const Id& tenant, TimeUs now, size_t limit) {
  auto& rows =
      db.prepare("SELECT record FROM content_items WHERE tenant = ? AND until_us <= ? ORDER BY until_us LIMIT ?")
          .bind(1, tenant)
          .bind(2, now)
          .bind(3, static_cast<int64_t>(limit));
  std::vector<Id> out;
  while (rows.step()) out.push_back(rows.text(0));
  rows.reset();
  return out;
}

std::vector<Id> content_of_call(journal::Db& db, const Id& tenant, const Id& call) {
  auto& rows = db.prepare("SELECT record FROM content_items WHERE tenant = ? AND call = ? AND kind = ? ORDER BY seq")
                   .bind(1, tenant)
                   .bind(2, call)
                   .bind(3, kContentKind);
  std::vector<Id> out;
  while (rows.step()) out.push_back(rows.text(0));
  rows.reset();
  return out;
}

}  // namespace steward::server
