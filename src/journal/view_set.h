// The views' tables in one database file: which version they have, how far each is folded, and folding a page into
// them. Used by the applier on views.db and by a rebuild on a file beside it. One thread at a time; inside the journal
// floor only.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "journal/db.h"
#include "journal/view.h"

namespace steward::journal {

inline constexpr Seq kNoView = ~Seq{0};  // "by every view" where there is none

class ViewSet {
 public:
  ViewSet(Db db, std::vector<View*> views, Log log);
  // Makes the tables of views that have none. Answers those whose tables are of another version: they are not folded
  // further here.
  std::vector<View*> prepare();
  // Folds the page into every view that stands before it, in one transaction. Throws DbError if the disk fails; a view
  // that throws is broken from then on: it is logged, keeps its last state and is not folded further.
  void apply(const std::vector<Record>& page);
  Seq applied_seq(const Id& tenant) const;  // by every view
  Seq folding_seq(const Id& tenant) const;  // by every view that folds here: where reading begins
  bool is_broken() const { return !broken_.empty(); }
  void drop(View& view);  // its tables and its state
  void adopt(const std::filesystem::path& other,
             const std::vector<View*>& views);  // takes their tables from another file, in one transaction
  Db& db() { return db_; }

 private:
  struct Slot {
    View* view;
    std::map<Id, Seq> at;
    bool folds = true;
  };
  void create(View& view);
  bool apply_once(const std::vector<Record>& page);  // false: a view broke, the transaction was rolled back
  void load_positions(Slot& slot);
  void copy_tables(View& view);

  Db db_;
  std::vector<Slot> slots_;
  std::set<std::string> broken_;
  Log log_;
};

// The view's tables in `db`, with the SQL that makes them, in the order they were made.
struct TableInfo {
  std::string name, type, sql;
};
std::vector<TableInfo> tables_of(Db& db, std::string_view schema, std::string_view view);
// Every row of the view's tables as text lines, in key order: two databases agree when these do.
std::vector<std::string> dump_tables(Db& db, std::string_view view);

}  // namespace steward::journal
