// The whole server: owns every part, wires them in order, and takes them apart in the other. `steward serve` runs one;
// the command line runs one without TCP where no server is there (and so does the same as a server would).
//
// listen() → /healthz answers. open() → the journal is read, the engine looks at its models, /readyz turns 200. stop()
// → drains, then cuts. All three from one thread; everything else of the server runs on its io threads.
#pragma once
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "server/batches/batch_view.h"
#include "server/changes_view.h"
#include "server/core.h"
#include "server/endpoint.h"

namespace steward::server {

struct AppOptions {
  std::filesystem::path home;
  std::filesystem::path config_file;  // empty: home/steward.toml, which need not be there
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> flags;  // key → text
  bool tcp = true;
  bool announce = true;          // write home/server.json
  std::filesystem::path socket;  // overrides the place of the home's socket
};

// The configuration from file, environment and flags (and settings, if given). A file that was named must be there.
Result<Config> load_app_config(const AppOptions& options, const std::map<std::string, Json>& settings = {});

class App {
 public:
  App(AppOptions options, Clock& clock, Random& random);
  ~App();

  Status listen();
  Status open();
  Result<ReloadReport> reload();  // any thread
  // From here on new calls are refused; requests under way go on.
  void begin_stop();
  size_t requests_under_way() const;
  // Cuts what has not ended by the deadline. Answers how many were cut.
  size_t stop(Deadline deadline);

  Core& core() { return core_; }
  const std::filesystem::path& socket() const { return socket_; }
  std::string address() const;  // "http://localhost:7070"; empty without TCP
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  const net::Router& router() const { return router_; }

 private:
  void starting(std::string part);
  Status open_store();
  Status open_identity();
  Status open_models();
  void flush_traces();
  void housekeep();  // on its own thread: what has to be done each few seconds
  Status announce();

  AppOptions options_;
  BatchView batches_;  // these two outlive the views that fold into them
  ChangesView changes_;
  Core core_;
  std::filesystem::path socket_;
  std::vector<Endpoint> endpoints_;
  net::Router router_;
  std::unique_ptr<net::Server> server_;
  std::mutex reload_mutex_;
  std::string share_key_;  // of Talk's share links

  std::mutex housekeeper_mutex_;
  std::condition_variable housekeeper_wakes_;
  bool housekeeper_ends_ = false;
  std::thread housekeeper_;
  bool stopped_ = false;
};

std::string host_time_zone();  // the machine's IANA name, or "UTC"

}  // namespace steward::server
