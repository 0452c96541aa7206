// What the HTTP side counts, and the Prometheus text of everything.
#pragma once
#include <array>
#include <map>
#include <mutex>
#include <string>

#include "base/trouble.h"
#include "server/core.h"
#include "server/operations.h"

namespace steward::server {

class HostWatch;

class HttpMetrics {
 public:
  HttpMetrics();
  ~HttpMetrics();
  std::unique_ptr<HostWatch> watch;  // of the machine beneath; App sets it before it listens
  void count(const std::string& method, const std::string& route, int status, DurationUs duration_us);
  std::vector<gateway::Metric> read() const;
  Operations& operations() { return operations_; }  // the process's own state, told beside what HTTP counts
  const Operations& operations() const { return operations_; }

 private:
  static constexpr std::array<double, 11> kBucketsS = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300};
  struct Route {
    std::map<int, int64_t> by_status;
    std::array<int64_t, kBucketsS.size() + 1> buckets = {};
    double sum_s = 0;
    int64_t count = 0;
  };
  Operations operations_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Route> routes_;  // as many as there are routes
};

// What is wrong with the server, what blocks first (docs/reliability.md).
std::vector<Trouble> all_troubles(const Core& core);
std::string prometheus_text(std::vector<gateway::Metric> metrics);
std::vector<gateway::Metric> all_metrics(const Core& core);
uint64_t resident_bytes();  // of this process

}  // namespace steward::server
