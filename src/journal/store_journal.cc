#include "journal/store_journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <future>

#include "base/crash_point.h"
#include "journal/blobs.h"
#include "journal/purge.h"
#include "journal/view_state.h"
#include "journal/when_durable.h"

namespace steward::journal {
namespace {

constexpr std::chrono::milliseconds kFirstPause{500};  // before the first try to recover; doubled up to the store's own
constexpr std::chrono::seconds kFindOutFor{10};        // callers wait so long to learn how a lost COMMIT ended
constexpr std::chrono::milliseconds kFindOutEvery{250};

Error unknown_outcome() {
  return Error(ErrorCode::kStoreUnavailable,
               "The database was lost while it committed, so it is not known whether this was written. Look before "
               "you do it again.");
}

std::vector<std::pair<Id, Seq>> marks_of(const std::vector<StoredHead>& heads) {
  std::vector<std::pair<Id, Seq>> out;
  for (const auto& head : heads) out.emplace_back(head.tenant, head.seq);
  return out;
}

Syncer::SyncFile sync_function(const Options& options, const Store& store) {
  if (!options.sync || store.log_file().empty()) return nullptr;
  if (options.sync_file) return options.sync_file;
  return [](int fd) { return ::fdatasync(fd); };
}

}  // namespace

StoreJournal::StoreJournal(Options options, PostgresOptions postgres, Clock& clock, Random& random, Log log)
    : options_(std::move(options)),
      postgres_(std::move(postgres)),
      paths_(options_.home),
      log_(std::move(log)),
      store_(make_store(options_, postgres_)),
      chain_(*store_, clock, random, options_.kinds,
             [this](const Id& tenant, std::string_view blob) { return blob_stored(tenant, blob); }),
      eraser_(paths_, options_, clock),
      folds_(options_.upcasters),
      reader_([this] { return store_->open_scan(); }, options_.upcasters,
              [this](std::string_view what) { found_damaged(what); }),
      syncer_(sync_function(options_, *store_),
              [this] {
                reopen_ = true;
                trouble_.set(sync_refused());
                set_state(State::kFailed, "the disk refused to sync");
              }),
      pause_(kFirstPause),
      scrubber_([this] { return store_->open_scan(); }, [this](std::string_view what) { found_damaged(what); }) {}

StoreJournal::~StoreJournal() { stop(); }

bool StoreJournal::blob_stored(const Id& tenant, std::string_view blob) const {
  std::error_code error;
  return is_blob_id(blob) && std::filesystem::exists(blob_path(paths_, tenant, blob), error);
}

Status StoreJournal::start() {
  if (auto s = prepare_home(paths_); !s) return s;
  auto lock = HomeLock::take(paths_);
  if (!lock) return fail(lock.error());
  lock_ = std::move(*lock);
  try {
    if (auto s = open(); !s) return s;
  } catch (const DbError& e) {
    if (!is_damage(e))
      return fail(ErrorCode::kStoreUnavailable, fmt::format("The journal can't be opened: {}", e.what()));
    const Trouble trouble = journal_damaged(e.what());
    return fail(ErrorCode::kCorrupt, fmt::format("{} ({}) {}", trouble.message, trouble.detail, trouble.advice));
  }
  started_ = true;
  state_ = State::kReady;
  thread_ = std::thread([this] { run(); });
  scrubber_.start();
  return {};
}

Status StoreJournal::open() {
  store_->open();
  if (auto s = check_moved(); !s) return s;
  if (auto s = check_heads(); !s) return s;
  auto erased = eraser_.finish_log(chain_);
  if (!erased) return fail(erased.error());
  if (*erased > 0)
    log_.warn("Records were erased that the erasures log names and the journal still held.", {{"records", *erased}});
  if (auto s = load_folds(); !s) return s;
  store_->probe();  // so that a log file is there for the syncer, and a full disk is told at once
  const auto heads = filled_heads(store_->scan());
  {
    std::lock_guard lock(mutex_);
    written_ = {heads.begin(), heads.end()};
    info_ = store_->info();
  }
  for (const auto& warning : store_->info().warnings) log_.warn("About the journal's store.", {{"what", warning}});
  return syncer_.start(store_->log_file(), heads);
}

// An empty database beside a full journal.db is a copy that somebody forgot: starting anew would look like a loss.
Status StoreJournal::check_moved() {
  std::error_code error;
  const Location in_home(options_.home);
  if (postgres_.url.empty() || !std::filesystem::exists(paths_.journal(), error)) return {};
  if (!filled_heads(store_->scan()).empty() || filled_heads(*open_scan(in_home)).empty()) return {};
  return fail(
      ErrorCode::kConflict,
      fmt::format("{} holds a journal, but PostgreSQL at {} holds none: 'steward journal copy home postgres://…' "
                  "brings it there; or move journal.db away to begin anew.",
                  paths_.journal().string(), store_->info().where));
}

// The head row and the last record were written in one transaction: if they differ, the store was damaged or tampered
// with.
Status StoreJournal::check_heads() {
  for (const auto& head : store_->scan().heads()) {
    if (head.seq == 0 || store_->scan().digest_at(head.tenant, head.seq) == head.digest) continue;
    return fail(ErrorCode::kCorrupt,
                fmt::format("The journal's last record of {} is not what its head says: run 'steward journal verify', "
                            "or restore a backup.",
                            head.tenant));
  }
  return {};
}

// What was acknowledged must still be there. It is not if a database failed over to a copy that was behind, or was
// restored under the running server: going on would fork the history that clients, views and events have seen.
Status StoreJournal::check_history() {
  for (const auto& [tenant, head] : told_) {
    if (store_->scan().digest_at(tenant, head.seq) == head.digest) continue;
    return fail(ErrorCode::kCorrupt,
                fmt::format("Record {} of {} was acknowledged, but the database no longer has it: it failed over to a "
                            "copy that was behind, or was restored. Restart the server to go on from what is there.",
                            head.seq, tenant));
  }
  return {};
}

Status StoreJournal::load_folds() {
  auto status = with_views([this](Db& views) { return folds_.reload(store_->scan(), views); });
  folds_stale_ = !status;
  return status;
}

// Views that are damaged, or belong to another history, are made anew: at the start by removing the file, later (the
// views' own thread has it open and mends it) by folding everything from the journal. A database that failed over may
// be behind the views, and a start goes on from what it has; a file in the home has then lost its end.
Status StoreJournal::with_views(const std::function<Status(Db&)>& load) {
  const bool starting = state_ == State::kStarting;
  try {
    Db views = open_views_db(paths_.views(), Db::Mode::kReadWrite);
    if (starting && postgres_.url.empty()) {
      if (auto lost = seqs_beyond(views, store_->scan()); !lost.empty()) return fail(ErrorCode::kCorrupt, lost);
    }
    if (views_belong_to(views, store_->scan())) return load(views);
    log_.warn("The views belong to another history of the journal; they are folded again.");
  } catch (const DbError& e) {
    if (!is_damage(e)) throw;
    log_.error("The views are damaged; they are folded again from the journal.", {{"what", e.what()}});
    if (starting) mended_.set(views_mended());
  }
  const auto place = starting ? paths_.views() : paths_.root / "views-none.db";
  remove_database(place);
  Status status;
  {
    Db empty = open_views_db(place, Db::Mode::kReadWrite);
    status = load(empty);
  }
  if (!starting) remove_database(place);
  return status;
}

void StoreJournal::stop() {
  scrubber_.stop();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  syncer_.stop();
  store_->close();
  lock_.reset();
}

void StoreJournal::submit(Id tenant, Decision decide, AppendCallback written, std::function<void(Status)> durable) {
  submit_act(
      [tenant = std::move(tenant), decide = std::move(decide)](ChainWriter& chain) -> Result<std::vector<Record>> {
        auto drafts = decide();
        if (!drafts) return fail(std::move(drafts.error()));
        return chain.append(tenant, std::move(*drafts));
      },
      std::move(written), std::move(durable));
}

void StoreJournal::submit_act(Act act, AppendCallback written, std::function<void(Status)> durable) {
  enqueue({std::move(act), std::move(written), std::move(durable), nullptr});
}

void StoreJournal::erase(Id tenant, ErasureRequest request, AppendCallback done) {
  auto [written, durable] = when_durable(std::move(done));
  submit_act([this, tenant = std::move(tenant),
              request = std::move(request)](ChainWriter& chain) { return eraser_.erase(chain, tenant, request); },
             std::move(written), std::move(durable));
}

Result<size_t> StoreJournal::purge() {
  bool hidden = false;
  auto looked = reader_.with_scan([&hidden](Scan& scan) { hidden = scan.has_hidden(); });
  if (!looked) return fail(looked.error());
  // Also where nothing is hidden any more: a purge that was under way may have taken an erasure along that came after
  // it had cleaned the views.
  if (auto s = truncate_log(paths_.views()); !s) return fail(s.error());
  if (!hidden) return 0;
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

Status StoreJournal::maintain(std::function<Status(Store&)> work) {
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

void StoreJournal::enqueue(Command command) {
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

Error StoreJournal::unavailable() const {
  const auto trouble = trouble_.list();
  return trouble.empty() ? Error(ErrorCode::kStoreUnavailable)
                         : Error(ErrorCode::kStoreUnavailable, trouble.front().message + " Nothing new is promised.");
}

void StoreJournal::refuse(Command& command, const Error& error) {
  if (command.maintenance)
    command.maintenance(fail(error));
  else
    command.written(fail(error));
}

void StoreJournal::run() {
  for (;;) {
    auto commands = take();
    if (commands.empty()) {
      if (is_stopping()) return;  // and the queue is drained
      if (state_ == State::kReady)
        hold();
      else
        recover();
      continue;
    }
    if (state_ != State::kReady) {
      for (auto& command : commands) refuse(command, unavailable());
    } else if (commands.front().maintenance) {
      commands.front().maintenance(store_.get());
    } else {
      process(std::move(commands));
    }
  }
}

bool StoreJournal::is_stopping() const {
  std::lock_guard lock(mutex_);
  return stopping_ && queue_.empty();
}

// While nobody writes, so that the lease does not run out; one that was lost is noticed here.
void StoreJournal::hold() {
  try {
    store_->hold();
  } catch (const DbError& e) {
    chain_.rollback();
    trouble_.set(trouble_of(e));
    set_state(store_->is_open() ? State::kReadOnly : State::kFailed, e.what());
  }
}

// The next group: empty when stopping with nothing left, or when it is time to try a recovery or to hold the lease.
// Maintenance stands alone.
std::deque<StoreJournal::Command> StoreJournal::take() {
  std::unique_lock lock(mutex_);
  const auto due = [&] { return stopping_ || !queue_.empty(); };
  while (!due()) {
    if (state_ != State::kReady) {
      wake_.wait_for(lock, pause_, due);
      break;
    }
    const auto failed_or_due = [&] { return due() || state_ != State::kReady; };
    if (const auto every = store_->hold_every(); every.count() == 0) {
      wake_.wait(lock, failed_or_due);
    } else if (!wake_.wait_for(lock, every, failed_or_due)) {
      break;
    }
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

void StoreJournal::process(std::deque<Command> commands) {
  std::vector<Result<Appended>> results;
  std::vector<StoredHead> heads;
  try {
    chain_.begin();
    results = perform(commands);
    crash_point("before_commit");
    heads = chain_.changed_heads();
    commit(heads);
    crash_point("after_commit_before_ack");
  } catch (const CommitUnknown& e) {
    const Error unknown = unknown_outcome();
    return abandon(commands, e, &unknown);
  } catch (const DbError& e) {
    return abandon(commands, e);
  }
  conclude(std::move(commands), std::move(results), std::move(heads));
}

void StoreJournal::commit(const std::vector<StoredHead>& heads) {
  try {
    chain_.commit();
  } catch (const CommitUnknown& e) {
    set_state(State::kFailed, e.what());
    if (!find_out(heads)) throw DbError(0, "the connection was lost and the group was not committed");
    chain_.forget();
    if (store_->is_open() && !damaged_) set_state(State::kReady, "");
  }
}

// Whether a group whose COMMIT was not answered is there. Asked once the store is open again, which waits for the lost
// session's transaction to end and keeps it from committing later; or once another holds the lease, for the same
// reason.
bool StoreJournal::find_out(const std::vector<StoredHead>& heads) {
  const auto give_up = std::chrono::steady_clock::now() + kFindOutFor;
  for (;;) {
    try {
      store_->open();
      return is_there(heads);
    } catch (const LeaseHeld& e) {
      set_state(State::kFailed, e.what());
      return is_there(heads);
    } catch (const DbError& e) {
      if (std::chrono::steady_clock::now() > give_up) throw CommitUnknown(e.code, e.what());
      std::this_thread::sleep_for(kFindOutEvery);
    }
  }
}

bool StoreJournal::is_there(const std::vector<StoredHead>& heads) {
  const auto scan = store_->open_scan();
  return std::ranges::all_of(
      heads, [&](const StoredHead& head) { return scan->digest_at(head.tenant, head.seq) == head.digest; });
}

void StoreJournal::conclude(std::deque<Command> commands, std::vector<Result<Appended>> results,
                            std::vector<StoredHead> heads) {
  auto group = std::make_shared<Syncer::Group>();
  group->heads = marks_of(heads);
  for (size_t i = 0; i < commands.size(); ++i) {
    if (results[i] && commands[i].durable) group->durable.push_back(std::move(commands[i].durable));
  }
  {
    std::lock_guard lock(mutex_);
    for (const auto& head : heads) written_[head.tenant] = head.seq;
    group->more_coming = !queue_.empty() && !queue_.front().maintenance;
  }
  for (auto& head : heads) told_.insert_or_assign(head.tenant, std::move(head));
  const bool to_sync = !group->heads.empty() || !group->durable.empty();
  if (to_sync) syncer_.hand_over(group);  // first: the disk works while the callbacks run
  publish(commands, std::move(results));
  group->told_written = true;
  group->told_written.notify_one();
}

std::vector<Result<Appended>> StoreJournal::perform(std::deque<Command>& commands) {
  std::vector<Result<Appended>> results;
  results.reserve(commands.size());
  for (auto& command : commands) results.push_back(perform(command));
  return results;
}

// A decision that throws is a bug of its request and fails that alone; a fold that throws, or the disk, fails the
// group.
Result<Appended> StoreJournal::perform(Command& command) {
  Result<std::vector<Record>> records = std::vector<Record>{};
  try {
    records = command.act(chain_);
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

void StoreJournal::publish(std::deque<Command>& commands, std::vector<Result<Appended>> results) {
  for (size_t i = 0; i < commands.size(); ++i) commands[i].written(std::move(results[i]));
}

// `answer`: what the commands are told, if not that nothing was written.
void StoreJournal::abandon(std::deque<Command>& commands, const DbError& why, const Error* answer) {
  chain_.rollback();
  if (is_damage(why)) {
    found_damaged(why.what());
  } else {
    trouble_.set(trouble_of(why));
    set_state(store_->is_open() ? State::kReadOnly : State::kFailed, why.what());
  }
  folds_stale_ = true;
  try {
    if (store_->is_open()) (void)load_folds();  // what was rolled back must not stay in the folds that others read
  } catch (const DbError&) {
  }
  for (auto& command : commands) refuse(command, answer ? *answer : unavailable());
}

void StoreJournal::recover() {
  Status status;
  try {
    status = recover_once();
  } catch (const DbError& e) {
    if (is_damage(e))
      found_damaged(e.what());
    else
      trouble_.set(trouble_of(e));
    status = fail(ErrorCode::kStoreUnavailable, e.what());
  }
  if (status && !damaged_) {
    pause_ = kFirstPause;
    trouble_.clear();
    set_state(State::kReady, "");
    return;
  }
  chain_.rollback();
  pause_ = std::min<std::chrono::milliseconds>(2 * pause_, store_->longest_pause());
  std::lock_guard lock(mutex_);
  if (!status && status.error().message != info(status.error().code).sentence) problem_ = status.error().message;
}

Status StoreJournal::recover_once() {
  if (damaged_) return fail(ErrorCode::kCorrupt);
  const bool reopen = reopen_ || !store_->is_open();
  if (reopen) {
    reader_.forget();
    store_->open();
    chain_.forget();
    if (auto s = check_heads(); !s) return s;
  }
  if (auto s = check_history(); !s) return s;
  store_->probe();
  if (reopen) {
    if (auto s = store_->make_durable(); !s) return s;
  }
  if (folds_stale_ || reopen) {
    if (auto s = load_folds(); !s) return s;
  }
  if (reopen) {
    const auto heads = filled_heads(store_->scan());
    {
      std::lock_guard lock(mutex_);
      written_ = {heads.begin(), heads.end()};
      info_ = store_->info();
    }
    if (auto s = syncer_.reopen(store_->log_file(), heads); !s) return s;
    reopen_ = false;
  }
  return {};
}

// A database elsewhere says itself what is wrong with it.
Trouble StoreJournal::trouble_of(const DbError& e) const {
  if (postgres_.url.empty()) return diagnose(e, "the journal");
  return {"store_unavailable", "The journal's database takes no records, so nothing new is promised.",
          "The server tries again by itself; see the database's log and docs/storage.md.", true, e.what()};
}

void StoreJournal::found_damaged(std::string_view what) {
  if (damaged_.exchange(true)) return;
  trouble_.set(journal_damaged(what));
  set_state(State::kFailed, what);
}

void StoreJournal::set_state(State state, std::string_view why) {
  {
    std::lock_guard lock(mutex_);
    problem_ = why;
  }
  if (state_.exchange(state) == state) return;
  if (state == State::kReady)
    log_.info("The journal takes records again.");
  else
    log_.error("The journal takes no records.", {{"why", std::string(why)}});
  std::lock_guard lock(mutex_);  // the writer may be between looking at the state and going to sleep
  wake_.notify_all();
}

std::string StoreJournal::problem() const {
  std::lock_guard lock(mutex_);
  return problem_;
}

std::vector<Trouble> StoreJournal::troubles() const {
  auto all = trouble_.list();
  for (auto& note : mended_.list()) all.push_back(std::move(note));
  return all;
}

StoreInfo StoreJournal::store() const {
  std::lock_guard lock(mutex_);
  return info_;
}

Location StoreJournal::location() const { return {options_.home, postgres_.url, postgres_.password}; }

Seq StoreJournal::written_seq(const Id& tenant) const {
  std::lock_guard lock(mutex_);
  const auto it = written_.find(tenant);
  return it == written_.end() ? 0 : it->second;
}

std::vector<Id> StoreJournal::tenants() const {
  std::lock_guard lock(mutex_);
  std::vector<Id> out;
  for (const auto& [tenant, seq] : written_) out.push_back(tenant);
  return out;
}

Task<Status> StoreJournal::wait_durable(Id tenant, Seq seq) {
  co_return co_await await_callback<Status>(
      [&](std::function<void(Status)> done) { syncer_.when_durable(tenant, seq, std::move(done)); });
}

std::unique_ptr<StoredJournal> make_journal(Options options, PostgresOptions postgres, Clock& clock, Random& random,
                                            Log log) {
  return std::make_unique<StoreJournal>(std::move(options), std::move(postgres), clock, random, std::move(log));
}

std::unique_ptr<Journal> make_sqlite_journal(Options options, Clock& clock, Random& random, Log log) {
  return make_journal(std::move(options), {}, clock, random, std::move(log));
}

}  // namespace steward::journal
