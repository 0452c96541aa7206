#include "journal/folds.h"

#include <fmt/format.h>

#include "journal/db.h"
#include "journal/health.h"
#include "journal/reader.h"

namespace steward::journal {
namespace {
constexpr size_t kReplayPage = 2'000;  // records held in memory at once
}

void FoldSet::apply(const Record& record) {
  for (Fold* fold : folds_) fold->apply(record);
}

// All folds load within one read transaction of views.db, so that each one's tables and seq agree with each other's.
Status FoldSet::reload(Scan& journal, Db& views) {
  for (Fold* fold : folds_) fold->reset();
  for (const auto& [tenant, head] : filled_heads(journal)) {
    std::vector<Seq> loaded;
    views.execute("BEGIN");
    for (Fold* fold : folds_) loaded.push_back(std::min(fold->load(views, tenant), head));
    views.execute("COMMIT");
    if (auto s = replay(journal, tenant, head, loaded); !s) return s;
  }
  return {};
}

Status FoldSet::replay(Scan& journal, const Id& tenant, Seq head, const std::vector<Seq>& loaded) {
  if (folds_.empty()) return {};
  Seq at = *std::min_element(loaded.begin(), loaded.end());
  while (at < head) {
    auto page = journal.page(tenant, at, kReplayPage);
    if (page.empty())
      return fail(ErrorCode::kCorrupt, "The journal ends before its head says: run 'steward journal verify'.");
    if (const auto wrong = damage_in(page, Order::kConsecutive); !wrong.empty())
      return fail(ErrorCode::kCorrupt,
                  fmt::format("The journal is damaged: {}. {}", wrong, journal_damaged("").advice));
    for (auto& record : page) {
      if (upcasters_) {
        if (auto s = upcasters_->apply(record); !s) return s;
      }
      for (size_t i = 0; i < folds_.size(); ++i) {
        if (record.seq > loaded[i]) folds_[i]->apply(record);
      }
    }
    at = page.back().seq;
  }
  return {};
}

}  // namespace steward::journal
