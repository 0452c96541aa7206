#include "gateway/meters.h"

namespace steward::gateway {

void Meters::Histogram::add(DurationUs us) {
  const double seconds = static_cast<double>(us) / 1e6;
  for (size_t i = 0; i < kSeconds.size(); ++i) buckets[i] += seconds <= kSeconds[i] ? 1 : 0;
  ++count;
  sum += seconds;
}

void Meters::Histogram::read(const std::string& name, const std::string& help, const Labels& labels,
                             std::vector<Metric>& out) const {
  for (size_t i = 0; i < kSeconds.size(); ++i) {
    Labels with = labels;
    with["le"] = fmt::format("{}", kSeconds[i]);
    out.push_back({name + "_bucket", help, "histogram", with, static_cast<double>(buckets[i])});
  }
  Labels all = labels;
  all["le"] = "+Inf";
  out.push_back({name + "_bucket", help, "histogram", all, static_cast<double>(count)});
  out.push_back({name + "_sum", help, "histogram", labels, sum});
  out.push_back({name + "_count", help, "histogram", labels, static_cast<double>(count)});
}

void Meters::ended(const std::string& endpoint, const std::string& model, std::string_view outcome,
                   const ledger::Usage& usage, NanoUsd cost, DurationUs duration_us, DurationUs first_us) {
  std::lock_guard lock(mutex_);
  calls_[{{"endpoint", endpoint}, {"model", model}, {"outcome", std::string(outcome)}}] += 1;
  tokens_[{{"model", model}, {"direction", "input"}}] += static_cast<double>(usage.prompt_tokens);
  tokens_[{{"model", model}, {"direction", "output"}}] += static_cast<double>(usage.completion_tokens);
  cost_nano_[{{"model", model}}] += static_cast<double>(cost);
  duration_[endpoint].add(duration_us);
  if (first_us > 0) first_token_[endpoint].add(first_us);
}

void Meters::disputed(const std::string& model) {
  std::lock_guard lock(mutex_);
  disputed_[{{"model", model}}] += 1;
}

void Meters::refused(const std::string& endpoint, std::string_view code) {
  std::lock_guard lock(mutex_);
  refusals_[{{"endpoint", endpoint}, {"code", std::string(code)}}] += 1;
}

void Meters::waited(DurationUs us) {
  std::lock_guard lock(mutex_);
  wait_.add(us);
}

std::vector<Metric> Meters::read() const {
  std::lock_guard lock(mutex_);
  std::vector<Metric> out;
  out.push_back({"steward_calls_open",
                 "Model calls that hold a reservation now.",
                 "gauge",
                 {},
                 static_cast<double>(open_.load())});
  for (const auto& [labels, value] : calls_)
    out.push_back({"steward_calls_total", "Model calls that ended, by outcome.", "counter", labels, value});
  for (const auto& [labels, value] : tokens_)
    out.push_back({"steward_tokens_total", "Tokens metered.", "counter", labels, value});
  for (const auto& [labels, value] : cost_nano_)
    out.push_back({"steward_cost_usd_total", "Cost charged, in US dollars.", "counter", labels, value / 1e9});
  for (const auto& [labels, value] : disputed_)
    out.push_back(
        {"steward_usage_disputed_total", "Calls whose provider told counts that can't be.", "counter", labels, value});
  for (const auto& [labels, value] : refusals_)
    out.push_back(
        {"steward_refusals_total", "Model calls refused before they began, by code.", "counter", labels, value});
  for (const auto& [endpoint, h] : duration_)
    h.read("steward_call_seconds", "Duration of model calls.", {{"endpoint", endpoint}}, out);
  for (const auto& [endpoint, h] : first_token_)
    h.read("steward_first_token_seconds", "Time to the first token of an answer.", {{"endpoint", endpoint}}, out);
  wait_.read("steward_queue_wait_seconds", "Time that calls waited for a local model.", {}, out);
  return out;
}

}  // namespace steward::gateway
