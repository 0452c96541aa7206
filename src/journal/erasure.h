// Erasure's part on the writer thread, and the log that outlives backups. Others call Journal::erase.
//
// Order: erasures.log names the records and is synced, then the journal commits the tombstones with a `record.erased`
// record. A crash between the two leaves a log line whose records are not erased: the next start finishes it. The same
// finds what a restored backup brought back: the journal remembers how many bytes of the log it has applied, and a
// backup remembers fewer.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "journal/chain_writer.h"
#include "journal/home.h"
#include "journal/journal.h"
#include "journal/record_kind.h"

namespace steward::journal {

inline constexpr std::string_view kErasedKind = "record.erased";
inline constexpr RecordKind kRecordKinds[] = {{kErasedKind}};
inline constexpr size_t kMaxErasedAtOnce = 100'000;  // records of one erasure, with what hangs on them

std::set<Seq> erased_seqs(
    const Record& record);  // that a `record.erased` names; empty for another kind or a strange body

class Eraser {
 public:
  Eraser(HomePaths paths, const Options& options, Clock& clock)
      : paths_(std::move(paths)),
        kept_(options.kept_kinds),
        whole_(options.whole_kinds.begin(), options.whole_kinds.end()),
        clock_(clock) {}

  // Inside a group. Answers the `record.erased` record; nothing (and no error) if all was erased before.
  Result<std::vector<Record>> erase(ChainWriter& chain, const Id& tenant, const ErasureRequest& request);
  // Before the journal takes commands: applies what the log has beyond what this journal knows. Answers how many
  // records it erased.
  Result<size_t> finish_log(ChainWriter& chain);

 private:
  struct Target {
    Id id;
    Seq seq;
  };
  Result<std::vector<Target>> find_targets(ChainWriter& chain, const Id& tenant, const ErasureRequest& request) const;
  bool is_kept(std::string_view kind) const;
  // Empty, or why a record of this kind is not erased by such a request.
  std::string refusal(const std::string& kind, const ErasureRequest& request) const;
  Result<int64_t> log(const Id& tenant, const std::vector<Target>& targets);
  Result<std::vector<Record>> write_tombstones(ChainWriter& chain, const Id& tenant, const ErasureRequest& request,
                                               const std::vector<Target>& targets);
  Result<size_t> apply_line(ChainWriter& chain, std::string_view line);

  HomePaths paths_;
  std::vector<std::string> kept_;
  std::set<std::string> whole_;
  Clock& clock_;
};

}  // namespace steward::journal
