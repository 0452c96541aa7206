#include "journal/copy.h"

#include <fmt/format.h>

#include "base/file.h"
#include "journal/blobs.h"
#include "journal/home.h"
#include "journal/store.h"

namespace steward::journal {
namespace fs = std::filesystem;
namespace {

constexpr size_t kPage = 1'000;  // records of one transaction

struct Copying {
  Scan& from;
  Store& to;
  const CopyProgress& progress;
  CopyReport report;
  uint64_t all = 0;

  // Where the target stands with a tenant: at nothing, or at a record that the source has too.
  Result<StoredHead> target_head(const StoredHead& head) {
    auto found = to.find_head(head.tenant);
    if (!found) {
      to.begin();
      found = to.add_tenant(head.tenant);
      to.commit({});
      return *found;
    }
    const bool same = found->seq == 0 || from.digest_at(head.tenant, found->seq) == found->digest;
    if (same && found->seq <= head.seq) return *found;
    return fail(ErrorCode::kConflict,
                fmt::format("The target holds another history of {}: copy into an empty one.", head.tenant));
  }

  Status copy_tenant(const StoredHead& head) {
    auto at = target_head(head);
    if (!at) return fail(at.error());
    report.found += at->seq;
    while (at->seq < head.seq) {
      auto page = from.rows(head.tenant, at->seq, kPage);
      if (page.empty())
        return fail(ErrorCode::kCorrupt, "The source ends before its head says: run 'steward journal verify'.");
      to.begin();
      for (const auto& row : page) {
        to.insert(*at, row.record, row.blobs, row.erasure);
        at->seq = row.record.seq;
        at->digest = row.record.digest;
      }
      to.commit({*at});
      report.records += page.size();
      if (progress) progress(report.found + report.records, all);
    }
    return {};
  }

  // What an earlier part of this copy has brought may have been erased at the source since.
  Status copy_erasures(const std::vector<StoredHead>& heads) {
    to.begin();
    for (const auto& blob : from.doomed_blobs(false)) {
      if (const auto head = to.find_head(blob.tenant)) to.doom_blob(head->number, blob.blob);
    }
    to.set_meta(kErasuresApplied, from.meta(kErasuresApplied));
    to.commit({});
    if (report.found == 0) return {};
    for (const auto& head : heads) {
      const int64_t number = to.find_head(head.tenant)->number;
      for (Seq at = 0; at < head.seq;) {
        const auto page = from.page(head.tenant, at, kPage);
        if (page.empty()) break;
        to.begin();
        for (const auto& record : page) {
          if (record.erased) to.tombstone(number, record.seq);
        }
        to.commit({});
        at = page.back().seq;
      }
    }
    return {};
  }

  Status run() {
    const auto heads = from.heads();
    for (const auto& head : heads) all += head.seq;
    for (const auto& head : to.scan().heads()) {
      const bool known = std::ranges::any_of(heads, [&](const auto& one) { return one.tenant == head.tenant; });
      if (!known && head.seq > 0)
        return fail(ErrorCode::kConflict, "The target holds another journal: copy into an empty one.");
    }
    for (const auto& head : heads) {
      if (auto s = copy_tenant(head); !s) return s;
      if (head.seq > 0) report.heads.push_back({head.tenant, head.seq, head.digest});
    }
    return copy_erasures(heads);
  }
};

Status copy_blobs(Scan& from, const fs::path& from_home, const fs::path& to_home, uint64_t& copied) {
  std::error_code error;
  if (fs::equivalent(from_home, to_home, error)) return {};
  for (const auto& blob : from.named_blobs()) {
    const fs::path source = blob_path(HomePaths(from_home), blob.tenant, blob.blob);
    const fs::path target = blob_path(HomePaths(to_home), blob.tenant, blob.blob);
    if (fs::exists(target, error)) continue;
    auto bytes = read_file(source, kMaxBlobBytes);
    if (!bytes) return fail(bytes.error());
    if (auto s = make_private_dir(target.parent_path()); !s) return s;
    if (auto s = write_file_atomic(target, *bytes); !s) return s;
    ++copied;
  }
  return {};
}

// Locks a home for as long as it lives; both ends may name the same one.
Result<std::unique_ptr<HomeLock>> lock_home(const fs::path& home) {
  const HomePaths paths(home);
  if (auto s = prepare_home(paths); !s) return fail(s.error());
  return HomeLock::take(paths);
}

std::unique_ptr<Store> store_at(const Location& location) {
  Options options;
  options.home = location.home;
  return make_store(options, {location.url, location.password});
}

}  // namespace

Result<CopyReport> copy_records(Scan& from, Store& to, const CopyProgress& progress) {
  Copying copying{from, to, progress, {}, 0};
  if (auto s = copying.run(); !s) {
    to.rollback();
    return fail(s.error());
  }
  return std::move(copying.report);
}

Result<CopyReport> copy_journal(const Location& from, const Location& to, const CopyProgress& progress) {
  std::error_code error;
  if (from.url == to.url && (!from.url.empty() || fs::equivalent(from.home, to.home, error)))
    return fail(ErrorCode::kInvalidRequest, "Source and target are the same journal.");
  auto from_lock = lock_home(from.home);
  if (!from_lock) return fail(from_lock.error());
  std::unique_ptr<HomeLock> to_lock;
  if (fs::weakly_canonical(from.home) != fs::weakly_canonical(to.home)) {
    auto taken = lock_home(to.home);
    if (!taken) return fail(taken.error());
    to_lock = std::move(*taken);
  }
  try {
    (void)open_scan(from);  // a source that is not there is not made
    const auto source = store_at(from), target = store_at(to);
    source->open();
    target->open();
    auto report = copy_records(source->scan(), *target, progress);
    if (report) {
      if (auto s = copy_blobs(source->scan(), from.home, to.home, report->blobs); !s) return fail(s.error());
      if (auto s = target->make_durable(); !s) return fail(s.error());
    }
    target->close();
    source->close();
    if (!report) return report;
    auto verified = verify_journal(to, report->heads);
    if (!verified) return fail(verified.error());
    if (verified->ok) return report;
    return fail(ErrorCode::kCorrupt, fmt::format("The copied chain does not hold at record {} of {}: {}.",
                                                 verified->seq, verified->tenant, verified->problem));
  } catch (const LeaseHeld& e) {
    return fail(ErrorCode::kConflict, e.what());
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be copied: {}", e.what()));
  }
}

}  // namespace steward::journal
