// What an operator watches of the process itself, apart from what it serves: its certificate, its log file, its file
// descriptors, and whether its threads turn. Set by App; read from any thread once the server listens.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log_file.h"
#include "base/process_limits.h"
#include "gateway/gateway.h"
#include "net/certificates.h"

namespace steward::server {

// Whether each io thread still takes its turn: a round asks all of them, and the next one tells whether all answered.
class Heartbeat {
 public:
  explicit Heartbeat(net::IoThreads& threads)
      : threads_(threads), answered_(std::make_shared<std::atomic<size_t>>(0)) {}
  // True if every thread answered since the last call (and at the first one). One thread calls.
  bool beats();

 private:
  net::IoThreads& threads_;
  std::shared_ptr<std::atomic<size_t>> answered_;
  bool asked_ = false;
};

struct Operations {
  std::filesystem::path home;
  std::shared_ptr<net::Certificates> certificates;  // null without TLS
  std::shared_ptr<LogFile> log_file;                // null: standard error
  FileLimit file_limit;
  uint64_t connections_limit = 0;

  std::vector<gateway::Metric> metrics() const;
  Json status() const;    // {"tls": …, "files": …}
  void look() const;      // now and then: files that changed, a log that grew
  void look_now() const;  // somebody asked for it
};

}  // namespace steward::server
