#include "journal/view_state.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <map>

#include "journal/schema.h"
#include "journal/view.h"

namespace steward::journal {

Db open_views_db(const std::filesystem::path& path, Db::Mode mode) {
  Db db = open_journal_db(path, mode);
  if (mode == Db::Mode::kReadWrite) {
    db.execute(
        "CREATE TABLE IF NOT EXISTS view_state(view TEXT NOT NULL, tenant TEXT NOT NULL, version INTEGER NOT NULL, seq "
        "INTEGER NOT NULL,"
        " digest BLOB NOT NULL, PRIMARY KEY(view, tenant)) WITHOUT ROWID");
  }
  return db;
}

void store_seq(Db& views, std::string_view view, int version, const Record& last) {
  views
      .prepare(
          "INSERT INTO view_state VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET version=excluded.version, "
          "seq=excluded.seq, "
          "digest=excluded.digest")
      .bind(1, view)
      .bind(2, last.tenant)
      .bind(3, version)
      .bind(4, last.seq)
      .bind_blob(5, last.digest)
      .run();
}

Seq stored_seq(Db& views, std::string_view view, int version, const Id& tenant) {
  auto& row = views.prepare("SELECT seq FROM view_state WHERE view=? AND tenant=? AND version=?")
                  .bind(1, view)
                  .bind(2, tenant)
                  .bind(3, version);
  const Seq seq = row.step() ? static_cast<Seq>(row.integer(0)) : 0;
  row.reset();
  return seq;
}

bool views_belong_to(Db& views, Scan& journal) {
  auto& state = views.prepare("SELECT tenant, seq, digest FROM view_state WHERE tenant != ''");
  bool belong = true;
  while (belong && state.step())
    belong = journal.digest_at(state.text(0), static_cast<Seq>(state.integer(1))) == state.blob(2);
  state.reset();
  return belong;
}

std::string seqs_beyond(Db& views, Scan& journal) {
  std::map<Id, Seq> heads;
  for (auto& [tenant, seq] : filled_heads(journal)) heads[tenant] = seq;
  auto& state = views.prepare("SELECT tenant, max(seq) FROM view_state WHERE tenant != '' GROUP BY tenant");
  std::string lost;
  while (lost.empty() && state.step()) {
    const Seq seq = heads[state.text(0)];
    if (seq < static_cast<Seq>(state.integer(1)))
      lost = fmt::format(
          "The journal of {} ends at record {}, but the views have folded it up to {}: its end was lost, by a damaged "
          "log (journal.db-wal) or an older copy of the file. Keep a copy of the home and restore the last backup; if "
          "you have put an older journal.db in its place on purpose, delete views.db and start again.",
          state.text(0), seq, state.integer(1));
  }
  state.reset();
  return lost;
}

void remove_database(const std::filesystem::path& path) {
  std::error_code ignored;  // what is not there is removed
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix, ignored);
}

}  // namespace steward::journal
