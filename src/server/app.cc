#include "server/app.h"

#include <unistd.h>

#include <boost/asio/use_future.hpp>
#include <limits>

#include "base/file.h"
#include "gateway/conversations/responses_api.h"
#include "identity/people.h"
#include "journal/upgrade.h"
#include "memory/memory.h"
#include "memory/view.h"
#include "net/draining.h"
#include "server/admin.h"
#include "server/batches/runner.h"
#include "server/content_view.h"
#include "server/events.h"
#include "server/host_watch.h"
#include "server/idempotency.h"
#include "server/memory.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/operations.h"
#include "server/options.h"
#include "server/paths.h"
#include "server/price_options.h"
#include "server/process_options.h"
#include "server/responses.h"
#include "server/settings.h"
#include "server/sign_in.h"
#include "server/talk.h"
#include "server/web_app.h"
#include "server/worker.h"
#include "talk/talk.h"
#include "talk/view.h"

namespace steward::server {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::microseconds kWatch{kWatchEveryUs};
constexpr int64_t kHousekeepingRounds = 5;  // of watching
constexpr std::chrono::seconds kLastFlush{3};
constexpr int64_t kPurgeRounds = 60;  // of watching between looks for content that is past its time

size_t thread_count(const Config& config) {
  const auto asked = static_cast<size_t>(config.integer("server.threads"));
  return asked > 0 ? asked : std::max<size_t>(1, std::thread::hardware_concurrency());
}

// The command line's own server, which nobody watches, leaves standard error and the limits as they are.
Status open_log(Core& core, const AppOptions& options, const Config& config) {
  Operations& operations = core.http_metrics->operations();
  operations.home = core.home.root;
  operations.connections_limit = static_cast<uint64_t>(config.integer("limits.max_connections"));
  operations.file_limit = options.announce ? raise_file_limit() : file_limit();
  if (const auto path = config.path("log.file"); options.announce && !path.empty()) {
    auto file =
        LogFile::open({path, static_cast<uint64_t>(config.integer("log.max_bytes")), config.integer("log.keep")});
    if (!file) return fail(file.error());
    operations.log_file = std::move(*file);
  }
  core.log = Log::to_stderr(log_level(config), log_format(config));
  if (const auto problem = file_limit_problem(operations.file_limit, operations.connections_limit);
      options.announce && !problem.empty()) {
    core.log.warn("few file descriptors", {{"allowed", operations.file_limit.soft}, {"todo", problem}});
  }
  return {};
}

// Before anything is written to it, a home of an older release is copied.
Status upgrade_home(Core& core) {
  const auto keep = static_cast<size_t>(core.config.get()->integer("journal.upgrade_backups"));
  auto backup = journal::begin_upgrade(core.home, core.clock.now_us(), keep);
  if (!backup) return fail(backup.error());
  if (*backup) {
    core.log.warn("the home is upgraded; a backup of how it was stands",
                  {{"backup", (*backup)->path.string()}, {"bytes", (*backup)->bytes}, {"records", (*backup)->records}});
  }
  return {};
}

}  // namespace

Result<Config> load_app_config(const AppOptions& options, const std::map<std::string, Json>& settings) {
  ConfigSources sources;
  sources.environment = options.environment;
  sources.flags = options.flags;
  sources.settings = settings;
  const bool named = !options.config_file.empty();
  const fs::path file = named ? options.config_file : options.home / "steward.toml";
  std::error_code error;
  if (named || fs::exists(file, error)) {
    auto text = read_file(file, 1024 * 1024);
    if (!text)
      return fail(ErrorCode::kConfig, fmt::format("The configuration can't be read: {}", text.error().message));
    sources.toml = std::move(*text);
    sources.toml_name = file.filename().string();
  }
  return Config::load(sources);
}

std::string host_time_zone() {
  std::error_code error;
  const std::string target = fs::read_symlink("/etc/localtime", error).string();
  const size_t at = target.find("zoneinfo/");
  if (!error && at != std::string::npos) return target.substr(at + 9);
  if (auto text = read_file("/etc/timezone", 256); text && !text->empty()) return text->substr(0, text->find('\n'));
  return "UTC";
}

App::App(AppOptions options, Clock& clock, Random& random)
    : options_(std::move(options)), core_(clock, random, Log(), options_.home) {}

App::~App() {
  if (!stopped_) stop(Deadline::in(std::chrono::seconds(0)));
}

void App::starting(std::string part) {
  const std::lock_guard lock(core_.starting_mutex);
  core_.starting_part = std::move(part);
}

Status App::listen() {
  auto config = load_app_config(options_);
  if (!config) return fail(config.error());
  core_.config.put(std::make_shared<Config>(std::move(*config)));
  const auto now = core_.config.get();
  if (auto opened = open_log(core_, options_, *now); !opened) return opened;
  core_.traces = std::make_shared<gateway::Traces>(core_.random, core_.log);
  core_.http_metrics->watch = std::make_unique<HostWatch>(core_.clock, core_.log);
  if (auto made = journal::prepare_home(core_.home); !made) return made;
  // The journal takes the lock for good in open(); a second server must not get as far as the first one's socket.
  if (auto unused = journal::HomeLock::take(core_.home); !unused) return fail(unused.error());
  auto folder = private_socket_folder(core_.home.root, options_.environment);
  if (!folder) return fail(folder.error());
  socket_ = !options_.socket.empty()                   ? options_.socket
            : !now->path("server.unix_socket").empty() ? now->path("server.unix_socket")
                                                       : *folder / "steward.sock";
  auto listen = listen_options(*now, socket_, options_.tcp);
  if (!listen) return fail(listen.error());
  core_.listens_on_loopback = is_loopback_host(listen->host);
  core_.secrets = std::make_unique<SecretStore>(core_.home, now->path("secrets.master_key_file"), core_.random);
  core_.reload = [this] { return reload(); };

  endpoints_ = all_endpoints(core_);
  endpoints_.push_back(openapi_endpoint(core_, endpoints_));
  mount(core_, endpoints_, router_);
  mount_web(core_, router_);
  core_.threads = std::make_unique<net::IoThreads>(thread_count(*now));
  core_.clients = std::make_unique<net::HttpClients>(*core_.threads, core_.log);
  server_ =
      net::make_server(*core_.threads, router_, *listen, server_limits(*now), core_.clock, core_.random, core_.log);
  if (auto started = server_->start(); !started) return started;
  core_.tcp_port = options_.tcp ? server_->port() : 0;
  core_.http_metrics->operations().certificates = net::certificates_of(*server_);
  return options_.announce ? announce() : Status{};
}

Status App::open() {
  starting("journal");
  if (auto done = open_store(); !done) return done;
  starting("identity");
  if (auto done = open_identity(); !done) return done;
  starting("engine");
  if (auto done = open_models(); !done) return done;
  core_.events->attach(*core_.journal);
  core_.idempotency = std::make_unique<Idempotency>(*core_.journal, core_.clock);
  register_jobs(core_);
  register_batch_job(core_);
  make_talk(core_, share_key_);
  if (auto made = make_memory(core_); !made) return made;
  core_.jobs->start();
  open_responses(core_);
  open_talk(core_);
  if (auto stamped = journal::finish_upgrade(core_.home); !stamped) return stamped;
  core_.phase = Phase::kReady;
  housekeeper_ = std::thread([this] { housekeep(); });
  return {};
}

Status App::open_store() {
  const auto config = core_.config.get();
  if (auto ready = upgrade_home(core_); !ready) return ready;
  auto master = journal::load_master_key(core_.home, config->path("secrets.master_key_file"), core_.random);
  if (!master) return fail(master.error());
  const std::string people_key = journal::tenant_key(*master, "people", "");
  const std::string memory_key = journal::tenant_key(*master, "memory", "");
  share_key_ = journal::tenant_key(*master, "share", "");
  core_.blobs = std::make_unique<journal::BlobStore>(core_.home, std::move(*master));
  auto location = journal_location(*config, core_.home.root, *core_.secrets);
  if (!location) return fail(location.error());
  core_.journal = journal::make_journal(journal_options(*config, core_.home.root), {location->url, location->password},
                                        core_.clock, core_.random, core_.log);
  core_.identity = identity::make_identity(*core_.journal, core_.clock, core_.random, core_.log);
  core_.people = std::make_unique<identity::People>(*core_.journal, *core_.identity, core_.clock, core_.random,
                                                    people_key, core_.log);
  core_.sign_in = std::make_unique<SignIn>(core_);
  auto prices = default_prices(*config);
  if (!prices) return fail(prices.error());
  core_.ledger =
      ledger::make_ledger(*core_.journal, *core_.identity, std::move(*prices), core_.clock, core_.random, core_.log);
  core_.ledger->set_provider_kinds(provider_kinds(*config));
  core_.journal->add_fold(core_.identity->fold());
  core_.journal->add_fold(core_.people->fold());
  core_.journal->add_fold(core_.ledger->fold());
  core_.journal->add_fold(*core_.settings);
  core_.jobs = jobs::make_jobs(*core_.journal, core_.clock, core_.random, core_.log);
  core_.journal->add_fold(core_.jobs->fold());
  if (auto started = core_.journal->start(); !started) return started;
  core_.views = journal::make_views(core_.home.root, *core_.journal, core_.log);
  for (auto* view : core_.identity->views()) core_.views->add(*view);
  core_.views->add(core_.people->view());
  for (auto* view : core_.ledger->views()) core_.views->add(*view);
  core_.views->add(core_.settings->view());
  core_.views->add(*core_.content);
  core_.views->add(batches_);
  core_.views->add(changes_);
  core_.views->add(*core_.open_responses);
  core_.views->add(*core_.talk_view);
  if (auto made = configure_memory_view(core_, memory_key, load_app_config(options_, core_.settings->values())); !made)
    return made;
  core_.views->add(*core_.memory_view);
  for (auto* view : core_.jobs->views()) core_.views->add(*view);
  return core_.views->start();
}

Status App::open_identity() {
  // Settings stand in the journal, so they join the configuration only now.
  auto whole = load_app_config(options_, core_.settings->values());
  if (!whole) return fail(whole.error());
  core_.config.put(std::make_shared<Config>(std::move(*whole)));
  const auto config = core_.config.get();
  core_.log.set_level(log_level(*config));
  core_.sign_in->reload();
  const std::string zone = config->text("server.time_zone");
  auto tenant = core_.identity->bootstrap(config->text("server.organisation"), config->text("server.owner"),
                                          zone.empty() ? host_time_zone() : zone);
  if (!tenant) return fail(tenant.error());
  core_.tenant = *tenant;
  // Whatever is open now was left by a process that is gone, whatever the clock said then: no call has begun yet.
  auto recovered = core_.ledger->recover(std::numeric_limits<TimeUs>::max());
  if (!recovered) return fail(recovered.error());
  if (*recovered > 0) core_.log.warn("calls of an earlier run were charged at their bound", {{"calls", *recovered}});
  return {};
}

Status App::open_models() {
  const auto config = core_.config.get();
  auto options = engine_options(*config, core_.home.root, socket_.parent_path());
  if (!config->boolean("engine.enabled")) {
    options.shipped_models.clear();
    options.models.clear();
  }
  core_.engine = engine::make_engine(std::move(options), process_options(*config), *core_.threads, *core_.clients,
                                     core_.random, core_.log);
  if (auto started = core_.engine->start(); !started) return started;
  std::map<std::string, std::string> left_out;
  auto gateway = gateway_options(*config, options_.environment, *core_.secrets, &left_out);
  if (!gateway) return fail(gateway.error());
  for (const auto& [name, why] : left_out)
    core_.log.error("a provider is left out", {{"provider", name}, {"reason", why}});
  core_.providers.put({gateway->providers, std::move(left_out)});
  auto traces = trace_options(*config, options_.environment, *core_.secrets);
  if (!traces) return fail(traces.error());
  core_.traces->configure(std::move(*traces));
  gateway->traces = core_.traces;
  core_.gateway = gateway::make_gateway(std::move(*gateway), *core_.journal, *core_.identity, *core_.ledger,
                                        *core_.engine, *core_.clients, core_.clock, core_.random, core_.log);
  return {};
}

Status App::announce() {
  return write_running_server(core_.home.root, {::getpid(), socket_, address(), STEWARD_VERSION});
}

std::string App::address() const {
  if (!options_.tcp || !server_) return "";
  const auto config = core_.config.get();
  const std::string host = config->text("server.host");
  const bool any = host == "0.0.0.0" || host == "::" || host == "127.0.0.1" || host == "::1";
  const std::string name = any ? "localhost" : host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return fmt::format("{}://{}:{}", config->path("server.tls_certificate").empty() ? "http" : "https", name,
                     server_->port());
}

Result<ReloadReport> App::reload() {
  const std::lock_guard lock(reload_mutex_);
  auto fresh = load_app_config(options_, core_.settings->values());
  if (!fresh) return fail(fresh.error());
  std::map<std::string, std::string> left_out;
  auto gateway = gateway_options(*fresh, options_.environment, *core_.secrets, &left_out);
  if (!gateway) return fail(gateway.error());
  auto traces = trace_options(*fresh, options_.environment, *core_.secrets);
  if (!traces) return fail(traces.error());
  auto prices = default_prices(*fresh);
  if (!prices) return fail(prices.error());
  const auto before = core_.config.get();
  ReloadReport report;
  for (const auto& change : changes(*before, *fresh)) {
    (change.reload == Reload::kAtOnce ? report.applied : report.needs_restart).push_back(change.key);
  }
  core_.providers.put({gateway->providers, std::move(left_out)});
  core_.traces->configure(std::move(*traces));
  gateway->traces = core_.traces;
  core_.ledger->set_provider_kinds(provider_kinds(*fresh));  // before the gateway, which asks what models make
  core_.gateway->reload(std::move(*gateway));
  core_.ledger->set_default_prices(std::move(*prices));
  core_.log.set_level(log_level(*fresh));
  core_.config.put(std::make_shared<Config>(std::move(*fresh)));
  core_.sign_in->reload();
  core_.http_metrics->operations().look_now();
  core_.log.info("configuration reloaded", {{"applied", report.applied}, {"needs_restart", report.needs_restart}});
  return report;
}

void App::housekeep() {
  int64_t rounds = 0;
  core_.http_metrics->watch->look(HostWatch::From::kHousekeeper);  // from here on it would be seen to stand still
  std::unique_lock lock(housekeeper_mutex_);
  while (!housekeeper_wakes_.wait_for(lock, kWatch, [this] { return housekeeper_ends_; })) {
    lock.unlock();
    core_.http_metrics->watch->look(HostWatch::From::kHousekeeper);
    if (rounds++ % kHousekeepingRounds != 0) {
      lock.lock();
      continue;
    }
    asio::co_spawn(core_.threads->context(0), core_.ledger->expire(), asio::detached);
    core_.http_metrics->operations().look();
    flush_traces();
    if ((rounds - 1) % kPurgeRounds == 0) {
      asio::co_spawn(core_.threads->context(0), purge_due_content(core_), asio::detached);
      asio::co_spawn(core_.threads->context(0), tidy_talk(core_), asio::detached);
      asio::co_spawn(core_.threads->context(0), core_.people->end_expired(), asio::detached);
    }
    lock.lock();
  }
}

// Waits for what is under way at the stop, within the exporter's own deadline.
void App::flush_traces() {
  if (!core_.threads || !core_.clients || !core_.traces->on()) return;
  const auto flush = [](Core& core) -> Task<void> { co_await core.traces->flush(core.clients->here()); };
  auto done = asio::co_spawn(core_.threads->context(0), flush(core_), asio::use_future);
  if (core_.phase == Phase::kStopping) done.wait_for(kLastFlush);
}

void App::begin_stop() {
  Phase ready = Phase::kReady;
  core_.phase.compare_exchange_strong(ready, Phase::kStopping);
  if (server_) net::begin_drain(*server_);
  core_.events->close();
  if (core_.responses) core_.responses->begin_stop();
}

size_t App::requests_under_way() const { return server_ ? server_->requests_under_way() : 0; }

size_t App::stop(Deadline deadline) {
  stopped_ = true;
  begin_stop();
  {
    const std::lock_guard lock(housekeeper_mutex_);
    housekeeper_ends_ = true;
  }
  housekeeper_wakes_.notify_all();
  if (housekeeper_.joinable()) housekeeper_.join();
  const size_t cut = server_ ? server_->drain(deadline) : 0;
  if (core_.responses) core_.responses->stop();
  if (core_.talk) core_.talk->stop();
  if (core_.memory) core_.memory->stop();
  flush_traces();
  core_.worker->stop();
  if (core_.sign_in) core_.sign_in->stop();
  if (core_.jobs) core_.jobs->stop();
  if (core_.engine) core_.engine->stop();
  if (core_.views) core_.views->stop();
  if (core_.journal) core_.journal->stop();
  if (core_.threads) core_.threads->stop();
  if (options_.announce && server_) remove_running_server(core_.home.root);
  return cut;
}

}  // namespace steward::server
