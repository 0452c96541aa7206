// The sync thread: turns *written* into *durable*. It owns a descriptor of the -wal file; fdatasync returning makes
// every group handed over before the call durable. While it syncs, the writer goes on: what comes meanwhile shares the
// next sync. Where a store's COMMIT is durable by itself there is no file (an empty path) and no sync.
//
// Callbacks run on the sync thread. A failed sync is never retried on the same pages (the kernel may have dropped
// them): the journal reopens its file instead and says durable only after a checkpoint has written everything anew.
#pragma once
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "journal/record.h"

namespace steward::journal {

class Syncer {
 public:
  struct Group {
    std::vector<std::pair<Id, Seq>> heads;  // as the group's COMMIT left them
    std::vector<std::function<void(Status)>> durable;
    bool more_coming = false;  // commands waited behind it when it was handed over: the sync gathers them first
    std::atomic<bool> told_written{false};  // set when the writer has run the `written` callbacks: they come first
  };
  using SyncFile = std::function<int(int fd)>;  // 0, or -1 with errno; null: no sync at all (tests that need speed)

  Syncer(SyncFile sync_file, std::function<void()> on_failure);
  ~Syncer();
  Status start(const std::filesystem::path& wal,
               const std::vector<std::pair<Id, Seq>>& heads);  // heads are durable already
  void stop();                                                 // syncs what is left, joins
  Status reopen(const std::filesystem::path& wal, const std::vector<std::pair<Id, Seq>>& heads);  // after a failure

  void hand_over(std::shared_ptr<Group> group);
  Seq durable_seq(const Id& tenant) const;
  void when_durable(const Id& tenant, Seq seq, std::function<void(Status)> done);
  size_t on_durable(std::function<void(const Id& tenant, Seq)> hook);
  void forget(size_t handle);  // returns when the hook is not running any more (unless called from it)

 private:
  using Hook = std::function<void(const Id&, Seq)>;
  void run();
  bool sync(const std::vector<std::shared_ptr<Group>>& groups);
  void settle(const std::vector<std::shared_ptr<Group>>& groups);
  void fail_all(const std::vector<std::shared_ptr<Group>>& groups, const Error& error);
  void advance(const std::vector<std::pair<Id, Seq>>& heads);
  Status open(const std::filesystem::path& wal);

  SyncFile sync_file_;
  std::function<void()> on_failure_;
  int fd_ = -1;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Group>> pending_;
  bool stopping_ = false, failed_ = false;
  std::map<Id, Seq> durable_;
  std::multimap<std::pair<Id, Seq>, std::function<void(Status)>> waiters_;
  std::mutex hooks_mutex_;  // held while hooks run
  std::map<size_t, Hook> hooks_;
  size_t next_hook_ = 1;
};

}  // namespace steward::journal
