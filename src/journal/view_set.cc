#include "journal/view_set.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <stdexcept>

#include "base/crash_point.h"
#include "journal/digest.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {

// What says that the disk failed, not the view.
bool is_disk_failure(const DbError& e) {
  switch (e.code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return true;
    default: return false;
  }
}

std::string sql_name(std::string_view name) {
  std::string out = "\"";
  for (char c : name) c == '"' ? out += "\"\"" : out += c;
  return out + "\"";
}

void check_names(const std::vector<View*>& views) {
  for (const View* a : views) {
    for (const View* b : views) {
      const std::string prefix = std::string(a->name()) + "_";
      if (a != b && (a->name() == b->name() || b->name().starts_with(prefix))) {
        throw std::logic_error(fmt::format("The views '{}' and '{}' would share tables.", a->name(), b->name()));
      }
    }
  }
}

}  // namespace

std::vector<TableInfo> tables_of(Db& db, std::string_view schema, std::string_view view) {
  std::vector<TableInfo> out;
  auto& row =
      db.prepare(
            fmt::format("SELECT name, type, coalesce(sql, '') FROM {}.sqlite_schema WHERE (tbl_name = ?1 OR "
                        "substr(tbl_name, 1, length(?1) + 1) = ?1 || '_') AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
                        schema))
          .bind(1, view);
  while (row.step()) out.push_back({row.text(0), row.text(1), row.text(2)});
  return out;
}

std::vector<std::string> dump_tables(Db& db, std::string_view view) {
  std::vector<std::string> out;
  for (const auto& table : tables_of(db, "main", view)) {
    if (table.type != "table" || table.sql.starts_with("CREATE VIRTUAL")) continue;
    std::vector<std::string> rows;
    sqlite3_stmt* stmt = nullptr;
    const std::string sql = fmt::format("SELECT * FROM {}", sql_name(table.name));
    if (sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &stmt, nullptr) != SQLITE_OK)
      throw DbError(SQLITE_ERROR, sqlite3_errmsg(db.handle()));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      std::string line = table.name;
      for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt, i));
        line += fmt::format("|{}:{}", sqlite3_column_type(stmt, i),
                            std::string(bytes ? bytes : "", static_cast<size_t>(sqlite3_column_bytes(stmt, i))));
      }
      rows.push_back(std::move(line));
    }
    sqlite3_finalize(stmt);
    std::sort(rows.begin(), rows.end());
    std::move(rows.begin(), rows.end(), std::back_inserter(out));
  }
  return out;
}

ViewSet::ViewSet(Db db, std::vector<View*> views, Log log) : db_(std::move(db)), log_(std::move(log)) {
  check_names(views);
  for (View* view : views) slots_.push_back({view, {}, true});
}

// A row for tenant '' says that the tables were made, and of which version, before any record.
void ViewSet::create(View& view) {
  view.create(db_);
  Record none;
  none.digest = ChainHasher::first_previous();
  store_seq(db_, view.name(), view.version(), none);
}

std::vector<View*> ViewSet::prepare() {
  std::vector<View*> stale;
  db_.execute("BEGIN IMMEDIATE");
  for (auto& slot : slots_) {
    auto& row = db_.prepare("SELECT version FROM view_state WHERE view=? AND tenant=''").bind(1, slot.view->name());
    const int64_t version = row.step() ? row.integer(0) : 0;
    row.reset();
    if (version == 0) create(*slot.view);
    slot.folds = version == 0 || version == slot.view->version();
    if (!slot.folds) stale.push_back(slot.view);
    load_positions(slot);
  }
  db_.execute("COMMIT");
  return stale;
}

void ViewSet::load_positions(Slot& slot) {
  slot.at.clear();
  auto& row = db_.prepare("SELECT tenant, seq FROM view_state WHERE view=?").bind(1, slot.view->name());
  while (row.step()) slot.at[row.text(0)] = static_cast<Seq>(row.integer(1));
}

void ViewSet::apply(const std::vector<Record>& page) {
  while (!apply_once(page)) {
  }
}

bool ViewSet::apply_once(const std::vector<Record>& page) {
  if (page.empty()) return true;
  const Record& last = page.back();
  db_.execute("BEGIN IMMEDIATE");
  for (auto& slot : slots_) {
    if (!slot.folds || slot.at[last.tenant] >= last.seq) continue;
    try {
      for (const auto& record : page) {
        if (record.seq > slot.at[last.tenant]) slot.view->apply(db_, record);
      }
      store_seq(db_, slot.view->name(), slot.view->version(), last);
    } catch (const std::exception& e) {
      db_.reset_statements();
      db_.execute("ROLLBACK");
      const auto* error = dynamic_cast<const DbError*>(&e);
      if (error && is_disk_failure(*error)) throw;
      log_.error("A view could not fold a record and stands still.", {{"view", slot.view->name()}, {"what", e.what()}});
      broken_.insert(std::string(slot.view->name()));
      slot.folds = false;
      return false;
    }
  }
  db_.reset_statements();
  crash_point("view_before_commit");
  db_.execute("COMMIT");
  crash_point("view_after_commit");
  for (auto& slot : slots_) {
    if (slot.folds) slot.at[last.tenant] = std::max(slot.at[last.tenant], last.seq);
  }
  return true;
}

Seq ViewSet::applied_seq(const Id& tenant) const {
  Seq least = kNoView;
  for (const auto& slot : slots_) {
    const auto it = slot.at.find(tenant);
    least = std::min(least, it == slot.at.end() ? 0 : it->second);
  }
  return least;
}

Seq ViewSet::folding_seq(const Id& tenant) const {
  Seq least = kNoView;
  for (const auto& slot : slots_) {
    const auto it = slot.at.find(tenant);
    if (slot.folds) least = std::min(least, it == slot.at.end() ? 0 : it->second);
  }
  return least;
}

void ViewSet::drop(View& view) {
  for (const auto& table : tables_of(db_, "main", view.name())) {
    if (table.type != "table") continue;
    // Shadow tables go with their virtual table, which stands before them.
    if (auto& row = db_.prepare("SELECT 1 FROM main.sqlite_schema WHERE name=?").bind(1, table.name); row.step()) {
      row.reset();
      db_.execute(fmt::format("DROP TABLE {}", sql_name(table.name)));
    }
  }
  db_.prepare("DELETE FROM view_state WHERE view=?").bind(1, view.name()).run();
}

void ViewSet::copy_tables(View& view) {
  const auto tables = tables_of(db_, "side", view.name());
  const auto exists = [&](const std::string& name) {
    auto& row = db_.prepare("SELECT 1 FROM main.sqlite_schema WHERE name=?").bind(1, name);
    const bool found = row.step();
    row.reset();
    return found;
  };
  for (const auto& table : tables) {
    if (table.type != "table") continue;
    const bool made = exists(table.name);  // a shadow table came with its virtual table: only its rows are taken over
    if (!made) db_.execute(table.sql);
    if (table.sql.starts_with("CREATE VIRTUAL")) continue;
    if (made) db_.execute(fmt::format("DELETE FROM main.{}", sql_name(table.name)));
    db_.execute(fmt::format("INSERT INTO main.{0} SELECT * FROM side.{0}", sql_name(table.name)));
  }
  for (const auto& index : tables) {
    if (index.type != "table" && !index.sql.empty() && !exists(index.name)) db_.execute(index.sql);
  }
}

void ViewSet::adopt(const std::filesystem::path& other, const std::vector<View*>& views) {
  db_.prepare("ATTACH ? AS side").bind(1, other.string()).run();
  db_.execute("BEGIN IMMEDIATE");
  for (View* view : views) {
    drop(*view);
    copy_tables(*view);
    db_.prepare("INSERT INTO main.view_state SELECT * FROM side.view_state WHERE view=?").bind(1, view->name()).run();
  }
  db_.execute("COMMIT");
  for (auto& slot : slots_) {
    if (std::find(views.begin(), views.end(), slot.view) == views.end()) continue;
    slot.folds = true;
    load_positions(slot);
  }
  db_.execute("DETACH side");
}

}  // namespace steward::journal
