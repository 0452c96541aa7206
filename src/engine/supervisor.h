// Loads models when they are asked for, watches their processes, restarts what crashed or hangs, and ends what is idle
// or in the way.
//
// acquire() answers at once where the model is ready; else it waits while a watcher coroutine (one a model, on the
// first io thread) makes room, starts the process and looks at its health until it is ready. Memory is planned by
// estimates, so that two loads don't race for the same room. A model that fails is tried again after a pause that
// grows; in between callers get its problem at once.
#pragma once
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <set>

#include "engine/host.h"
#include "engine/process_options.h"
#include "net/http_client.h"

namespace steward::engine {

class Supervisor : public std::enable_shared_from_this<Supervisor> {
 public:
  Supervisor(Options options, ProcessOptions process, net::IoThreads& threads, net::HttpClients& clients, Log log);

  Status start();
  void stop();
  std::vector<LocalModel> models() const;
  std::optional<LocalModel> find(std::string_view name) const;
  int64_t window_tokens(std::string_view name) const;
  std::string title(std::string_view name) const;        // general.name of its file
  int64_t calls_under_way(std::string_view name) const;  // leases
  void rescan();
  Task<Result<std::shared_ptr<Lease>>> acquire(std::string model, Deadline deadline, CancelToken cancel);
  void report_failure(const Lease& lease);
  void release(Host& host);  // by a lease's end

 private:
  using HostPtr = std::shared_ptr<Host>;
  // Ready: a lease. Not yet: null. Never, or not now: an error.
  Result<std::shared_ptr<Lease>> try_acquire(const std::string& model);
  Task<void> watch(HostPtr host);
  Task<Status> make_room(HostPtr host, Deadline deadline);
  Status start_child(const HostPtr& host);
  Task<Status> wait_healthy(HostPtr host, Deadline deadline);
  Task<bool> serve(HostPtr host, std::shared_ptr<Child> child);  // until it ends; true: it crashed or hung
  Task<bool> probe(HostPtr host, std::string path, std::chrono::milliseconds longest);
  void failed(const HostPtr& host, Error error);
  // Ends the host's process, if it is still this one. Its memory comes back in the background.
  void end_child(const HostPtr& host, const std::shared_ptr<Child>& child, ModelState state);
  void end_child_locked(const HostPtr& host, std::shared_ptr<Child> child, ModelState state);
  void reap(std::shared_ptr<Child> child);
  std::vector<std::string> arguments_of(const Host& host) const;
  std::shared_ptr<Child> child_of(const Host& host) const;
  uint64_t planned_bytes() const;  // by all that is loaded or loading; locked
  HostPtr evictable() const;       // locked; null if none

  Options options_;
  ProcessOptions process_;
  net::IoThreads& threads_;
  net::HttpClients& clients_;
  Log log_;
  uint64_t memory_bytes_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, HostPtr, std::less<>> hosts_;
  std::list<std::future<void>> reapers_;
  int watchers_ = 0;
  bool stopping_ = false;
};

}  // namespace steward::engine
