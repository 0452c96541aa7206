#include "server/metrics.h"

#include <unistd.h>

#include <cmath>

#include "base/file.h"
#include "server/events.h"
#include "server/host_watch.h"

namespace steward::server {
using gateway::Metric;

void HttpMetrics::count(const std::string& method, const std::string& route, int status, DurationUs duration_us) {
  const double seconds = static_cast<double>(duration_us) / kSecondUs;
  const std::lock_guard lock(mutex_);
  Route& of = routes_[{method, route}];
  ++of.by_status[status];
  ++of.buckets[static_cast<size_t>(std::ranges::lower_bound(kBucketsS, seconds) - kBucketsS.begin())];
  of.sum_s += seconds;
  ++of.count;
}

std::vector<Metric> HttpMetrics::read() const {
  const std::string help = "Time from a request's head to its answer's end.";
  std::vector<Metric> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, route] : routes_) {
    const std::map<std::string, std::string> labels = {{"method", name.first}, {"route", name.second}};
    for (const auto& [status, count] : route.by_status) {
      auto with_status = labels;
      with_status["status"] = std::to_string(status);
      out.push_back(
          {"steward_http_requests_total", "Requests answered.", "counter", with_status, static_cast<double>(count)});
    }
    int64_t sum = 0;
    for (size_t i = 0; i <= kBucketsS.size(); ++i) {
      sum += route.buckets[i];
      auto with_le = labels;
      with_le["le"] = i < kBucketsS.size() ? fmt::format("{}", kBucketsS[i]) : "+Inf";
      out.push_back({"steward_http_request_seconds_bucket", help, "histogram", with_le, static_cast<double>(sum)});
    }
    out.push_back({"steward_http_request_seconds_sum", help, "histogram", labels, route.sum_s});
    out.push_back({"steward_http_request_seconds_count", help, "histogram", labels, static_cast<double>(route.count)});
  }
  return out;
}

namespace {

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

// A histogram's three series share one family.
std::string family_of(const Metric& metric) {
  if (metric.type != "histogram") return metric.name;
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (metric.name.ends_with(suffix)) return metric.name.substr(0, metric.name.size() - suffix.size());
  }
  return metric.name;
}

std::string number(double value) {
  if (std::floor(value) == value && std::abs(value) < 9e15) return fmt::format("{}", static_cast<int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

HttpMetrics::HttpMetrics() = default;
HttpMetrics::~HttpMetrics() = default;

std::string prometheus_text(std::vector<Metric> metrics) {
  std::map<std::string, std::vector<const Metric*>> families;  // a family's series must stand together, in their order
  for (const auto& metric : metrics) families[family_of(metric)].push_back(&metric);
  std::string out;
  for (const auto& [family, members] : families) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family, escaped(members[0]->help), family, members[0]->type);
    for (const auto* metric : members) {
      std::string labels;
      for (const auto& [name, value] : metric->labels)
        labels += fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", name, escaped(value));
      out += metric->name + (labels.empty() ? "" : "{" + labels + "}") + " " + number(metric->value) + "\n";
    }
  }
  return out;
}

uint64_t resident_bytes() {
  unsigned long long size = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%llu %llu", &size, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::vector<Metric> all_metrics(const Core& core) {
  std::vector<Metric> out = core.http_metrics->read();
  out.push_back({"steward_build_info", "The version that runs.", "gauge", {{"version", STEWARD_VERSION}}, 1});
  out.push_back({"process_resident_memory_bytes",
                 "Resident memory of the server, without its engines.",
                 "gauge",
                 {},
                 static_cast<double>(resident_bytes())});
  out.push_back({"process_start_time_seconds",
                 "When it was started, since the epoch.",
                 "gauge",
                 {},
                 static_cast<double>(core.started_at) / kSecondUs});
  for (auto& metric : core.http_metrics->operations().metrics()) out.push_back(std::move(metric));
  const auto troubles = all_troubles(core);
  const bool serves = std::ranges::none_of(troubles, [](const Trouble& trouble) { return trouble.blocks; });
  out.push_back({"steward_ready", "Whether calls are served, as /readyz tells it.", "gauge", {}, serves ? 1.0 : 0.0});
  for (const Trouble& trouble : troubles)
    out.push_back({"steward_trouble",
                   "1 for each thing that is wrong now; blocks: nothing new is promised while it lasts.",
                   "gauge",
                   {{"code", trouble.code}, {"blocks", trouble.blocks ? "yes" : "no"}},
                   1});
  if (core.phase != Phase::kReady) return out;
  const Id& tenant = core.tenant;
  out.push_back({"steward_journal_written_seq",
                 "The last record that survives a kill.",
                 "counter",
                 {},
                 static_cast<double>(core.journal->written_seq(tenant))});
  out.push_back({"steward_journal_durable_seq",
                 "The last record that survives power loss.",
                 "counter",
                 {},
                 static_cast<double>(core.journal->durable_seq(tenant))});
  out.push_back({"steward_views_applied_seq",
                 "The last record that every view has folded.",
                 "counter",
                 {},
                 static_cast<double>(core.views->applied_seq(tenant))});
  out.push_back({"steward_event_streams",
                 "Streams of /v1/events that are open.",
                 "gauge",
                 {},
                 static_cast<double>(core.events->open_streams())});
  for (const auto& model : core.engine->models()) {
    const std::map<std::string, std::string> labels = {{"model", model.name}};
    out.push_back({"steward_engine_model_loaded", "Whether a local model is in memory.", "gauge", labels,
                   model.state == engine::ModelState::kReady ? 1.0 : 0.0});
    out.push_back({"steward_engine_model_resident_bytes", "Memory of a local model's process.", "gauge", labels,
                   static_cast<double>(model.resident_bytes)});
  }
  for (auto& metric : core.gateway->metrics()) out.push_back(std::move(metric));
  return out;
}

}  // namespace steward::server
