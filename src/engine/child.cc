#include "engine/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/process_options.h"

namespace steward::engine {
namespace {

constexpr size_t kLastWordsBytes = 2000;
constexpr char kOomScore[] =
    "500";  // where memory runs out, the system ends inference, which is retried, not the server

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const char* program, const char* folder, char* const* argv, char* const* environment,
                         int output, pid_t parent, const ProcessOptions* options) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // we died before the line above
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGXFSZ}) ::signal(signal, SIG_DFL);
  const rlimit no_core{0, 0};  // a core dump would hold what people said
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0) {
    [[maybe_unused]] const ssize_t written = ::write(score, kOomScore, sizeof kOomScore - 1);
  }
  if (options->data_bytes > 0) {
    const rlimit data{options->data_bytes, options->data_bytes};
    ::setrlimit(RLIMIT_DATA, &data);
  }
  if (options->nice > 0) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + options->nice);
  const int nothing = ::open("/dev/null", O_RDWR);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::close_range(3, ~0U, 0);
  if (::chdir(folder) == 0) ::execve(program, argv, environment);
  ::_exit(126);
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const std::filesystem::path& program,
                                            const std::vector<std::string>& arguments, const ProcessOptions& options) {
  if (::access(program.c_str(), X_OK) != 0) {
    return fail(ErrorCode::kModelUnavailable,
                fmt::format("The engine {} is not there: 'steward doctor' says what to do.", program.string()));
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(ErrorCode::kEngineFailed, fmt::format("No pipe for the engine: {}.", std::strerror(errno)));
  const std::string name = program.string(), folder = program.parent_path().string();
  std::vector<char*> argv = {const_cast<char*>(name.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  char* environment[] = {nullptr};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(name.c_str(), folder.c_str(), argv.data(), environment, ends[1], parent, &options);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return fail(ErrorCode::kEngineFailed, fmt::format("The engine can't be started: {}.", std::strerror(errno)));
  }
  return std::unique_ptr<Child>(new Child(pid, ends[0]));
}

Child::Child(pid_t pid, int output) : pid_(pid), listener_([this, output] { listen(output); }) {}

Child::~Child() {
  kill();
  listener_.join();
  while (!ended()) ::usleep(1000);
}

void Child::listen(int output) {
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::read(output, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
    const std::lock_guard lock(mutex_);
    last_words_.append(buffer, static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (last_words_.size() > 2 * kLastWordsBytes) last_words_.erase(0, last_words_.size() - kLastWordsBytes);
  }
  ::close(output);
}

bool Child::ended() {
  const std::lock_guard lock(mutex_);
  if (status_) return true;
  int status = 0;
  const pid_t done = ::waitpid(pid_, &status, WNOHANG);
  if (done == pid_)
    status_ = status;
  else if (done < 0 && errno == ECHILD)
    status_ = 0;
  return status_.has_value();
}

void Child::kill() {
  const std::lock_guard lock(mutex_);
  if (!status_) ::kill(-pid_, SIGKILL), ::kill(pid_, SIGKILL);
}

std::string Child::why() const {
  const std::lock_guard lock(mutex_);
  if (!status_) return "it still runs";
  std::string how;
  if (WIFSIGNALED(*status_)) {
    const int signal = WTERMSIG(*status_);
    how =
        signal == SIGKILL ? "it was ended by the system (out of memory?)" : fmt::format("it died of signal {}", signal);
  } else {
    how = fmt::format("it ended with code {}", WEXITSTATUS(*status_));
  }
  std::string words =
      last_words_.size() > kLastWordsBytes ? last_words_.substr(last_words_.size() - kLastWordsBytes) : last_words_;
  for (const auto line : split(words, '\n')) {
    const std::string lower = to_lower_ascii(line);
    if (lower.find("error") != std::string::npos || lower.find("failed") != std::string::npos) {
      return how + ": " + replace_invalid_utf8(trim(line).substr(0, 300));
    }
  }
  return how;
}

uint64_t Child::resident_bytes() const {
  unsigned long long size = 0, resident = 0;
  if (FILE* file = std::fopen(fmt::format("/proc/{}/statm", pid_).c_str(), "re")) {
    if (std::fscanf(file, "%llu %llu", &size, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::chrono::milliseconds Child::processor_time() const {
  char text[1024] = {};
  if (FILE* file = std::fopen(fmt::format("/proc/{}/stat", pid_).c_str(), "re")) {
    [[maybe_unused]] const size_t n = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
  }
  unsigned long long user = 0, system = 0;
  const char* after_name = std::strrchr(text, ')');  // the name may hold spaces
  if (after_name == nullptr ||
      std::sscanf(after_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
    return {};
  return std::chrono::milliseconds((user + system) * 1000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK)));
}

}  // namespace steward::engine
