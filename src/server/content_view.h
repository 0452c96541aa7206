// Which records hold content that is kept for a time (of calls, repeats, stored responses, files and batches), until
// when, and of which call: what `GET /admin/v1/calls/{id}` shows and what the job `content.purge` erases. A view as
// every other: folded on the applier's thread.
#pragma once
#include <string>
#include <vector>

#include "journal/view.h"

namespace steward::server {

class ContentView final : public journal::View {
 public:
  std::string_view name() const override { return "content"; }
  int version() const override { return 2; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;
};

// On reader threads.
std::vector<Id> content_due(journal::Db& db, const Id& tenant, TimeUs now, size_t limit);
std::vector<Id> content_of_call(journal::Db& db, const Id& tenant, const Id& call);  // the ids of its `content.kept`

}  // namespace steward::server
