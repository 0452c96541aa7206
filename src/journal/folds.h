// The folds the writer keeps in step, and how they are loaded: from their tables in views.db, then the tail of the
// journal. Writer thread.
#pragma once
#include <memory>
#include <vector>

#include "journal/journal.h"
#include "journal/scan.h"
#include "journal/upcast.h"

namespace steward::journal {

class FoldSet {
 public:
  explicit FoldSet(std::shared_ptr<const Upcasters> upcasters) : upcasters_(std::move(upcasters)) {}
  void add(Fold& fold) { folds_.push_back(&fold); }
  void apply(const Record& record);
  // Resets every fold and loads it again. Throws DbError if a file can't be read.
  Status reload(Scan& journal, Db& views);

 private:
  Status replay(Scan& journal, const Id& tenant, Seq head, const std::vector<Seq>& loaded);
  std::vector<Fold*> folds_;
  std::shared_ptr<const Upcasters> upcasters_;
};

}  // namespace steward::journal
