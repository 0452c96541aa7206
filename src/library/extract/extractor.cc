#include "library/extract/extractor.h"

#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <deque>

#include "base/file.h"
#include "library/extract/wire.h"
#include "library/sandbox/process.h"

namespace steward::library {
namespace {

constexpr size_t kBesideText = 1 << 20;      // of a child's answer: what it says about the text
constexpr size_t kMostTextBytes = 16 << 20;  // a child cuts at half of this; more comes from one that was taken over
constexpr const char* kPopplerData = "/usr/share/poppler";

enum class Waited { kGranted, kDeadline, kCancelled };

// One who waits for a child to end: settled once, by whichever comes first.
class Waiter {
 public:
  void arm(std::function<void(Waited)> done) {
    std::unique_lock lock(mutex_);
    if (!settled_) {
      done_ = std::move(done);
      return;
    }
    lock.unlock();
    done(*settled_);
  }
  bool settle(Waited how) {
    std::function<void(Waited)> done;
    {
      const std::lock_guard lock(mutex_);
      if (settled_) return false;
      settled_ = how;
      done = std::move(done_);
    }
    if (done) done(how);
    return true;
  }

 private:
  std::mutex mutex_;
  std::optional<Waited> settled_;
  std::function<void(Waited)> done_;
};

}  // namespace

struct Extractor::Shared {
  explicit Shared(Options o) : options(std::move(o)) {}
  const Options options;
  std::mutex mutex;
  size_t running = 0;
  std::deque<std::shared_ptr<Waiter>> waiting;
  std::optional<sandbox::Around> around;  // found out by the first who needs it

  void release() {
    while (true) {
      std::shared_ptr<Waiter> next;
      {
        const std::lock_guard lock(mutex);
        if (waiting.empty()) {
          --running;
          return;
        }
        next = std::move(waiting.front());
        waiting.pop_front();
      }
      if (next->settle(Waited::kGranted)) return;  // the place is theirs
    }
  }

  void forget(const std::shared_ptr<Waiter>& waiter) {
    const std::lock_guard lock(mutex);
    std::erase(waiting, waiter);
  }
};

namespace {

template <class Shared>
class Place {
 public:
  explicit Place(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { shared_->release(); }

 private:
  std::shared_ptr<Shared> shared_;
};

// kNone where a place was free at once or became free.
template <class Shared>
Task<Status> take_place(std::shared_ptr<Shared> shared, Deadline deadline, CancelToken cancel) {
  auto waiter = std::make_shared<Waiter>();
  {
    const std::lock_guard lock(shared->mutex);
    if (shared->running < shared->options.at_once) {
      ++shared->running;
      co_return Status();
    }
    if (shared->waiting.size() >= Extractor::kMaxWaiting)
      co_return fail(ErrorCode::kQueueFull, "Too many attachments wait to be read: try again in a moment.");
    shared->waiting.push_back(waiter);
  }
  asio::steady_timer timer(co_await asio::this_coro::executor);
  if (!deadline.never()) {
    timer.expires_at(deadline.time());
    timer.async_wait([waiter](boost::system::error_code error) {
      if (!error) waiter->settle(Waited::kDeadline);
    });
  }
  const size_t hook = cancel.on_cancel([waiter](CancelReason) { waiter->settle(Waited::kCancelled); });
  const Waited how = co_await await_callback<Waited>([&](std::function<void(Waited)> done) { waiter->arm(done); });
  cancel.forget(hook);
  if (how == Waited::kGranted) co_return Status();
  shared->forget(waiter);
  if (how == Waited::kCancelled) co_return fail(ErrorCode::kCancelled);
  co_return fail(ErrorCode::kRequestTimeout, "Other attachments are being read: try again in a moment.");
}

template <class Shared>
Task<sandbox::Around> around_of(std::shared_ptr<Shared> shared) {
  {
    const std::lock_guard lock(shared->mutex);
    if (shared->around) co_return *shared->around;
  }
  const auto found = co_await sandbox::choose(shared->options.program, shared->options.choice);
  const std::lock_guard lock(shared->mutex);
  shared->around = found;
  co_return found;
}

Error with_signal(Error error, int signal) {
  error.details["signal"] = signal;
  return error;
}

Result<Extraction> understood(const sandbox::Outcome& outcome, Deadline callers) {
  using sandbox::Ended;
  constexpr int kNotConfined = 3;  // the child's exit code (main.cc)
  if (outcome.ended == Ended::kCancelled) return fail(ErrorCode::kCancelled);
  if (outcome.ended == Ended::kDeadline && callers.passed()) return fail(ErrorCode::kRequestTimeout);
  if (outcome.ended == Ended::kDeadline || outcome.signal == SIGXCPU) return fail(wire::fault("timeout"));
  if (outcome.ended == Ended::kTooMuchOutput) return fail(wire::fault("crashed"));
  // Nobody here sent it: the system was out of memory.
  if (outcome.signal == SIGKILL) return fail(with_signal(wire::fault("memory"), SIGKILL));
  if (outcome.signal != 0) return fail(with_signal(wire::fault("crashed"), outcome.signal));
  if (outcome.code == kNotConfined) {
    return fail(ErrorCode::kIo,
                "The reader of attachments can't be confined on this machine, so nothing is read: 'steward doctor' "
                "says more.");
  }
  if (outcome.code != 0) return fail(wire::fault("crashed"));
  return wire::read_told(outcome.output);
}

sandbox::Plan plan_of(const Extractor::Options& options, sandbox::Around around) {
  sandbox::Plan plan{.program = options.program, .around = around, .readable = {kPopplerData}};
  plan.arguments = {"--cpu", std::to_string(options.longest.count())};
  if (around == sandbox::Around::kBubblewrap) plan.arguments.emplace_back("--fenced");
  plan.max_output_bytes = kMostTextBytes + kBesideText;
  return plan;
}

}  // namespace

std::filesystem::path Extractor::shipped_program() {
  return executable_dir().parent_path() / "lib" / "steward-extract";
}

Extractor::Extractor(Options options) : shared_(std::make_shared<Shared>(std::move(options))) {}
Extractor::~Extractor() = default;

Task<Result<Extraction>> Extractor::extract(std::string bytes, std::string name, Deadline deadline,
                                            CancelToken cancel) {
  const auto shared = shared_;  // outlives the extractor where a child still runs
  if (bytes.size() > shared->options.max_bytes)
    co_return fail(ErrorCode::kBodyTooLarge, "The attachment is larger than is taken here.");
  if (auto placed = co_await take_place(shared, deadline, cancel); !placed) co_return fail(placed.error());
  const Place place(shared);
  const auto around = co_await around_of(shared);
  std::string input = wire::asked(name, bytes);
  bytes = {};
  auto outcome = co_await sandbox::run(plan_of(shared->options, around), std::move(input),
                                       Deadline::in(shared->options.longest).sooner(deadline), cancel);
  if (!outcome) co_return fail(outcome.error());
  co_return understood(*outcome, deadline);
}

Result<Extraction> Extractor::extract_blocking(std::string bytes, std::string name, Deadline deadline) {
  asio::io_context context(1);
  auto read = asio::co_spawn(context, extract(std::move(bytes), std::move(name), deadline), asio::use_future);
  context.run();
  return read.get();
}

}  // namespace steward::library
