// steward serve: the server in the foreground. SIGTERM and SIGINT drain and end it (a second one cuts), SIGHUP reloads.
#include <csignal>
#include <ctime>

#include "base/crash_point.h"
#include "base/service_manager.h"
#include "cli/commands.h"
#include "cli/welcome.h"
#include "server/app.h"
#include "server/metrics.h"

namespace steward::cli {
namespace {

struct ServeOptions {
  std::string config_file, host, port, journal;
  std::vector<std::string> set;
  bool insecure_plaintext = false;
  bool welcome = false;
  bool no_welcome = false;
};

constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::seconds kAfterDrain{30};  // to cut, settle and sync, told to the service manager

// The signals that the main thread takes one by one. Blocked before any thread is made, so that none of them is
// interrupted.
sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

int next_signal(const sigset_t& set, std::chrono::milliseconds longest) {
  const timespec wait = {longest.count() / 1000, (longest.count() % 1000) * 1'000'000};
  return ::sigtimedwait(&set, nullptr, &wait);  // -1: none came
}

Result<std::map<std::string, std::string>> flags_of(const ServeOptions& options) {
  std::map<std::string, std::string> flags;
  if (!options.host.empty()) flags["server.host"] = options.host;
  if (!options.port.empty()) flags["server.port"] = options.port;
  if (!options.journal.empty()) flags["journal.url"] = options.journal;
  if (options.insecure_plaintext) flags["server.insecure_plaintext"] = "true";
  for (const auto& pair : options.set) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::kConfig, fmt::format("--set takes KEY=VALUE, not '{}'.", pair));
    flags[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return flags;
}

std::string serving(const server::App& app) { return "Serving at " + app.address(); }

void reload(server::App& app, ServiceManager& manager, Clock& clock) {
  manager.reloading(clock.monotonic_us());
  if (auto report = app.reload(); !report) {
    app.core().log.error("the configuration was not reloaded: it has errors", {{"problems", report.error().message}});
    app.core().http_metrics->operations().look_now();  // for logrotate and certificates the signal comes without a new
                                                       // configuration
  }
  manager.ready(serving(app));
}

// What is done on the main thread at each tick: the log's size, and the service manager's sign of life, which it gets
// only while every io thread takes its turn.
class Ticker {
 public:
  Ticker(server::App& app, ServiceManager& manager, Clock& clock)
      : app_(app), manager_(manager), clock_(clock), heartbeat_(*app.core().threads) {}

  void tick() {
    const auto& log_file = app_.core().http_metrics->operations().log_file;
    if (log_file) (void)log_file->look();
    const TimeUs now = clock_.monotonic_us();
    if (manager_.watchdog_interval().count() == 0 || now < next_) return;
    if (!heartbeat_.beats()) return;
    manager_.alive();
    next_ = now + manager_.watchdog_interval().count() / 2;  // often enough to miss one
  }

 private:
  server::App& app_;
  ServiceManager& manager_;
  Clock& clock_;
  server::Heartbeat heartbeat_;
  TimeUs next_ = 0;
};

// To who started it, also where the log is a file.
int not_started(server::App& app, const Error& error, const Context& context) {
  if (const auto& log_file = app.core().http_metrics->operations().log_file) {
    app.core().log.error("not started", {{"reason", error.message}});
    log_file->give_back_standard_error();
  }
  return context.failed(error);
}

// Lets calls finish until the drain timeout; a second signal cuts them. Answers the exit code. The service manager's
// watchdog goes on looking meanwhile, so the ticks go on.
int drain(server::App& app, const sigset_t& set, ServiceManager& manager, Ticker& ticker, const Context& context) {
  const auto timeout = std::chrono::milliseconds(app.core().config.get()->integer("server.drain_timeout_ms"));
  const Deadline deadline = Deadline::in(timeout);
  manager.stopping(timeout + kAfterDrain);
  app.core().log.info("stopping", {{"requests_under_way", app.requests_under_way()}});
  app.begin_stop();
  if (context.err_is_terminal && app.requests_under_way() > 0) {
    std::fprintf(context.err, "Letting %zu calls finish; Ctrl-C again cuts them.\n", app.requests_under_way());
  }
  bool cut = false;
  while (!cut && !deadline.passed() && app.requests_under_way() > 0) {
    const int signal = next_signal(set, kTick);
    ticker.tick();
    cut = signal == SIGINT || signal == SIGTERM;
  }
  const size_t were_cut = app.stop(Deadline::in(std::chrono::seconds(0)));
  app.core().log.info("stopped", {{"cut", were_cut}});
  return kDone;
}

int serve(const ServeOptions& options, const Context& context) {
  if (const auto problem = crash_setting_problem(); !problem.empty())
    return context.failed(Error(ErrorCode::kConfig, std::string(problem)));
  auto flags = flags_of(options);
  if (!flags) return context.failed(flags.error());
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a failed write, told as one
  const TimeUs began = context.clock.monotonic_us();

  server::AppOptions app_options;
  app_options.home = context.home;
  app_options.config_file = options.config_file;
  app_options.environment = context.environment;
  app_options.flags = std::move(*flags);
  ServiceManager manager(context.environment);
  server::App app(std::move(app_options), context.clock, context.random);
  if (auto listening = app.listen(); !listening) return not_started(app, listening.error(), context);
  manager.status("Opening the journal");
  if (auto open = app.open(); !open) return not_started(app, open.error(), context);
  manager.ready(serving(app));
  app.core().log.info("ready", {{"address", app.address()},
                                {"home", context.home.string()},
                                {"version", STEWARD_VERSION},
                                {"duration_us", context.clock.monotonic_us() - began}});
  Warmer warmer(app.core());
  warmer.start();
  Ticker ticker(app, manager, context.clock);
  bool shown = options.no_welcome || !(options.welcome || context.out_is_terminal);
  while (true) {
    const int signal = next_signal(set, kTick);
    ticker.tick();
    if (signal == SIGHUP) reload(app, manager, context.clock);
    if (signal == SIGINT || signal == SIGTERM) break;
    if (!shown && warmer.ended()) {
      if (auto screen = show_welcome(app, context, context.clock.monotonic_us() - began); !screen)
        return context.failed(screen.error());
      shown = true;
    }
  }
  warmer.cancel();
  return drain(app, set, manager, ticker, context);
}

}  // namespace

int serve_home(const Context& context, const std::string& port) {
  ServeOptions options;
  options.port = port;
  options.welcome = true;
  return serve(options, context);
}

void add_serve(Command& program, const Context& context) {
  auto options = std::make_shared<ServeOptions>();
  Command serve_command = program.sub("serve", "Start the server and stay with it.");
  serve_command
      .describe(
          "Listens on http://localhost:7070 unless told otherwise, and on the home's Unix socket. Ctrl-C or SIGTERM "
          "lets calls\n"
          "under way finish, a second one cuts them; SIGHUP (or 'steward reload') reads the configuration again.\n"
          "The home is $STEWARD_HOME, by default ~/.local/share/steward; everything it keeps lies there.")
      .option("-c,--config", options->config_file, "The TOML file (default: steward.toml in the home)", "FILE")
      .option("-p,--port", options->port, "The port (server.port; 0 takes a free one)", "PORT")
      .option("-l,--listen", options->host, "The address (server.host)", "HOST")
      .option("--journal", options->journal,
              "The PostgreSQL database that holds the journal (journal.url); without it, the home does", "postgres://…")
      .flag("--insecure-plaintext", options->insecure_plaintext,
            "Allow listening beyond loopback without TLS (behind a proxy that has it)")
      .option("--set", options->set, "Set any key of the configuration: --set limits.queue_length=100", "KEY=VALUE")
      .flag("--welcome", options->welcome,
            "Print how to use it once ready, also where nobody looks (on a terminal it is printed anyway)")
      .flag("--no-welcome", options->no_welcome, "Don't print that")
      .examples(
          "steward serve                                   # on http://localhost:7070\n"
          "steward serve --port 8080 --set log.level=debug\n"
          "steward serve --listen 0.0.0.0 --insecure-plaintext   # a TLS proxy stands in front\n"
          "OPENAI_API_KEY=sk-… steward serve               # with OpenAI's models too")
      .run([options, &context] { return serve(*options, context); });
}

}  // namespace steward::cli
