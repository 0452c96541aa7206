#include "journal/syncer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/crash_point.h"

namespace steward::journal {
namespace {
// With many writers, a sync that starts with the first few of them makes the rest wait for two: it waits for the
// queue's end instead.
constexpr std::chrono::milliseconds kLongestGather{4};

Error not_synced() {
  return Error(ErrorCode::kStoreUnavailable,
               "The journal's disk refused to sync, so it can't be said that this survives a power cut.");
}
}  // namespace

Syncer::Syncer(SyncFile sync_file, std::function<void()> on_failure)
    : sync_file_(std::move(sync_file)), on_failure_(std::move(on_failure)) {}

Syncer::~Syncer() {
  stop();
  if (fd_ >= 0) ::close(fd_);
}

Status Syncer::open(const std::filesystem::path& wal) {
  if (wal.empty()) return {};
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open(wal.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0)
    return fail(ErrorCode::kStoreUnavailable, fmt::format("Can't open {}: {}.", wal.string(), std::strerror(errno)));
  return {};
}

Status Syncer::start(const std::filesystem::path& wal, const std::vector<std::pair<Id, Seq>>& heads) {
  if (auto s = open(wal); !s) return s;
  if (sync_file_ && sync_file_(fd_) != 0) return fail(not_synced());
  for (const auto& [tenant, seq] : heads) durable_[tenant] = seq;
  thread_ = std::thread([this] { run(); });
  return {};
}

void Syncer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  std::multimap<std::pair<Id, Seq>, std::function<void(Status)>> waiters;
  {
    std::lock_guard lock(mutex_);
    waiters.swap(waiters_);
  }
  for (auto& [key, done] : waiters) done(fail(ErrorCode::kShuttingDown));
}

// The writer calls this between groups: nothing is pending, since a failed syncer refuses groups.
Status Syncer::reopen(const std::filesystem::path& wal, const std::vector<std::pair<Id, Seq>>& heads) {
  std::unique_lock lock(mutex_);
  if (auto s = open(wal); !s) return s;
  failed_ = false;
  lock.unlock();
  advance(heads);
  return {};
}

void Syncer::hand_over(std::shared_ptr<Group> group) {
  {
    std::lock_guard lock(mutex_);
    pending_.push_back(std::move(group));
  }
  wake_.notify_one();
}

Seq Syncer::durable_seq(const Id& tenant) const {
  std::lock_guard lock(mutex_);
  const auto it = durable_.find(tenant);
  return it == durable_.end() ? 0 : it->second;
}

void Syncer::when_durable(const Id& tenant, Seq seq, std::function<void(Status)> done) {
  Status now;
  {
    std::lock_guard lock(mutex_);
    const auto it = durable_.find(tenant);
    const bool reached = seq == 0 || (it != durable_.end() && it->second >= seq);
    if (!reached && failed_)
      now = fail(not_synced());
    else if (!reached && stopping_)
      now = fail(ErrorCode::kShuttingDown);
    else if (!reached) {
      waiters_.emplace(std::pair(tenant, seq), std::move(done));
      return;
    }
  }
  done(now);
}

size_t Syncer::on_durable(Hook hook) {
  std::lock_guard lock(hooks_mutex_);
  hooks_.emplace(next_hook_, std::move(hook));
  return next_hook_++;
}

void Syncer::forget(size_t handle) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    hooks_.erase(handle);
    return;
  }
  std::lock_guard lock(hooks_mutex_);
  hooks_.erase(handle);
}

void Syncer::run() {
  for (;;) {
    std::vector<std::shared_ptr<Group>> groups;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !pending_.empty(); });
      if (pending_.empty()) return;
      wake_.wait_for(lock, kLongestGather, [&] { return stopping_ || !pending_.back()->more_coming; });
      groups.swap(pending_);
    }
    crash_point("before_sync");
    const bool synced = sync(groups);
    for (const auto& group : groups) group->told_written.wait(false);
    if (synced)
      settle(groups);
    else
      fail_all(groups, not_synced());
  }
}

bool Syncer::sync(const std::vector<std::shared_ptr<Group>>& groups) {
  {
    std::lock_guard lock(mutex_);
    if (failed_) return false;
  }
  if (!sync_file_ || sync_file_(fd_) == 0) {
    crash_point("after_sync");
    return true;
  }
  {
    std::lock_guard lock(mutex_);
    failed_ = true;
  }
  on_failure_();
  return false;
}

void Syncer::settle(const std::vector<std::shared_ptr<Group>>& groups) {
  std::map<Id, Seq> heads;
  for (const auto& group : groups) {
    for (const auto& [tenant, seq] : group->heads) heads[tenant] = std::max(heads[tenant], seq);
  }
  std::vector<std::pair<Id, Seq>> list(heads.begin(), heads.end());
  {
    std::lock_guard lock(mutex_);
    for (const auto& [tenant, seq] : list) durable_[tenant] = std::max(durable_[tenant], seq);
  }
  for (const auto& group : groups) {
    for (auto& done : group->durable) done({});
  }
  advance(list);
}

// Moves the marks, then tells waiters and hooks.
void Syncer::advance(const std::vector<std::pair<Id, Seq>>& heads) {
  std::vector<std::function<void(Status)>> reached;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [tenant, seq] : heads) {
      durable_[tenant] = std::max(durable_[tenant], seq);
      const auto first = waiters_.lower_bound({tenant, 0}), last = waiters_.upper_bound({tenant, seq});
      for (auto it = first; it != last; ++it) reached.push_back(std::move(it->second));
      waiters_.erase(first, last);
    }
  }
  for (auto& done : reached) done({});
  std::lock_guard lock(hooks_mutex_);
  for (const auto& [tenant, seq] : heads) {
    for (auto it = hooks_.begin(); it != hooks_.end();) (it++)->second(tenant, seq);  // a hook may forget itself
  }
}

void Syncer::fail_all(const std::vector<std::shared_ptr<Group>>& groups, const Error& error) {
  std::multimap<std::pair<Id, Seq>, std::function<void(Status)>> waiters;
  {
    std::lock_guard lock(mutex_);
    waiters.swap(waiters_);
  }
  for (const auto& group : groups) {
    for (auto& done : group->durable) done(fail(error));
  }
  for (auto& [key, done] : waiters) done(fail(error));
}

}  // namespace steward::journal
