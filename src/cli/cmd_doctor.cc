// steward doctor: looks at the machine, the configuration, the models, the disk, the port and the engine, and says what
// to do.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstring>
#include <fstream>

#include "base/file.h"
#include "base/process_limits.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/memory.h"
#include "journal/audit.h"
#include "journal/home.h"
#include "journal/stored_journal.h"
#include "journal/upgrade.h"
#include "library/extract/extractor.h"
#include "library/sandbox/strength.h"
#include "net/certificates.h"
#include "server/options.h"
#include "server/paths.h"

namespace steward::cli {
namespace fs = std::filesystem;
namespace {

enum class Mark { kGood, kWarn, kBad };

struct Finding {
  Mark mark;
  std::string about, what, todo;
};

constexpr uint64_t kLittleDisk = 2'000'000'000;
constexpr uint64_t kLittleMemory = 1'000'000'000;
constexpr int64_t kCertificateDays = 14;
constexpr uint64_t kQuickToVerify = 200'000'000;
constexpr std::string_view kRestore =
    "Keep a copy of the home and restore the last backup into an empty one ('steward restore'). Check the disk.";

// Of a process that SIGSTOP holds, whose socket takes connections and never answers.
bool is_stopped(int64_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:\tT")) return true;
  }
  return false;
}

class Doctor {
 public:
  explicit Doctor(const Context& context) : context_(context) {
    options_.home = context.home;
    options_.environment = context.environment;
  }

  std::vector<Finding> look() {
    machine();
    attachments();
    home();
    configuration();
    if (config_) {
      journal();
      engine();
      network();
      providers();
    }
    return std::move(findings_);
  }

 private:
  void say(Mark mark, std::string about, std::string what, std::string todo = "") {
    findings_.push_back({mark, std::move(about), std::move(what), std::move(todo)});
  }

  void machine() {
    const uint64_t memory = available_memory_bytes();
    say(memory < kLittleMemory ? Mark::kWarn : Mark::kGood, "memory",
        fmt::format("{} available, {} cores", human_bytes(memory), std::thread::hardware_concurrency()),
        memory < kLittleMemory ? "Local models need memory: free some, or use a provider." : "");
  }

  // What reads attachments, tried and not believed: its processes attempt to get out.
  void attachments() {
    const auto program = library::Extractor::shipped_program();
    asio::io_context context;
    auto asked = asio::co_spawn(context, library::sandbox::measure(program, library::sandbox::Choice::kStrongest),
                                asio::use_future);
    context.run();
    const auto strength = asked.get();
    if (!strength) {
      return say(Mark::kWarn, "attachments", strength.error().message,
                 "Attachments can't be read until it runs: install Steward whole, with the packages it needs.");
    }
    const bool holds = strength->possible.empty();
    say(holds ? Mark::kGood : Mark::kBad, "attachments", "read by a confined process: " + describe(*strength),
        holds ? "" : fmt::format("It could: {}. Attach nothing from strangers.", join(strength->possible, ", ")));
  }

  void home() {
    std::error_code error;
    if (!fs::exists(context_.home, error))
      return say(Mark::kGood, "home", context_.home.string() + " is made at the first start");
    struct statvfs disk = {};
    if (::statvfs(context_.home.c_str(), &disk) == 0) {
      const uint64_t free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
      say(free < kLittleDisk ? Mark::kWarn : Mark::kGood, "disk",
          fmt::format("{} free for {}", human_bytes(free), context_.home.string()),
          free < kLittleDisk
              ? "The journal stops taking calls when the disk is full: make room, or move the home (STEWARD_HOME)."
              : "");
    }
    const auto permissions = fs::status(context_.home, error).permissions();
    if ((permissions & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none) {
      say(Mark::kWarn, "home", "others on this machine can read it",
          fmt::format("chmod 700 {}", shell_quoted(context_.home.string())));
    }
    if (::access(context_.home.c_str(), W_OK) != 0)
      return say(Mark::kBad, "home", fmt::format("it can't be written ({})", std::strerror(errno)),
                 "Give it to the user that runs Steward, or mount its disk writable.");
    upgrade();
    if (!server::find_running_server(context_.home)) journal_at_rest();
  }

  void upgrade() {
    const auto plan = journal::plan_upgrade(journal::HomePaths(context_.home));
    if (!plan) return say(Mark::kBad, "home", plan.error().message);
    if (!plan->problem.empty()) return say(Mark::kBad, "home", plan->problem);
    if (plan->needed)
      say(Mark::kWarn, "home",
          fmt::format("it is of an older release (format {} of {})", plan->stamp.format, journal::kHomeFormat),
          "The next start upgrades it after a backup; 'steward upgrade --check' says more.");
  }

  // Where a server runs it tells what it has met; where none does, the whole chain is looked at if that is quick.
  void journal_at_rest() {
    std::error_code error;
    const uint64_t bytes = fs::file_size(journal::HomePaths(context_.home).journal(), error);
    if (error) return;
    if (bytes > kQuickToVerify)
      return say(Mark::kGood, "journal", fmt::format("{}, not checked", human_bytes(bytes)),
                 "'steward journal verify' reads the whole of it.");
    auto report = journal::verify_journal(context_.home);
    if (!report) return say(Mark::kBad, "journal", report.error().message, std::string(kRestore));
    if (report->ok) return say(Mark::kGood, "journal", fmt::format("{} records, all as written", report->records));
    say(Mark::kBad, "journal", fmt::format("{}, record {}: {}", report->tenant, report->seq, report->problem),
        std::string(kRestore));
  }

  void configuration() {
    auto config = server::load_app_config(options_);
    if (!config) {
      return say(Mark::kBad, "configuration", config.error().message,
                 "Mend it; 'steward config docs' explains every key.");
    }
    const bool file = fs::exists(context_.home / "steward.toml");
    say(Mark::kGood, "configuration", file ? (context_.home / "steward.toml").string() : "defaults (no steward.toml)");
    config_ = std::move(*config);
  }

  void journal() {
    server::SecretStore secrets(journal::HomePaths(context_.home), config_->path("secrets.master_key_file"),
                                context_.random);
    const auto place = server::journal_location(*config_, context_.home, secrets);
    if (!place) return say(Mark::kBad, "journal", place.error().message, "Mend [journal] in the configuration.");
    if (place->url.empty()) return say(Mark::kGood, "journal", "SQLite in the home");
    const auto store = journal::look_at(*place);
    if (!store) return say(Mark::kBad, "journal", store.error().message, "Nothing can be served without it.");
    say(Mark::kGood, "journal",
        fmt::format("PostgreSQL {} at {}, {}", store->version, store->where,
                    store->holder.empty() ? "held by no server"
                                          : fmt::format("held by {} (epoch {})", store->holder, store->epoch)));
    for (const auto& warning : store->warnings)
      say(Mark::kWarn, "journal", warning, "docs/storage.md says what Steward needs of PostgreSQL.");
    if (journal::redacted(place->url) != place->url)
      say(Mark::kWarn, "journal", "its password stands in the address",
          "Move it to journal.password_secret, journal.password_file or ~/.pgpass.");
  }

  void engine() {
    if (!config_->boolean("engine.enabled")) return say(Mark::kGood, "engine", "turned off (engine.enabled)");
    const auto options = server::engine_options(*config_, context_.home, "");
    if (::access(options.program.c_str(), X_OK) != 0) {
      return say(Mark::kBad, "engine", options.program.string() + " is not there",
                 "Install Steward whole: its lib folder stands beside the bin folder ('make setup' lays it).");
    }
    say(Mark::kGood, "engine", options.program.string());
    models(options);
  }

  void models(const engine::Options& options) {
    size_t found = 0;
    for (const auto& folder : {options.shipped_models, options.models}) {
      std::error_code error;
      for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (entry.path().extension() != ".gguf") continue;
        ++found;
        const uint64_t bytes = fs::file_size(entry.path(), error);
        const uint64_t memory = available_memory_bytes();
        if (bytes > memory) {
          say(Mark::kWarn, "model",
              fmt::format("{} has {}, more than the {} that is free", entry.path().stem().string(), human_bytes(bytes),
                          human_bytes(memory)),
              "It can't be loaded now: close other programs, or take a smaller quantization.");
        }
      }
    }
    if (found == 0)
      return say(Mark::kWarn, "models", "no local model is here",
                 "'steward models recommend' says what fits this machine.");
    say(Mark::kGood, "models", fmt::format("{} on this machine ('steward models list')", found));
  }

  // What a server started from here would have; a running one tells its own.
  void files() {
    const FileLimit limit = file_limit();
    const auto connections = static_cast<uint64_t>(config_->integer("limits.max_connections"));
    const auto problem = file_limit_problem({limit.hard, limit.hard}, connections);
    if (problem.empty())
      say(Mark::kGood, "open files", fmt::format("{} allowed (the server raises its own limit to that)", limit.hard));
    else
      say(Mark::kWarn, "open files", fmt::format("{} allowed", limit.hard), problem);
  }

  void certificate() {
    const auto path = config_->path("server.tls_certificate");
    if (path.empty()) return;
    SystemClock clock;
    auto loaded = net::Certificates::load(path, config_->path("server.tls_key"), clock, Log());
    if (!loaded) return say(Mark::kBad, "certificate", loaded.error().message);
    const auto state = (*loaded)->state();
    tell_certificate(state.subject, state.expires_at, state.problem);
  }

  void tell_certificate(const std::string& subject, TimeUs expires_at, const std::string& problem) {
    if (!problem.empty())
      return say(Mark::kBad, "certificate", problem, "Put a good pair in its place; it is taken within seconds.");
    const int64_t days = (expires_at - context_.clock.now_us()) / (24 * 3600 * kSecondUs);
    const bool soon = days < kCertificateDays;
    say(soon ? Mark::kWarn : Mark::kGood, "certificate", fmt::format("{} expires in {} days", subject, days),
        soon ? "Renew it; the new files are taken without a restart." : "");
  }

  void running_process(const Json& process) {
    const Json files = process.value("files", Json::object());
    const std::string told = fmt::format("{} of {} in use by the server", files.value("open", uint64_t{0}),
                                         files.value("allowed", uint64_t{0}));
    const std::string problem = files.value("problem", "");
    say(problem.empty() ? Mark::kGood : Mark::kWarn, "open files", told, problem);
    if (!process.contains("tls")) return;
    const Json& tls = process["tls"];
    tell_certificate(tls.value("subject", ""), parse_rfc3339(tls.value("expires_at", "")).value_or(0),
                     tls.value("problem", ""));
  }

  void network() {
    if (auto listen = server::listen_options(*config_, "", true); !listen)
      return say(Mark::kBad, "network", listen.error().message);
    const auto port = static_cast<uint16_t>(config_->integer("server.port"));
    if (const auto running = server::find_running_server(context_.home)) {
      if (is_stopped(running->pid))
        return say(Mark::kBad, "server", fmt::format("process {} is stopped (SIGSTOP)", running->pid),
                   fmt::format("kill -CONT {}", running->pid));
      if (auto client = Client::connect(context_, Client::Need::kRunning)) return running_server(**client);
    }
    files();
    certificate();
    if (port == 0) return say(Mark::kGood, "port", "a free one is taken at the start");
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (free)
      say(Mark::kGood, "port", fmt::format("{} is free", port));
    else
      say(Mark::kBad, "port", fmt::format("{} is taken by another program", port),
          "Choose another: STEWARD_PORT=7071, or server.port in steward.toml.");
  }

  void running_server(Client& client) {
    auto status = client.get("/admin/v1/status");
    if (!status) return say(Mark::kBad, "server", status.error().message, "Look into its log.");
    const std::string state = (*status)["status"];
    say(state == "ready" ? Mark::kGood : Mark::kBad, "server",
        fmt::format("{} at {} (version {})", state, client.address(), (*status)["version"].get<std::string>()),
        state == "ready" ? "" : "What stands in its way is told next.");
    for (const Json& trouble : (*status)["troubles"]) {
      const std::string detail = trouble.value("detail", "");
      say(trouble["blocks"].get<bool>() ? Mark::kBad : Mark::kWarn, trouble["code"],
          trouble["message"].get<std::string>() + (detail.empty() ? "" : " (" + detail + ")"), trouble["advice"]);
    }
    if ((*status)["version"] != STEWARD_VERSION)
      say(Mark::kWarn, "server", "it is of another version than this command", "Restart it.");
    running_process(status->value("process", Json::object()));
    for (const auto& [name, model] : (*status)["parts"]["engine"]["models"].items()) {
      if (model.contains("problem"))
        say(Mark::kWarn, "model", name + ": " + model["problem"].get<std::string>(), "Remove it, or fetch it again.");
    }
  }

  void providers() {
    server::SecretStore secrets(journal::HomePaths(context_.home), config_->path("secrets.master_key_file"),
                                context_.random);
    auto gateway = server::gateway_options(*config_, context_.environment, secrets);
    if (!gateway) return say(Mark::kBad, "providers", gateway.error().message);
    for (const auto& provider : gateway->providers) {
      say(Mark::kGood, "provider",
          fmt::format("{} at {}, {}", provider.name, provider.base_url,
                      provider.key.empty() ? "without a key" : "with a key"));
    }
  }

  const Context& context_;
  server::AppOptions options_;
  std::optional<Config> config_;
  std::vector<Finding> findings_;
};

int doctor(bool json, const Context& context) {
  const auto findings = Doctor(context).look();
  const bool bad = std::ranges::any_of(findings, [](const auto& finding) { return finding.mark == Mark::kBad; });
  if (json) {
    static constexpr std::string_view kMarks[] = {"good", "warning", "bad"};
    Json out = Json::array();
    for (const auto& f : findings)
      out.push_back(
          {{"mark", kMarks[static_cast<size_t>(f.mark)]}, {"about", f.about}, {"what", f.what}, {"todo", f.todo}});
    context.line(out.dump(2));
    return bad ? kFailed : kDone;
  }
  for (const auto& finding : findings) {
    static constexpr std::string_view kMarks[] = {"ok  ", "note", "BAD "};
    context.line(fmt::format("{} {:<14} {}", kMarks[static_cast<size_t>(finding.mark)], finding.about, finding.what));
    if (!finding.todo.empty()) context.line(fmt::format("{:>20}{}", "", context.bold("→ " + finding.todo)));
  }
  context.line(bad ? "\nSomething has to be mended first." : "\nNothing stands in the way.");
  return bad ? kFailed : kDone;
}

}  // namespace

void add_doctor(Command& program, const Context& context) {
  auto json = std::make_shared<bool>(false);
  Command command =
      program.sub("doctor", "Check machine, configuration, models, disk, port and engine, and say what to do.");
  command.examples("steward doctor   # before asking for help: paste what it says");
  command.describe("Exit code 1 if something is bad. Changes nothing.")
      .flag("--json", *json, "Print JSON")
      .run([json, &context] { return doctor(*json, context); });
}

}  // namespace steward::cli
