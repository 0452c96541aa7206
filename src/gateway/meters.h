// Counters of the model API for /metrics. Thread-safe; labels are endpoint, model, outcome: all from closed or
// configured sets.
#pragma once
#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/gateway.h"

namespace steward::gateway {

class Meters {
 public:
  void ended(const std::string& endpoint, const std::string& model, std::string_view outcome,
             const ledger::Usage& usage, NanoUsd cost, DurationUs duration_us, DurationUs first_us);
  void disputed(const std::string& model);
  void refused(const std::string& endpoint, std::string_view code);
  void waited(DurationUs us);
  void opened() { open_.fetch_add(1); }  // a reservation
  void closed() { open_.fetch_sub(1); }
  std::vector<Metric> read() const;

  static constexpr std::array<double, 12> kSeconds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600};

 private:
  struct Histogram {
    std::array<uint64_t, kSeconds.size()> buckets{};
    uint64_t count = 0;
    double sum = 0;
    void add(DurationUs us);
    void read(const std::string& name, const std::string& help, const std::map<std::string, std::string>& labels,
              std::vector<Metric>& out) const;
  };
  using Labels = std::map<std::string, std::string>;
  std::atomic<int64_t> open_ = 0;
  mutable std::mutex mutex_;
  std::map<Labels, double> calls_, tokens_, cost_nano_, refusals_, disputed_;
  std::map<std::string, Histogram> duration_, first_token_;
  Histogram wait_;
};

}  // namespace steward::gateway
