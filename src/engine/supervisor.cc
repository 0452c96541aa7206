#include "engine/supervisor.h"

#include <boost/asio/steady_timer.hpp>

#include "base/file.h"
#include "base/text.h"

namespace steward::engine {
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kLook{20};   // how often waiting callers and loads look again
constexpr milliseconds kTick{100};  // how often a ready model is looked at
constexpr seconds kProbeEach{5};
constexpr milliseconds kWorks{500};  // of processor time between two looks: it computes
constexpr int kLongestBatches = 10;  // hang timeouts without an answer of a process that computes: it turns in a circle
constexpr seconds kFirstPause{1}, kLongestPause{60};
constexpr size_t kMaxSocketPath = 107;
constexpr const char* kShippedPenalty = "1.1";  // so small a model repeats itself to the end without (docs/models.md)

Task<void> sleep_for(milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

class HeldLease final : public Lease {
 public:
  HeldLease(std::shared_ptr<Supervisor> supervisor, std::shared_ptr<Host> host)
      : supervisor_(std::move(supervisor)),
        host_(std::move(host)),
        model_(host_->entry.model),
        socket_(host_->socket),
        generation_(host_->generation) {}
  ~HeldLease() override { supervisor_->release(*host_); }
  const LocalModel& model() const override { return model_; }
  const fs::path& socket() const override { return socket_; }
  uint64_t generation() const override { return generation_; }

 private:
  std::shared_ptr<Supervisor> supervisor_;
  std::shared_ptr<Host> host_;
  LocalModel model_;
  fs::path socket_;
  uint64_t generation_;
};

}  // namespace

Supervisor::Supervisor(Options options, ProcessOptions process, net::IoThreads& threads, net::HttpClients& clients,
                       Log log)
    : options_(std::move(options)), process_(process), threads_(threads), clients_(clients), log_(std::move(log)) {}

Status Supervisor::start() {
  if (auto made = make_private_dir(options_.sockets); !made) return made;
  memory_bytes_ = options_.memory_bytes > 0 ? options_.memory_bytes : available_memory() / 4 * 3;
  rescan();
  return {};
}

void Supervisor::rescan() {
  auto catalog = read_catalog(options_);
  const std::lock_guard lock(mutex_);
  for (auto& [name, host] : hosts_) {
    const auto found = catalog.find(name);
    const bool same = found != catalog.end() && found->second.model.path == host->entry.model.path &&
                      found->second.model.file_bytes == host->entry.model.file_bytes;
    if (same)
      catalog.erase(found);
    else
      host->gone = true;
  }
  std::erase_if(hosts_,
                [](const auto& item) { return item.second->gone; });  // a watcher that runs holds its own and ends it
  for (auto& [name, entry] : catalog) {
    auto host = std::make_shared<Host>();
    host->entry = std::move(entry);
    hosts_[name] = std::move(host);
  }
}

void Supervisor::stop() {
  std::vector<HostPtr> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [name, host] : hosts_) all.push_back(host);
  }
  for (const auto& host : all) end_child(host, child_of(*host), ModelState::kIdle);
  for (int i = 0; i < 500; ++i) {  // watchers see it within a tick; they must not outlive the io threads' clients
    {
      const std::lock_guard lock(mutex_);
      if (watchers_ == 0) break;
    }
    std::this_thread::sleep_for(milliseconds(10));
  }
  std::list<std::future<void>> reapers;
  {
    const std::lock_guard lock(mutex_);
    reapers.swap(reapers_);
  }  // and each is waited for
}

std::shared_ptr<Child> Supervisor::child_of(const Host& host) const {
  const std::lock_guard lock(mutex_);
  return host.child;
}

std::vector<LocalModel> Supervisor::models() const {
  const std::lock_guard lock(mutex_);
  std::vector<LocalModel> out;
  for (const auto& [name, host] : hosts_) out.push_back(host->entry.model);
  return out;
}

std::optional<LocalModel> Supervisor::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? std::nullopt : std::optional(found->second->entry.model);
}

int64_t Supervisor::window_tokens(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? 0 : found->second->entry.window_tokens;
}

int64_t Supervisor::calls_under_way(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? 0 : found->second->leases;
}

std::string Supervisor::title(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(name);
  return found == hosts_.end() ? "" : found->second->entry.info.name;
}

Task<Result<std::shared_ptr<Lease>>> Supervisor::acquire(std::string model, Deadline deadline, CancelToken cancel) {
  while (true) {
    auto lease = try_acquire(model);
    if (!lease || *lease) co_return lease;
    if (cancel.cancelled()) co_return fail(ErrorCode::kCancelled);
    if (deadline.passed())
      co_return fail(ErrorCode::kUpstreamTimeout, fmt::format("The model '{}' was not ready in time.", model));
    co_await sleep_for(kLook);
  }
}

Result<std::shared_ptr<Lease>> Supervisor::try_acquire(const std::string& model) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(ErrorCode::kShuttingDown);
  const auto found = hosts_.find(model);
  if (found == hosts_.end())
    return fail(ErrorCode::kModelNotFound, fmt::format("There is no local model '{}'.", model));
  const HostPtr host = found->second;
  auto& state = host->entry.model.state;
  if (state == ModelState::kReady && !host->suspect && !host->child->ended()) {
    ++host->leases;
    host->last_used = steady_clock::now();
    return std::make_shared<HeldLease>(shared_from_this(), host);
  }
  if (state == ModelState::kFailed && (host->entry.memory_bytes == 0 || steady_clock::now() < host->retry_at)) {
    return host->entry.memory_bytes == 0 ? fail(ErrorCode::kModelUnavailable, host->entry.model.problem)
                                         : std::unexpected(host->failure);
  }
  if (state == ModelState::kIdle || state == ModelState::kFailed) {
    state = ModelState::kLoading;
    ++watchers_;
    // Posted: spawned from the same thread it would run at once, under the lock. stop() waits for it.
    asio::post(threads_.context(0), [self = shared_from_this(), host] {
      asio::co_spawn(self->threads_.context(0), self->watch(host), asio::detached);
    });
  }
  return std::shared_ptr<Lease>();
}

void Supervisor::release(Host& host) {
  const std::lock_guard lock(mutex_);
  --host.leases;
  host.last_used = steady_clock::now();
}

void Supervisor::report_failure(const Lease& lease) {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(lease.model().name);
  if (found == hosts_.end() || found->second->generation != lease.generation())
    return;  // another process serves by now
  if (found->second->entry.model.state == ModelState::kReady) found->second->suspect = true;
}

Task<void> Supervisor::watch(HostPtr host) {
  const auto self = shared_from_this();
  const Deadline deadline = Deadline::in(options_.load_timeout);
  Status loaded = co_await make_room(host, deadline);
  if (loaded) loaded = start_child(host);
  if (loaded) loaded = co_await wait_healthy(host, deadline);
  const auto child = child_of(*host);
  if (!loaded) {
    failed(host, loaded.error());
  } else {
    const bool crashed = co_await serve(host, child);
    if (crashed)
      log_.warn("a model's process ended by itself", {{"model", host->entry.model.name}, {"reason", child->why()}});
    end_child(host, child, ModelState::kIdle);  // the next call starts it anew
  }
  const std::lock_guard lock(mutex_);
  --watchers_;
}

uint64_t Supervisor::planned_bytes() const {
  uint64_t sum = 0;
  for (const auto& [name, host] : hosts_) {
    if (host->child) sum += std::max(host->entry.memory_bytes, host->entry.model.resident_bytes);
  }
  return sum;
}

Supervisor::HostPtr Supervisor::evictable() const {
  HostPtr oldest;
  for (const auto& [name, host] : hosts_) {
    if (host->entry.model.state != ModelState::kReady || host->leases > 0) continue;
    if (!oldest || host->last_used < oldest->last_used) oldest = host;
  }
  return oldest;
}

Task<Status> Supervisor::make_room(HostPtr host, Deadline deadline) {
  const uint64_t need = host->entry.memory_bytes;
  if (need > memory_bytes_) {
    co_return fail(
        ErrorCode::kModelUnavailable,
        fmt::format("The model '{}' needs about {} of memory, and local models may take {} (engine.memory_mb).",
                    host->entry.model.name, human_bytes(need), human_bytes(memory_bytes_)));
  }
  while (true) {
    HostPtr victim;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) co_return fail(ErrorCode::kShuttingDown);
      if (planned_bytes() + need <= memory_bytes_) co_return Status{};
      victim = evictable();
      // Ended under the lock that found it unused: a lease given in between would lose its process.
      if (victim) end_child_locked(victim, victim->child, ModelState::kIdle);
    }
    if (victim) {
      log_.info("a model makes room for another",
                {{"model", victim->entry.model.name}, {"for", host->entry.model.name}});
    } else if (deadline.passed()) {
      co_return fail(ErrorCode::kModelUnavailable,
                     fmt::format("The model '{}' finds no room in memory: the others that are loaded are in use.",
                                 host->entry.model.name));
    } else {
      co_await sleep_for(kLook);
    }
  }
}

std::vector<std::string> Supervisor::arguments_of(const Host& host) const {
  const LocalModel& model = host.entry.model;
  const ModelOptions own = options_.of(model.name);
  const int asked = own.threads > 0 ? own.threads : options_.threads;
  const int threads = asked > 0 ? asked : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::string> out = {"--model",        fs::absolute(model.path).string(),
                                  "--host",         host.socket.string(),
                                  "--alias",        model.name,
                                  "--offline",      "--no-ui",
                                  "--no-slots",     "--metrics",
                                  "--threads",      std::to_string(threads),
                                  "--parallel",     std::to_string(model.slots),
                                  "--ctx-size",     std::to_string(model.context_tokens * model.slots),
                                  "--cache-ram",    "0",
                                  "--verbosity",    "1",
                                  "--threads-http", std::to_string(2 * model.slots + 4)};
  if (model.kind == ModelKind::kEmbedding) {
    const std::string batch = std::to_string(host.entry.window_tokens);
    for (const std::string& word :
         {std::string("--embeddings"), std::string("--batch-size"), batch, std::string("--ubatch-size"), batch})
      out.push_back(word);
  }
  if (model.shipped && model.kind == ModelKind::kChat) out.insert(out.end(), {"--repeat-penalty", kShippedPenalty});
  out.insert(out.end(), own.arguments.begin(), own.arguments.end());  // the last of the same name holds
  return out;
}

Status Supervisor::start_child(const HostPtr& host) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(ErrorCode::kShuttingDown);
  ++host->generation;
  host->socket = options_.sockets / fmt::format("{:08x}-{}.sock",
                                                static_cast<uint32_t>(std::hash<std::string>()(host->entry.model.name)),
                                                host->generation);
  if (host->socket.string().size() > kMaxSocketPath) {
    return fail(ErrorCode::kModelUnavailable,
                fmt::format("The folder for sockets has too long a path: {}.", options_.sockets.string()));
  }
  std::error_code error;
  fs::remove(host->socket, error);
  auto child = Child::start(options_.program, arguments_of(*host), process_);
  if (!child) return fail(child.error());
  host->child = std::move(*child);
  return {};
}

Task<bool> Supervisor::probe(HostPtr host, std::string path, milliseconds longest) {
  net::ClientRequest request;
  request.url = "http://localhost" + path;
  request.unix_socket = host->socket;
  request.deadlines = {longest, longest, longest, longest};
  auto answer = co_await clients_.here().fetch(std::move(request));
  co_return answer.has_value() && answer->status == 200;
}

Task<Status> Supervisor::wait_healthy(HostPtr host, Deadline deadline) {
  const auto began = steady_clock::now();
  const auto child = child_of(*host);
  if (!child) co_return fail(ErrorCode::kShuttingDown);  // stop() was faster
  while (!child->ended()) {
    if (deadline.passed())
      co_return fail(ErrorCode::kModelUnavailable,
                     fmt::format("The model '{}' was not loaded within {} s (engine.load_timeout_s).",
                                 host->entry.model.name, options_.load_timeout.count()));
    if (co_await probe(host, "/health", seconds(2))) {
      const std::lock_guard lock(mutex_);
      if (stopping_) co_return fail(ErrorCode::kShuttingDown);
      auto& model = host->entry.model;
      model.state = ModelState::kReady;
      model.problem.clear();
      model.resident_bytes = child->resident_bytes();
      host->suspect = false;
      host->failures = 0;
      host->last_used = steady_clock::now();
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began).count();
      log_.info("a model is loaded", {{"model", model.name}, {"duration_us", took}});
      co_return Status{};
    }
    co_await sleep_for(kLook);
  }
  co_return fail(ErrorCode::kModelUnavailable,
                 fmt::format("The model '{}' can't be loaded: {}.", host->entry.model.name, child->why()));
}

Task<bool> Supervisor::serve(HostPtr host, std::shared_ptr<Child> child) {
  if (!child) co_return false;  // stop() was faster
  auto last_sign = steady_clock::now(), last_answer = last_sign, next_probe = last_sign + kProbeEach;
  auto used = child->processor_time();
  while (!child->ended()) {
    bool suspect = false;
    {
      const std::lock_guard lock(mutex_);
      const auto idle = steady_clock::now() - host->last_used;
      const bool unused = host->leases == 0 && (idle > options_.idle_unload || host->gone);
      if (unused) end_child_locked(host, child, ModelState::kIdle);  // before a lease can be given
      if (stopping_ || unused || host->child != child) co_return false;
      suspect = host->suspect;
      host->entry.model.resident_bytes = child->resident_bytes();
    }
    if (suspect || steady_clock::now() >= next_probe) {
      // /metrics is answered by the loop that infers, so an answer means that it turns. A large model on a slow machine
      // may take minutes for one batch of a long prompt: the processor time it uses is a sign of life too, for a while.
      const bool alive = co_await probe(
          host, "/metrics", suspect ? milliseconds(2000) : std::chrono::duration_cast<milliseconds>(kProbeEach));
      next_probe = steady_clock::now() + kProbeEach;
      const auto used_now = child->processor_time();
      if (alive) last_answer = steady_clock::now();
      if (alive || used_now - used >= kWorks) last_sign = steady_clock::now();
      used = used_now;
      const std::lock_guard lock(mutex_);
      if (alive) host->suspect = false;
    }
    const auto now = steady_clock::now();
    if (now - last_sign > options_.hang_timeout || now - last_answer > kLongestBatches * options_.hang_timeout) {
      log_.error("a model's process hangs and is ended", {{"model", host->entry.model.name}});
      child->kill();
    }
    co_await sleep_for(suspect ? kLook : kTick);
  }
  const std::lock_guard lock(mutex_);
  co_return !stopping_ && host->child == child;
}

void Supervisor::failed(const HostPtr& host, Error error) {
  log_.warn("a model can't be loaded",
            {{"model", host->entry.model.name}, {"code", info(error.code).name}, {"reason", error.message}});
  const std::lock_guard lock(mutex_);
  const auto pause = std::min<seconds>(kFirstPause * (1 << std::min(host->failures, 6)), kLongestPause);
  ++host->failures;
  host->retry_at = steady_clock::now() + pause;
  host->entry.model.problem = error.message;
  host->failure = std::move(error);
  end_child_locked(host, host->child, ModelState::kFailed);  // last: from here on callers are refused until retry_at
}

void Supervisor::end_child(const HostPtr& host, const std::shared_ptr<Child>& child, ModelState state) {
  const std::lock_guard lock(mutex_);
  end_child_locked(host, child, state);
}

void Supervisor::end_child_locked(const HostPtr& host, std::shared_ptr<Child> child, ModelState state) {
  if (host->child != child) return;  // somebody else ended it, and maybe began another
  host->child.reset();
  host->suspect = false;
  host->entry.model.state = state;
  host->entry.model.resident_bytes = 0;
  std::error_code error;
  fs::remove(host->socket, error);
  if (child) reap(std::move(child));
}

// Giving back gigabytes takes the system its time, which no io thread should wait for.
void Supervisor::reap(std::shared_ptr<Child> child) {
  child->kill();
  std::erase_if(reapers_, [](const auto& reaper) { return reaper.wait_for(seconds(0)) == std::future_status::ready; });
  reapers_.push_back(std::async(std::launch::async, [child = std::move(child)]() mutable { child.reset(); }));
}

}  // namespace steward::engine
