#include "server/changes_view.h"

namespace steward::server {
namespace {

// By which somebody administers. What runs by itself (calls, jobs, erasures of due content) is none of these.
constexpr std::string_view kChangeKinds[] = {"setting.", "key.",       "budget.", "price.",
                                             "group.",   "principal.", "link.",   "credential."};

}  // namespace

void ChangesView::create(journal::Db& db) {
  db.execute(
      "CREATE TABLE changes_records (tenant TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL, kind TEXT NOT "
      "NULL, PRIMARY KEY (tenant, seq)) WITHOUT ROWID");
}

void ChangesView::apply(journal::Db& db, const journal::Record& record) {
  const auto begins = [&](std::string_view kind) { return record.kind.starts_with(kind); };
  if (std::ranges::none_of(kChangeKinds, begins)) return;
  db.prepare("INSERT OR REPLACE INTO changes_records VALUES (?, ?, ?, ?)")
      .bind(1, record.tenant)
      .bind(2, static_cast<int64_t>(record.seq))
      .bind(3, record.id)
      .bind(4, record.kind)
      .run();
}

std::vector<ChangeRow> list_changes(journal::Db& db, const Id& tenant, journal::Seq before, const std::string& kind,
                                    size_t limit) {
  auto& rows = db.prepare(
      "SELECT seq, record FROM changes_records WHERE tenant = ?1 AND (?2 = 0 OR seq < ?2) AND substr(kind, 1, "
      "length(?3)) = ?3 ORDER BY seq DESC LIMIT ?4");
  rows.bind(1, tenant).bind(2, static_cast<int64_t>(before)).bind(3, kind).bind(4, static_cast<int64_t>(limit));
  std::vector<ChangeRow> out;
  while (rows.step()) out.push_back({static_cast<journal::Seq>(rows.integer(0)), rows.text(1)});
  rows.reset();
  return out;
}

}  // namespace steward::server
