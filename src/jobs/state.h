// The fold of jobs: those that are queued or running; ended ones are in the view's table alone. Writer thread.
//
//   job.queued     {kind, lane, input, due_at_us, tries, once}
//   job.leased     {epoch}
//   job.progressed {epoch, progress}
//   job.finished   {epoch, result}
//   job.retried    {epoch, error, due_at_us}     a try failed, another comes
//   job.failed     {epoch, error}                the last try failed
//   job.cancelled  {}
#pragma once
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "jobs/jobs.h"
#include "journal/record_kind.h"

namespace steward::jobs {

inline constexpr journal::RecordKind kRecordKinds[] = {{"job.queued"},   {"job.leased"},  {"job.progressed"},
                                                       {"job.finished"}, {"job.retried"}, {"job.failed"},
                                                       {"job.cancelled"}};

inline constexpr std::string_view kViewName = "jobs";
inline constexpr int kViewVersion = 1;
// A handler that asks and tells nothing for so long (by the steady clock: it hangs, or was stopped) has lost its lease:
// another thread runs the job under the next epoch. Asking and telling keep the lease.
inline constexpr DurationUs kLeaseUs = 600 * kSecondUs;
inline constexpr size_t kMostStuck = 4;  // hung handlers whose thread is replaced; more wait for a restart

Json to_json(const Job& job);
Job from_json(const Json& json);
bool is_open(const Job& job);
std::string once_of(const Json& queued_body);

// What a record does to a job; shared by fold and view. `job` is default-made for job.queued.
void fold_into(Job& job, const journal::Record& record);

class State final : public journal::Fold {
 public:
  void reset() override;
  journal::Seq load(journal::Db& views, const Id& tenant) override;
  void apply(const journal::Record& record) override;

  // Any thread: copies under a lock.
  std::vector<Job> open_jobs() const;
  std::optional<Job> find(const Id& job) const;

 private:
  mutable std::mutex mutex_;
  std::map<Id, Job> open_;
};

class JobsView final : public journal::View {
 public:
  std::string_view name() const override { return kViewName; }
  int version() const override { return kViewVersion; }
  void create(journal::Db& db) override;
  void apply(journal::Db& db, const journal::Record& record) override;
};

}  // namespace steward::jobs
