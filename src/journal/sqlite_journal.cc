#include "journal/sqlite_journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <future>

#include "base/crash_point.h"
#include "journal/blobs.h"
#include "journal/purge.h"
#include "journal/schema.h"
#include "journal/view_state.h"

namespace steward::journal {
namespace {

constexpr std::chrono::milliseconds kRecoverEvery{500};

Error unavailable() { return Error(ErrorCode::kStoreUnavailable); }

Syncer::SyncFile sync_function(const Options& options) {
  if (!options.sync) return nullptr;
  if (options.sync_file) return options.sync_file;
  return [](int fd) { return ::fdatasync(fd); };
}

}  // namespace

SqliteJournal::SqliteJournal(Options options, Clock& clock, Random& random, Log log)
    : options_(std::move(options)),
      paths_(options_.home),
      log_(std::move(log)),
      store_(paths_.journal(), options_.vfs, clock, random,
             [this](const Id& tenant, std::string_view blob) { return blob_stored(tenant, blob); }),
      eraser_(paths_, options_.kept_kinds, clock),
      folds_(options_.upcasters),
      reader_(paths_.journal(), options_.upcasters),
      syncer_(sync_function(options_), [this] {
        reopen_ = true;
        set_state(State::kFailed, "the disk refused to sync");
      }) {}

SqliteJournal::~SqliteJournal() { stop(); }

bool SqliteJournal::blob_stored(const Id& tenant, std::string_view blob) const {
  std::error_code error;
  return is_blob_id(blob) && std::filesystem::exists(blob_path(paths_, tenant, blob), error);
}

Status SqliteJournal::start() {
  if (auto s = prepare_home(paths_); !s) return s;
  auto lock = HomeLock::take(paths_);
  if (!lock) return fail(lock.error());
  lock_ = std::move(*lock);
  try {
    if (auto s = open(); !s) return s;
  } catch (const DbError& e) {
    return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be opened: {}", e.what()));
  }
  started_ = true;
  state_ = State::kReady;
  thread_ = std::thread([this] { run(); });
  return {};
}

Status SqliteJournal::open() {
  store_.open();
  if (auto s = check_heads(); !s) return s;
  auto erased = eraser_.finish_log(store_);
  if (!erased) return fail(erased.error());
  if (*erased > 0)
    log_.warn("Records were erased that the erasures log names and the journal still held.", {{"records", *erased}});
  if (auto s = load_folds(); !s) return s;
  store_.probe();  // so that the -wal file is there for the syncer, and a full disk is told at once
  const auto heads = select_heads(store_.db());
  written_ = {heads.begin(), heads.end()};
  return syncer_.start(paths_.journal().string() + "-wal", heads);
}

// The head row and the last record were written in one transaction: if they differ, the file was damaged or tampered
// with.
Status SqliteJournal::check_heads() {
  auto& row = store_.db().prepare(
      "SELECT t.id FROM tenants t LEFT JOIN records r ON r.pos = (t.number << 40) + t.seq WHERE t.seq > 0 AND r.digest "
      "IS NOT t.digest");
  const bool bad = row.step();
  const std::string tenant = bad ? row.text(0) : "";
  row.reset();
  if (!bad) return {};
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("The journal's last record of {} is not what its head says: run 'steward journal verify', or restore "
                  "a backup.",
                  tenant));
}

Status SqliteJournal::load_folds() {
  auto views = std::make_unique<Db>(open_views_db(paths_.views(), Db::Mode::kReadWrite));
  if (!views_belong_to(*views, store_.db())) {
    log_.warn("The views belong to another history of the journal; they are folded again.");
    views.reset();
    remove_database(paths_.views());
    views = std::make_unique<Db>(open_views_db(paths_.views(), Db::Mode::kReadWrite));
  }
  auto status = folds_.reload(store_.db(), *views);
  folds_stale_ = !status;
  return status;
}

void SqliteJournal::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  syncer_.stop();
  store_.close();
  lock_.reset();
}

void SqliteJournal::submit(Id tenant, Decision decide, AppendCallback written, std::function<void(Status)> durable) {
  submit_act(
      [tenant = std::move(tenant), decide = std::move(decide)](Store& store) -> Result<std::vector<Record>> {
        auto drafts = decide();
        if (!drafts) return fail(std::move(drafts.error()));
        return store.append(tenant, std::move(*drafts));
      },
      std::move(written), std::move(durable));
}

void SqliteJournal::submit_act(Act act, AppendCallback written, std::function<void(Status)> durable) {
  enqueue({std::move(act), std::move(written), std::move(durable), nullptr});
}

void SqliteJournal::erase(Id tenant, ErasureRequest request, AppendCallback done) {
  auto held = std::make_shared<Result<Appended>>(Appended{});
  auto shared_done = std::make_shared<AppendCallback>(std::move(done));
  submit_act([this, tenant = std::move(tenant),
              request = std::move(request)](Store& store) { return eraser_.erase(store, tenant, request); },
             [held, shared_done](Result<Appended> result) {
               if (!result)
                 (*shared_done)(std::move(result));
               else
                 *held = std::move(result);
             },
             [held, shared_done](Status status) {
               if (!status)
                 (*shared_done)(fail(status.error()));
               else
                 (*shared_done)(std::move(*held));
             });
}

Result<size_t> SqliteJournal::purge() {
  bool hidden = false;
  auto looked = reader_.with_db([&hidden](Db& db) { hidden = has_hidden(db); });
  if (!looked) return fail(looked.error());
  if (!hidden) return 0;
  if (auto s = truncate_log(paths_.views()); !s) return fail(s.error());
  size_t purged = 0;
  auto status = maintain([this, &purged](Store& store) -> Status {
    auto done = purge_erased(store, paths_);
    if (!done) return fail(done.error());
    purged = *done;
    return {};
  });
  if (!status) return fail(status.error());
  return purged;
}

Status SqliteJournal::maintain(std::function<Status(Store&)> work) {
  auto promise = std::make_shared<std::promise<Status>>();
  auto future = promise->get_future();
  enqueue({nullptr, nullptr, nullptr, [promise, work = std::move(work)](Result<Store*> store) {
             if (!store) return promise->set_value(fail(store.error()));
             try {
               promise->set_value(work(**store));
             } catch (const DbError& e) {
               promise->set_value(fail(ErrorCode::kStoreUnavailable, e.what()));
             }
           }});
  return future.get();
}

void SqliteJournal::enqueue(Command command) {
  Error error(ErrorCode::kShuttingDown);
  {
    std::lock_guard lock(mutex_);
    if (!stopping_ && started_ && state_ == State::kReady && queue_.size() < options_.queue_limit) {
      queue_.push_back(std::move(command));
      wake_.notify_one();
      return;
    }
    if (!stopping_) error = unavailable();
  }
  refuse(command, error);
}

void SqliteJournal::refuse(Command& command, const Error& error) {
  if (command.maintenance)
    command.maintenance(fail(error));
  else
    command.written(fail(error));
}

void SqliteJournal::run() {
  for (;;) {
    auto commands = take();
    if (commands.empty()) {
      if (state_ == State::kReady) return;  // stopping, and the queue is drained
      recover();
      std::lock_guard lock(mutex_);
      if (stopping_ && queue_.empty()) return;
      continue;
    }
    if (state_ != State::kReady) {
      for (auto& command : commands) refuse(command, unavailable());
    } else if (commands.front().maintenance) {
      commands.front().maintenance(&store_);
    } else {
      process(std::move(commands));
    }
  }
}

// The next group: empty when stopping with nothing left, or when it is time to try a recovery. Maintenance stands
// alone.
std::deque<SqliteJournal::Command> SqliteJournal::take() {
  std::unique_lock lock(mutex_);
  const auto due = [&] { return stopping_ || !queue_.empty(); };
  while (!due()) {
    if (state_ != State::kReady) {
      wake_.wait_for(lock, kRecoverEvery, due);
      break;
    }
    wake_.wait(lock, [&] { return due() || state_ != State::kReady; });
  }
  std::deque<Command> commands;
  while (!queue_.empty() && commands.size() < options_.group_limit) {
    if (queue_.front().maintenance && !commands.empty()) break;
    commands.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (commands.back().maintenance) break;
  }
  return commands;
}

void SqliteJournal::process(std::deque<Command> commands) {
  try {
    store_.begin();
    auto results = perform(commands);
    crash_point("before_commit");
    const auto heads = store_.changed_heads();
    store_.commit();
    crash_point("after_commit_before_ack");
    auto group = std::make_shared<Syncer::Group>();
    group->heads = heads;
    for (size_t i = 0; i < commands.size(); ++i) {
      if (results[i] && commands[i].durable) group->durable.push_back(std::move(commands[i].durable));
    }
    {
      std::lock_guard lock(mutex_);
      for (const auto& [tenant, seq] : heads) written_[tenant] = seq;
      group->more_coming = !queue_.empty() && !queue_.front().maintenance;
    }
    const bool to_sync = !group->heads.empty() || !group->durable.empty();
    if (to_sync) syncer_.hand_over(group);  // first: the disk works while the callbacks run
    publish(commands, std::move(results));
    group->told_written = true;
    group->told_written.notify_one();
  } catch (const DbError& e) {
    abandon(commands, e.what());
  }
}

std::vector<Result<Appended>> SqliteJournal::perform(std::deque<Command>& commands) {
  std::vector<Result<Appended>> results;
  results.reserve(commands.size());
  for (auto& command : commands) results.push_back(perform(command));
  return results;
}

// A decision that throws is a bug of its request and fails that alone; a fold that throws, or the disk, fails the
// group.
Result<Appended> SqliteJournal::perform(Command& command) {
  Result<std::vector<Record>> records = std::vector<Record>{};
  try {
    records = command.act(store_);
  } catch (const DbError&) {
    throw;
  } catch (const std::exception& e) {
    log_.error("A decision threw.", {{"what", e.what()}});
    return fail(ErrorCode::kInternal);
  }
  if (!records) return fail(std::move(records.error()));
  try {
    for (const auto& record : *records) folds_.apply(record);
  } catch (const std::exception& e) {
    throw DbError(0, fmt::format("a fold could not take a record: {}", e.what()));
  }
  return Appended{std::move(*records)};
}

void SqliteJournal::publish(std::deque<Command>& commands, std::vector<Result<Appended>> results) {
  for (size_t i = 0; i < commands.size(); ++i) commands[i].written(std::move(results[i]));
}

void SqliteJournal::abandon(std::deque<Command>& commands, const std::string& why) {
  set_state(State::kReadOnly, why);
  store_.rollback();
  folds_stale_ = true;
  try {
    (void)load_folds();  // what was rolled back must not stay in the folds that others read
  } catch (const DbError&) {
  }
  for (auto& command : commands) refuse(command, unavailable());
}

void SqliteJournal::recover() {
  Status status;
  try {
    status = recover_once();
  } catch (const DbError& e) {
    status = fail(ErrorCode::kStoreUnavailable, e.what());
  }
  if (status)
    set_state(State::kReady, "the disk works again");
  else
    store_.rollback();
}

Status SqliteJournal::recover_once() {
  const bool reopen = reopen_ || !store_.is_open();
  if (reopen) {
    store_.open();
    if (auto s = check_heads(); !s) return s;
  }
  store_.probe();
  if (reopen) {
    // Everything in the log is written into the database file and synced there: what was written before the failure is
    // durable now.
    auto& row = store_.db().prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    const bool busy = !row.step() || row.integer(0) != 0;
    row.reset();
    if (busy) return fail(ErrorCode::kStoreUnavailable);
    store_.probe();  // the log has a first frame again
  }
  if (folds_stale_ || reopen) {
    if (auto s = load_folds(); !s) return s;
  }
  if (reopen) {
    const auto heads = select_heads(store_.db());
    {
      std::lock_guard lock(mutex_);
      written_ = {heads.begin(), heads.end()};
    }
    if (auto s = syncer_.reopen(paths_.journal().string() + "-wal", heads); !s) return s;
    reopen_ = false;
  }
  return {};
}

void SqliteJournal::set_state(State state, std::string_view why) {
  if (state_.exchange(state) == state) return;
  if (state == State::kReady)
    log_.info("The journal takes records again.");
  else
    log_.error("The journal takes no records.", {{"why", std::string(why)}});
  std::lock_guard lock(mutex_);  // the writer may be between looking at the state and going to sleep
  wake_.notify_all();
}

Seq SqliteJournal::written_seq(const Id& tenant) const {
  std::lock_guard lock(mutex_);
  const auto it = written_.find(tenant);
  return it == written_.end() ? 0 : it->second;
}

std::vector<Id> SqliteJournal::tenants() const {
  std::lock_guard lock(mutex_);
  std::vector<Id> out;
  for (const auto& [tenant, seq] : written_) out.push_back(tenant);
  return out;
}

Task<Status> SqliteJournal::wait_durable(Id tenant, Seq seq) {
  co_return co_await await_callback<Status>(
      [&](std::function<void(Status)> done) { syncer_.when_durable(tenant, seq, std::move(done)); });
}

std::unique_ptr<Journal> make_sqlite_journal(Options options, Clock& clock, Random& random, Log log) {
  return std::make_unique<SqliteJournal>(std::move(options), clock, random, std::move(log));
}

}  // namespace steward::journal
