#include "library/sandbox/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "library/sandbox/bubblewrap.h"

namespace steward::library::sandbox {
namespace {

using Descriptor = asio::posix::stream_descriptor;
using ErrorOf = boost::system::error_code;

constexpr size_t kChunkBytes = 64 << 10;
constexpr int kSignalBase = 128;  // bubblewrap tells a child's signal as shells do

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == 0) read = ends[0], write = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : {read, write}) {
      if (end >= 0) ::close(end);
    }
  }
  bool made() const { return read >= 0; }
};

int taken(int& end) { return std::exchange(end, -1); }

// The process while it lives. Killed from whichever thread; its first reason is the one that counts.
class Running {
 public:
  Running(pid_t pid, int handle) : pid_(pid), handle_(handle) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void kill(Ended why) {
    const std::lock_guard lock(mutex_);
    if (gone_ || ended_ != Ended::kItself) return;
    ended_ = why;
    ::syscall(SYS_pidfd_send_signal, handle_, SIGKILL, nullptr, 0);
  }

  // Once its handle can be read, or when nobody can tell how it went.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    const std::lock_guard lock(mutex_);
    gone_ = true;
    return status;
  }

  Ended ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

 private:
  const pid_t pid_;
  const int handle_;  // owned by the descriptor that waits for it, which outlives every kill()
  std::mutex mutex_;
  Ended ended_ = Ended::kItself;
  bool gone_ = false;
};

class SpawnSettings {
 public:
  SpawnSettings(int input, int output) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);  // none of the terminal's signals
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  // The errno, or 0.
  int spawn(const std::vector<std::string>& command, pid_t& pid) const {
    std::vector<char*> arguments;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    char* environment[] = {nullptr};
    return ::posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments.data(), environment);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

Task<void> feed(Descriptor& to, const std::string& input) {
  // What is left unread is no error: a reader may know enough after the first bytes.
  co_await asio::async_write(to, asio::buffer(input), asio::as_tuple(asio::use_awaitable));
  ErrorOf ignored;
  to.close(ignored);
}

Task<void> drain(Descriptor& from, std::string& output, size_t max_bytes, std::shared_ptr<Running> running) {
  std::vector<char> chunk(kChunkBytes);
  while (true) {
    const auto [error, bytes] = co_await from.async_read_some(asio::buffer(chunk), asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    if (output.size() + bytes > max_bytes) co_return running->kill(Ended::kTooMuchOutput);
    output.append(chunk.data(), bytes);
  }
}

Outcome outcome_of(int status, Around around, Ended ended, std::string output) {
  Outcome out{.ended = ended, .output = std::move(output)};
  if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
  if (WIFEXITED(status)) out.code = WEXITSTATUS(status);
  if (around == Around::kBubblewrap && out.code > kSignalBase) out.signal = std::exchange(out.code, 0) - kSignalBase;
  return out;
}

Task<Outcome> attend(std::shared_ptr<Running> running, int handle, Pipe& in, Pipe& out, const Plan& plan,
                     std::string input, Deadline deadline, CancelToken cancel) {
  using asio::experimental::awaitable_operators::operator&&;
  const auto executor = co_await asio::this_coro::executor;
  Descriptor to(executor, taken(in.write)), from(executor, taken(out.read)), end(executor, handle);
  asio::steady_timer timer(executor);
  if (!deadline.never()) {
    timer.expires_at(deadline.time());
    timer.async_wait([running](ErrorOf error) {
      if (!error) running->kill(Ended::kDeadline);
    });
  }
  const size_t hook = cancel.on_cancel([running](CancelReason) { running->kill(Ended::kCancelled); });
  std::string output;
  co_await (feed(to, input) && drain(from, output, plan.max_output_bytes, running));
  co_await end.async_wait(Descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
  const int status = running->wait();
  cancel.forget(hook);
  timer.cancel();
  co_return outcome_of(status, plan.around, running->ended(), std::move(output));
}

std::unexpected<Error> not_started(const Plan& plan, int why) {
  return fail(ErrorCode::kIo, fmt::format("{} can't be started: {}. 'steward doctor' says what to do.",
                                          plan.program.filename().string(), std::strerror(why)));
}

std::vector<std::string> command_of(const Plan& plan) {
  if (plan.around == Around::kBubblewrap) return bubblewrapped(find_bubblewrap(), plan);
  std::vector<std::string> out = {plan.program.string()};
  out.insert(out.end(), plan.arguments.begin(), plan.arguments.end());
  return out;
}

}  // namespace

Task<Result<Outcome>> run(Plan plan, std::string input, Deadline deadline, CancelToken cancel) {
  if (::access(plan.program.c_str(), X_OK) != 0) co_return not_started(plan, errno);
  Pipe in, out;
  if (!in.made() || !out.made()) co_return not_started(plan, errno);
  const std::vector<std::string> command = command_of(plan);
  if (command.front().empty()) co_return not_started(plan, ENOENT);
  pid_t pid = -1;
  if (const int failed = SpawnSettings(in.read, out.write).spawn(command, pid); failed != 0)
    co_return not_started(plan, failed);
  ::close(taken(in.read));
  ::close(taken(out.write));
  const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) {
    const int why = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    co_return not_started(plan, why);
  }
  auto running = std::make_shared<Running>(pid, handle);
  co_return co_await attend(running, handle, in, out, plan, std::move(input), deadline, cancel);
}

}  // namespace steward::library::sandbox
