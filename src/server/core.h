// What the handlers reach: the parts of a running server, wired by App. Everything here is set before the phase becomes
// kReady and stays until every request has ended; `config` alone changes (a reload puts another in its place). Any io
// thread may read.
#pragma once
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/random.h"
#include "engine/engine.h"
#include "gateway/gateway.h"
#include "gateway/traces.h"
#include "identity/identity.h"
#include "jobs/jobs.h"
#include "journal/blobs.h"
#include "journal/home.h"
#include "journal/stored_journal.h"
#include "journal/view.h"
#include "ledger/ledger.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "server/secrets.h"

namespace steward::gateway {
class OpenResponses;
class ResponsesApi;
}  // namespace steward::gateway
namespace steward::identity {
class People;
}
namespace steward::memory {
class Memory;
class MemoryView;
}  // namespace steward::memory
namespace steward::talk {
class Talk;
class TalkView;
}  // namespace steward::talk
namespace steward::server {

class SignIn;
class EventHub;
class HttpMetrics;
class Idempotency;
class Settings;
class Worker;
class ContentView;

enum class Phase { kStarting, kReady, kStopping };

// The configuration in force; a reload swaps the whole value.
class ConfigHolder {
 public:
  std::shared_ptr<const Config> get() const {
    const std::lock_guard lock(mutex_);
    return config_;
  }
  void put(std::shared_ptr<const Config> config) {
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Config> config_;
};

// The providers in force, and those that could not be made (name → why); a reload swaps the whole.
struct ProviderSet {
  std::vector<gateway::ProviderOptions> providers;
  std::map<std::string, std::string> left_out;
};
class ProviderHolder {
 public:
  std::shared_ptr<const ProviderSet> get() const {
    const std::lock_guard lock(mutex_);
    return set_;
  }
  void put(ProviderSet set) {
    const std::lock_guard lock(mutex_);
    set_ = std::make_shared<const ProviderSet>(std::move(set));
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ProviderSet> set_ = std::make_shared<const ProviderSet>();
};

struct ReloadReport {
  std::vector<std::string> applied;
  std::vector<std::string> needs_restart;
};

struct Core {
  Core(Clock& clock, Random& random, Log log, std::filesystem::path home_path);
  ~Core();

  Clock& clock;
  Random& random;
  Log log;
  journal::HomePaths home;
  ConfigHolder config;
  ProviderHolder providers;
  std::atomic<Phase> phase = Phase::kStarting;
  TimeUs started_at = 0;      // wall clock
  std::string starting_part;  // what start() is at, for /readyz; guarded by its mutex
  mutable std::mutex starting_mutex;
  bool listens_on_loopback = true;
  std::atomic<uint16_t> tcp_port = 0;  // once it listens; 0: over the socket alone
  Id tenant;                           // the home's organisation

  std::unique_ptr<SecretStore> secrets;
  std::unique_ptr<HttpMetrics> http_metrics;
  std::unique_ptr<EventHub> events;
  std::unique_ptr<Settings> settings;
  std::unique_ptr<Idempotency> idempotency;
  std::unique_ptr<Worker> worker;
  std::unique_ptr<ContentView> content;
  std::unique_ptr<talk::TalkView> talk_view;
  std::unique_ptr<memory::MemoryView> memory_view;
  std::unique_ptr<journal::BlobStore> blobs;
  std::shared_ptr<gateway::Traces> traces;

  // In the order in which they are made; they end in the other.
  std::unique_ptr<net::IoThreads> threads;
  std::unique_ptr<net::HttpClients> clients;
  std::unique_ptr<journal::StoredJournal> journal;
  std::unique_ptr<identity::Identity> identity;
  std::unique_ptr<identity::People> people;
  std::unique_ptr<SignIn> sign_in;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<journal::Views> views;
  std::unique_ptr<jobs::Jobs> jobs;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<gateway::Gateway> gateway;
  std::unique_ptr<gateway::OpenResponses> open_responses;
  std::unique_ptr<gateway::ResponsesApi> responses;
  std::unique_ptr<memory::Memory> memory;
  std::unique_ptr<talk::Talk> talk;

  // Reads the sources again and applies what can be applied at once. Set by App.
  std::function<Result<ReloadReport>()> reload;

  identity::Caller owner() const;  // who the home's socket speaks for
};

}  // namespace steward::server
