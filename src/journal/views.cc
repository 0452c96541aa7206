// The applier thread follows the durable mark and folds; a view whose version changed is folded by a second thread into
// a file of its own and takes the place of the old one in one transaction, once it has caught up. A damaged views.db is
// made anew the same way, all of it, and the new file takes the old one's place; meanwhile the old one answers what it
// still can.
#include <condition_variable>
#include <set>
#include <thread>

#include "journal/health.h"
#include "journal/home.h"
#include "journal/query_pool.h"
#include "journal/view.h"
#include "journal/view_set.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {

constexpr size_t kPage = 1'000;  // records folded in one transaction
constexpr std::chrono::milliseconds kRetryEvery{500};
constexpr std::chrono::milliseconds kGather{5};  // records that come within it are folded in one transaction
constexpr Seq kNearEnough = 2'000;               // records behind at which a rebuild is handed to the applier

Trouble being_mended(std::string_view what) {
  return {"views_corrupt", "views.db is damaged; it is being folded again from the journal.",
          "Nothing is lost, and nothing has to be done: usage figures lag until it is done. Check the disk and the "
          "memory, since damage like this is how they begin to fail.",
          false, std::string(what)};
}

class SqliteViews final : public Views, public HealthSource {
 public:
  SqliteViews(std::filesystem::path home, Journal& journal, Log log)
      : paths_(std::move(home)),
        journal_(journal),
        log_(log),
        pool_(paths_.views(), log, [this](std::string_view what) { found_damaged(what); }) {}
  ~SqliteViews() override { stop(); }

  void add(View& view) override { views_.push_back(&view); }
  Status start() override;
  void stop() override;
  Seq applied_seq(const Id& tenant) const override;
  std::vector<Trouble> troubles() const override { return trouble_.list(); }
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
  void open_set();
  void found_damaged(std::string_view what);  // any thread: the applier makes the file anew
  void mend();
  void replace();
  void begin_beside(std::vector<View*> views);

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
  bool damaged_ = false;  // found, the file has to be made anew
  bool mending_ = false;  // that is under way; the applier writes it
  bool stalled_ = false;  // applier: the disk refused; told until it works again
  TroubleNote trouble_;
  std::function<void(Status)> rebuild_done_;  // of one that was asked for
  std::map<Id, Seq> applied_;
  std::multimap<std::pair<Id, Seq>, std::function<void(Status)>> waiters_;
};

std::filesystem::path side_path(const HomePaths& paths) { return paths.root / "views-rebuild.db"; }

Status SqliteViews::start() {
  try {
    remove_database(side_path(paths_));
    open_set();
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
    if (!std::exchange(dirty_, true)) wake_.notify_all();
  });
  applier_ = std::thread([this] { run(); });
  if (side_) {
    rebuilding_ = true;
    rebuilder_ = std::thread([this] { fold_beside(); });
  }
  return {};
}

void SqliteViews::open_set() {
  const auto open = [this] {
    set_ = std::make_unique<ViewSet>(open_views_db(paths_.views(), Db::Mode::kReadWrite), views_, log_);
    stale_ = set_->prepare();
  };
  try {
    open();
  } catch (const DbError& e) {
    if (!is_damage(e)) throw;
    log_.error("The views are damaged; they are folded again from the journal.", {{"what", e.what()}});
    trouble_.set(views_mended());
    set_.reset();
    remove_database(paths_.views());
    open();
  }
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
      wake_.notify_all();
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
  wake_.wait(lock, [&] { return stopping_ || dirty_ || rebuilt_ || rebuild_asked_ || (damaged_ && !rebuilding_); });
  // A transaction costs more than a fold, so a few records share one, unless somebody waits for them.
  wake_.wait_for(lock, kGather, [&] { return stopping_ || !waiters_.empty() || rebuilt_ || rebuild_asked_; });
  const bool last_look = stopping_ && !dirty_;
  dirty_ = false;
  return !last_look;
}

// Stopping folds what is durable first, so that the next start finds little to replay.
void SqliteViews::run() {
  while (wait_for_work()) {
    try {
      mend();
      if (!mending_) catch_up(*set_);
      if (is_rebuilt()) mending_ ? replace() : swap();
      begin_rebuild();
      tell();
      if (stalled_ && !mending_) trouble_.clear();
      stalled_ = stalled_ && mending_;
    } catch (const DbError& e) {
      if (is_damage(e) && !mending_) {
        found_damaged(e.what());
        continue;
      }
      if (!mending_) {
        stalled_ = true;
        Trouble why = diagnose(e, "the views");
        why.blocks = false;  // calls are taken as long as the journal takes them; usage figures lag
        trouble_.set(std::move(why));
      }
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
  begin_beside(views_);
}

void SqliteViews::begin_beside(std::vector<View*> views) {
  if (rebuilder_.joinable()) rebuilder_.join();  // the one before has ended
  stale_ = std::move(views);
  remove_database(side_path(paths_));
  side_ = std::make_unique<ViewSet>(open_views_db(side_path(paths_), Db::Mode::kReadWrite), stale_, log_);
  side_->prepare();
  rebuilder_ = std::thread([this] { fold_beside(); });
}

void SqliteViews::found_damaged(std::string_view what) {
  const std::lock_guard lock(mutex_);
  if (damaged_ || mending_) return;
  damaged_ = true;
  trouble_.set(being_mended(what));
  log_.error("The views are damaged; they are folded again from the journal.", {{"what", std::string(what)}});
  wake_.notify_one();
}

// Applier thread. A rebuild that is under way goes to its end first: it doesn't read the damaged file, and then its
// tables are thrown away with it.
void SqliteViews::mend() {
  {
    std::lock_guard lock(mutex_);
    if (!damaged_ || mending_ || stopping_ || (rebuilding_ && !rebuilt_)) return;
    damaged_ = rebuilt_ = rebuild_asked_ = false;
    mending_ = rebuilding_ = true;
  }
  try {
    begin_beside(views_);
  } catch (const DbError&) {
    std::lock_guard lock(mutex_);
    mending_ = rebuilding_ = false;
    damaged_ = true;
    throw;
  }
}

// Applier thread: the new file is closed, takes the old one's name, and is opened as that.
void SqliteViews::replace() {
  if (side_) {  // else only opening it failed, and is tried again
    catch_up(*side_);
    side_->db().execute("PRAGMA wal_checkpoint(TRUNCATE)");
    side_.reset();
    set_.reset();
    remove_database(paths_.views());
    std::error_code error;
    std::filesystem::rename(side_path(paths_), paths_.views(), error);
  }
  open_set();
  pool_.reopen();
  log_.info("The views were folded again.");
  {
    const std::lock_guard lock(mutex_);
    mending_ = damaged_ = false;
  }
  trouble_.set(views_mended());
  end_rebuild({});
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
