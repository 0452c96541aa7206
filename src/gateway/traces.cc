#include "gateway/traces.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"

namespace steward::gateway {
namespace {

constexpr size_t kBatch = 512;   // spans of one request to the collector
constexpr int kMaxBatches = 16;  // of one flush
constexpr size_t kMaxAttributeBytes = 64 * 1024;
constexpr std::chrono::seconds kExportTime{10};

bool is_hex(std::string_view text, size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Json value_json(const SpanValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    const bool long_text = text->size() > kMaxAttributeBytes;
    return {{"stringValue", replace_invalid_utf8(long_text ? text->substr(0, kMaxAttributeBytes) : *text)}};
  }
  if (const auto* number = std::get_if<int64_t>(&value)) return {{"intValue", std::to_string(*number)}};
  if (const auto* number = std::get_if<double>(&value)) return {{"doubleValue", *number}};
  if (const auto* flag = std::get_if<bool>(&value)) return {{"boolValue", *flag}};
  Json values = Json::array();
  for (const auto& text : std::get<std::vector<std::string>>(value)) values.push_back({{"stringValue", text}});
  return {{"arrayValue", {{"values", std::move(values)}}}};
}

Json span_json(const Span& span) {
  Json out = {{"traceId", span.parent.trace_id},
              {"spanId", span.span_id},
              {"name", span.name},
              {"kind", static_cast<int>(span.kind)},
              {"startTimeUnixNano", std::to_string(span.start_us * 1000)},
              {"endTimeUnixNano", std::to_string(span.end_us * 1000)}};
  if (!span.parent.span_id.empty()) out["parentSpanId"] = span.parent.span_id;
  Json attributes = Json::array();
  for (const auto& [name, value] : span.attributes) attributes.push_back({{"key", name}, {"value", value_json(value)}});
  if (!span.error.empty()) attributes.push_back({{"key", "error.type"}, {"value", {{"stringValue", span.error}}}});
  out["attributes"] = std::move(attributes);
  out["status"] = span.error.empty() ? Json::object() : Json{{"code", 2}, {"message", span.error}};
  return out;
}

Json text_attribute(const char* key, std::string_view value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

bool may_try_again(const Result<net::ClientResponse>& answer) {
  if (!answer) return true;
  return answer->status == 429 || answer->status == 502 || answer->status == 503 || answer->status == 504;
}

}  // namespace

std::optional<TraceContext> read_traceparent(std::string_view header) {
  const auto parts = split(trim(header), '-');
  if (parts.size() < 4 || !is_hex(parts[0], 2) || parts[0] == "ff") return std::nullopt;
  if (parts[0] == "00" && parts.size() != 4) return std::nullopt;
  if (!is_hex(parts[1], 32) || !is_hex(parts[2], 16) || !is_hex(parts[3], 2)) return std::nullopt;
  const auto zeros = [](std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; };
  if (zeros(parts[1]) || zeros(parts[2])) return std::nullopt;
  const char last = parts[3][1];
  const int low = last >= 'a' ? last - 'a' + 10 : last - '0';
  return TraceContext{std::string(parts[1]), std::string(parts[2]), (low & 1) != 0};
}

std::string traces_url(std::string_view endpoint) {
  std::string out(trim(endpoint));
  while (out.ends_with('/')) out.pop_back();
  if (out.empty() || out.ends_with("/v1/traces")) return out;
  return out + "/v1/traces";
}

std::string genai_provider(std::string_view profile, std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"openai", "openai"},      {"anthropic", "anthropic"},   {"gemini", "gcp.gemini"}, {"bedrock", "aws.bedrock"},
      {"cohere", "cohere"},      {"azure", "azure.ai.openai"}, {"deepseek", "deepseek"}, {"groq", "groq"},
      {"mistral", "mistral_ai"}, {"perplexity", "perplexity"}, {"xai", "x_ai"}};
  for (const auto& [known, told] : kNames) {
    if (profile == known) return std::string(told);
  }
  return std::string(profile.empty() ? name : profile);
}

Json otlp_json(const std::vector<Span>& spans, const std::string& service, std::string_view version) {
  Json rows = Json::array();
  for (const auto& span : spans) rows.push_back(span_json(span));
  const Json resource = {
      {"attributes", {text_attribute("service.name", service), text_attribute("service.version", version)}}};
  const Json scope = {{"scope", {{"name", "steward.gateway"}, {"version", version}}}, {"spans", std::move(rows)}};
  return {{"resourceSpans", Json::array({{{"resource", resource}, {"scopeSpans", Json::array({scope})}}})}};
}

void Traces::configure(TraceOptions options) {
  options.endpoint = traces_url(options.endpoint);
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
  if (options_.endpoint.empty()) queue_.clear();
}

bool Traces::on() const {
  const std::lock_guard lock(mutex_);
  return !options_.endpoint.empty();
}

bool Traces::content() const {
  const std::lock_guard lock(mutex_);
  return !options_.endpoint.empty() && options_.content;
}

TraceOptions Traces::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

std::string Traces::new_span_id() {
  std::string bytes = random_.bytes(8);
  bytes[7] = static_cast<char>(bytes[7] | 1);  // an id of zeros is none
  return to_hex(bytes);
}

TraceContext Traces::begin(std::string_view traceparent) {
  if (!on()) return {};
  if (auto parent = read_traceparent(traceparent)) return *parent;
  return {new_span_id() + new_span_id(), "", true};
}

void Traces::add(Span span) {
  const std::lock_guard lock(mutex_);
  if (options_.endpoint.empty()) return;
  if (queue_.size() >= options_.queue_length) {
    ++dropped_;
    return;
  }
  queue_.push_back(std::move(span));
}

std::vector<Span> Traces::take(size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Span> out;
  while (!queue_.empty() && out.size() < limit) {
    out.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return out;
}

void Traces::put_back(std::vector<Span> spans) {
  const std::lock_guard lock(mutex_);
  for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
    if (queue_.size() >= options_.queue_length)
      ++dropped_;
    else
      queue_.push_front(std::move(*span));
  }
}

void Traces::count(int64_t sent, int64_t dropped) {
  const std::lock_guard lock(mutex_);
  sent_ += sent;
  dropped_ += dropped;
}

int64_t Traces::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

int64_t Traces::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

Task<void> Traces::flush(net::HttpClient& client) {
  if (std::exchange(flushing_, true)) co_return;
  for (int batch = 0; batch < kMaxBatches; ++batch) {
    const TraceOptions now = options();
    auto spans = take(kBatch);
    if (spans.empty()) break;
    net::ClientRequest request;
    request.method = "POST";
    request.url = now.endpoint;
    request.headers.add("Content-Type", "application/json");
    for (const auto& [name, value] : now.headers) request.headers.add(name, value);
    request.body = dump(otlp_json(spans, now.service, STEWARD_VERSION));
    request.deadlines.total = kExportTime;
    const auto answer = co_await client.fetch(std::move(request));
    const bool taken = answer && answer->status >= 200 && answer->status < 300;
    if (taken) {
      count(static_cast<int64_t>(spans.size()), 0);
      told_ = false;
      continue;
    }
    if (!std::exchange(told_, true)) {
      log_.warn("traces can't be delivered",
                {{"reason", answer ? fmt::format("status {}", answer->status) : answer.error().message}});
    }
    if (!may_try_again(answer)) {
      count(0, static_cast<int64_t>(spans.size()));
      continue;
    }
    put_back(std::move(spans));
    break;  // the next flush tries again
  }
  flushing_ = false;
}

}  // namespace steward::gateway
