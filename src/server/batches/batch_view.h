// Which files and batches there are, whose, and how far they are: what lists and GET answer from. It holds ids, counts
// and times only; names, metadata and answers stay in the records (and their blobs), so that erasing takes them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "journal/record_kind.h"
#include "journal/view.h"

namespace steward::server {

inline constexpr std::string_view kFileKind = "file.kept";
inline constexpr std::string_view kBatchKind = "batch.created";
inline constexpr std::string_view kBatchLineKind = "batch.answered";
inline constexpr std::string_view kBatchStateKind = "batch.changed";
inline constexpr std::string_view kBatchSentKind = "batch.sent";    // lines are in a batch of a provider's own
inline constexpr std::string_view kBatchTakenKind = "batch.taken";  // what that one answered is kept
inline constexpr journal::RecordKind kBatchRecordKinds[] = {{kFileKind},       {kBatchKind},     {kBatchLineKind},
                                                            {kBatchStateKind}, {kBatchSentKind}, {kBatchTakenKind}};

struct FileRow {
  Id id, owner, record;
  std::string purpose, blob;
  int64_t bytes = 0;
  TimeUs created_at = 0, expires_at = 0;
  Id batch;  // whose output it is, or empty
};

struct BatchRow {
  Id id, owner, record;
  std::string status;
  int64_t total = 0, completed = 0, failed = 0;
  TimeUs created_at = 0;
  std::string changes;  // JSON: status → when it came, microseconds
  Id output_file, error_file;
};

struct SentRow {
  Id record;
  bool taken = false;
};

class BatchView final : public journal::View {
 public:
  std::string_view name() const override { return "batches"; }
  int version() const override { return 2; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;
};

// On reader threads. `after`: the id that a page begins after; newest first.
std::optional<FileRow> find_file(journal::Db& db, const Id& tenant, const Id& owner, const Id& id);
std::vector<FileRow> list_files(journal::Db& db, const Id& tenant, const Id& owner, const std::string& purpose,
                                const Id& after, size_t limit);
std::optional<BatchRow> find_batch(journal::Db& db, const Id& tenant, const Id& owner, const Id& id);
std::vector<BatchRow> list_batches(journal::Db& db, const Id& tenant, const Id& owner, const Id& after, size_t limit);
// The lines that were answered: line → the record that holds the answer.
std::vector<std::pair<int64_t, Id>> answered_lines(journal::Db& db, const Id& tenant, const Id& batch);
// The records of what was handed to providers' batches, oldest first.
std::vector<SentRow> sent_batches(journal::Db& db, const Id& tenant, const Id& batch);

}  // namespace steward::server
