// The applier thread follows the durable mark and folds; a view whose version changed is folded by a second thread into
// a file of its own and takes the place of the old one in one transaction, once it has caught up.
#include <condition_variable>
#include <set>
#include <thread>

#include "journal/home.h"
#include "journal/query_pool.h"
#include "journal/view.h"
#include "journal/view_set.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {

constexpr size_t kPage = 1'000;  // records folded in one transaction
constexpr std::chrono::milliseconds kRetryEvery{500};
constexpr Seq kNearEnough = 2'000;  // records behind at which a rebuild is handed to the applier

class SqliteViews final : public Views {
 public:
  SqliteViews(std::filesystem::path home, Journal& journal, Log log)
      : paths_(std::move(home)), journal_(journal), log_(log), pool_(paths_.views(), log) {}
  ~SqliteViews() override { stop(); }

  void add(View& view) override { views_.push_back(&view); }
  Status start() override;
  void stop() override;
  Seq applied_seq(const Id& tenant) const override;
  Task<Status> wait_applied(Id tenant, Seq seq) override {
    co_return co_await await_callback<Status>(
        [&](std::function<void(Status)> done) { when_applied(tenant, seq, std::move(done)); });
  }
  using Views::rebuild;
  void rebuild(std::function<void(Status)> done) override;
  void run_query(std::function<void(Db&)> query) override { pool_.run(std::move(query)); }
  void query_blocking(std::function<void(Db&)> query) override { pool_.run_blocking(std::move(query)); }

 private:
  void when_applied(const Id& tenant, Seq seq, std::function<void(Status)> done);
  void run();
  bool wait_for_work();  // false: stop
  void catch_up(ViewSet& set);
  void fold_tenant(ViewSet& set, const Id& tenant);
  void tell();
  void fail_waiters(ErrorCode code);
  void begin_rebuild();
  void fold_beside();
  void end_rebuild(Status status);
  bool rebuild_is_near();
  bool is_rebuilt() {
    std::lock_guard lock(mutex_);
    return rebuilt_;
  }
  void swap();

  HomePaths paths_;
  Journal& journal_;
  Log log_;
  QueryPool pool_;
  std::vector<View*> views_;
  std::unique_ptr<ViewSet> set_, side_;
  std::vector<View*> stale_;
  std::thread applier_, rebuilder_;
  size_t hook_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, dirty_ = true, rebuilt_ = false;
  bool rebuild_asked_ = false, rebuilding_ = false;
  std::function<void(Status)> rebuild_done_;  // of one that was asked for
  std::map<Id, Seq> applied_;
  std::multimap<std::pair<Id, Seq>, std::function<void(Status)>> waiters_;
};

std::filesystem::path side_path(const HomePaths& paths) { return paths.root / "views-rebuild.db"; }

Status SqliteViews::start() {
  try {
    remove_database(side_path(paths_));
    set_ = std::make_unique<ViewSet>(open_views_db(paths_.views(), Db::Mode::kReadWrite), views_, log_);
    stale_ = set_->prepare();
    if (!stale_.empty()) {
      side_ = std::make_unique<ViewSet>(open_views_db(side_path(paths_), Db::Mode::kReadWrite), stale_, log_);
      side_->prepare();
    }
    pool_.start();
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The views can't be opened: {}", e.what()));
  }
  for (const auto& tenant : journal_.tenants()) applied_[tenant] = set_->applied_seq(tenant);
  hook_ = journal_.on_durable([this](const Id&, Seq) {
    std::lock_guard lock(mutex_);
    dirty_ = true;
    wake_.notify_one();
  });
  applier_ = std::thread([this] { run(); });
  if (side_) {
    rebuilding_ = true;
    rebuilder_ = std::thread([this] { fold_beside(); });
  }
  return {};
}

void SqliteViews::stop() {
  if (!applier_.joinable()) return;
  journal_.forget(hook_);
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  applier_.join();
  if (rebuilder_.joinable()) rebuilder_.join();
  fail_waiters(ErrorCode::kShuttingDown);
  end_rebuild(fail(ErrorCode::kShuttingDown));
  pool_.stop();
  set_.reset();
  side_.reset();
}

Seq SqliteViews::applied_seq(const Id& tenant) const {
  if (views_.empty()) return journal_.durable_seq(tenant);
  std::lock_guard lock(mutex_);
  const auto it = applied_.find(tenant);
  return it == applied_.end() ? 0 : it->second;
}

void SqliteViews::when_applied(const Id& tenant, Seq seq, std::function<void(Status)> done) {
  Status now;
  {
    std::lock_guard lock(mutex_);
    const auto it = applied_.find(tenant);
    const bool reached = seq == 0 || (it != applied_.end() && it->second >= seq);
    if (!reached && !stopping_) {
      waiters_.emplace(std::pair(tenant, seq), std::move(done));
      return;
    }
    if (!reached) now = fail(ErrorCode::kShuttingDown);
  }
  done(now);
}

void SqliteViews::fail_waiters(ErrorCode code) {
  std::multimap<std::pair<Id, Seq>, std::function<void(Status)>> waiters;
  {
    std::lock_guard lock(mutex_);
    waiters.swap(waiters_);
  }
  for (auto& [key, done] : waiters) done(fail(code));
}

bool SqliteViews::wait_for_work() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || dirty_ || rebuilt_ || rebuild_asked_; });
  const bool last_look = stopping_ && !dirty_;
  dirty_ = false;
  return !last_look;
}

// Stopping folds what is durable first, so that the next start finds little to replay.
void SqliteViews::run() {
  while (wait_for_work()) {
    try {
      catch_up(*set_);
      if (is_rebuilt()) swap();
      begin_rebuild();
      tell();
    } catch (const DbError& e) {
      log_.error("The views could not be written; trying again.", {{"what", e.what()}});
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kRetryEvery, [&] { return stopping_; })) return;
      dirty_ = true;
    }
  }
}

void SqliteViews::catch_up(ViewSet& set) {
  for (const auto& tenant : journal_.tenants()) fold_tenant(set, tenant);
}

void SqliteViews::fold_tenant(ViewSet& set, const Id& tenant) {
  const Seq durable = journal_.durable_seq(tenant);
  // A view that stands still must not hold the others back: the page begins where the last folding view is.
  for (Seq at = set.folding_seq(tenant); at < durable;) {
    auto page = journal_.read(tenant, at, std::min<Seq>(kPage, durable - at));
    if (!page) throw DbError(0, page.error().message);
    if (page->empty()) throw DbError(0, "the journal ends before its durable mark");
    at = page->back().seq;
    set.apply(*page);
    if (&set == set_.get()) tell();
  }
}

void SqliteViews::tell() {
  std::vector<std::pair<std::function<void(Status)>, Status>> reached;
  const bool broken = set_->is_broken();
  const auto tenants = journal_.tenants();
  {
    std::lock_guard lock(mutex_);
    for (const auto& tenant : tenants) {
      const Seq seq = set_->applied_seq(tenant);
      applied_[tenant] = seq == kNoView ? journal_.durable_seq(tenant) : seq;
      const auto first = waiters_.lower_bound({tenant, 0}),
                 last = waiters_.upper_bound({tenant, broken ? kNoView : applied_[tenant]});
      for (auto it = first; it != last; ++it) {
        Status status;
        if (it->first.second > applied_[tenant])
          status = fail(ErrorCode::kInternal, "A view stands still; the log says which.");
        reached.emplace_back(std::move(it->second), std::move(status));
      }
      waiters_.erase(first, last);
    }
  }
  for (auto& [done, status] : reached) done(status);
}

bool SqliteViews::rebuild_is_near() {
  for (const auto& tenant : journal_.tenants()) {
    if (side_->folding_seq(tenant) + kNearEnough < journal_.durable_seq(tenant)) return false;
  }
  return true;
}

void SqliteViews::rebuild(std::function<void(Status)> done) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_ && !rebuilding_ && !rebuild_asked_) {
      rebuild_asked_ = true;
      rebuild_done_ = std::move(done);
      wake_.notify_one();
      return;
    }
  }
  done(fail(ErrorCode::kConflict, "The views are being rebuilt already, or the server is stopping."));
}

// Applier thread, where one was asked for and none is under way.
void SqliteViews::begin_rebuild() {
  {
    std::lock_guard lock(mutex_);
    if (!rebuild_asked_ || rebuilding_ || stopping_) return;
    rebuild_asked_ = false;
    rebuilding_ = true;
  }
  if (rebuilder_.joinable()) rebuilder_.join();  // the one before has ended
  stale_ = views_;
  remove_database(side_path(paths_));
  side_ = std::make_unique<ViewSet>(open_views_db(side_path(paths_), Db::Mode::kReadWrite), stale_, log_);
  side_->prepare();
  rebuilder_ = std::thread([this] { fold_beside(); });
}

void SqliteViews::end_rebuild(Status status) {
  std::function<void(Status)> done;
  {
    std::lock_guard lock(mutex_);
    rebuilt_ = rebuilding_ = rebuild_asked_ = false;
    done = std::move(rebuild_done_);
    rebuild_done_ = nullptr;
  }
  if (done) done(std::move(status));
}

void SqliteViews::fold_beside() {
  for (;;) {
    try {
      for (const auto& tenant : journal_.tenants()) {
        const Seq durable = journal_.durable_seq(tenant);
        for (Seq at = side_->folding_seq(tenant); at < durable;) {
          {
            std::lock_guard lock(mutex_);
            if (stopping_) return;
          }
          auto page = journal_.read(tenant, at, std::min<Seq>(kPage, durable - at));
          if (!page || page->empty()) throw DbError(0, "the journal can't be read");
          at = page->back().seq;
          side_->apply(*page);
        }
      }
      if (rebuild_is_near()) break;
    } catch (const DbError& e) {
      log_.error("A view could not be rebuilt; trying again.", {{"what", e.what()}});
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kRetryEvery, [&] { return stopping_; })) return;
    }
  }
  std::lock_guard lock(mutex_);
  rebuilt_ = true;
  wake_.notify_all();
}

void SqliteViews::swap() {
  catch_up(*side_);
  side_->db().execute("PRAGMA wal_checkpoint(TRUNCATE)");
  side_.reset();
  set_->adopt(side_path(paths_), stale_);
  remove_database(side_path(paths_));
  for (View* view : stale_) log_.info("A view was rebuilt.", {{"view", view->name()}, {"version", view->version()}});
  end_rebuild({});
}

}  // namespace

Task<Status> Views::rebuild() {
  co_return co_await await_callback<Status>([this](std::function<void(Status)> done) { rebuild(std::move(done)); });
}

std::unique_ptr<Views> make_views(std::filesystem::path home, Journal& journal, Log log) {
  return std::make_unique<SqliteViews>(std::move(home), journal, std::move(log));
}

}  // namespace steward::journal
