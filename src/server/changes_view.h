// Who changed what: the headers of the records by which somebody administers (settings, keys, budgets, prices, people),
// newest first for /admin/v1/changes. It holds no content; what a change said is read from its record, so that erasing
// takes it.
#pragma once
#include <string>
#include <vector>

#include "journal/view.h"

namespace steward::server {

struct ChangeRow {
  journal::Seq seq = 0;
  Id record;
};

class ChangesView final : public journal::View {
 public:
  std::string_view name() const override { return "changes"; }
  int version() const override { return 1; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;
};

// On reader threads. `before`: the seq of the last one seen, or 0; `kind`: "key." or "key.revoked", or empty.
std::vector<ChangeRow> list_changes(journal::Db& db, const Id& tenant, journal::Seq before, const std::string& kind,
                                    size_t limit);

}  // namespace steward::server
