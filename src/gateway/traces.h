// Traces of calls, to whatever collector the company runs: spans with OpenTelemetry's GenAI conventions over OTLP/HTTP
// as JSON (https://opentelemetry.io/docs/specs/semconv/gen-ai/, …/specs/otlp/).
//
// A span for each request (SERVER) and below it one for each call of a model (CLIENT; INTERNAL for the embedded
// engine): with fallback there are several. A W3C `traceparent` makes the request's span a child of the client's. Off
// unless an endpoint is set; content never unless that is switched on, and then only of keys that keep content. Spans
// wait in a bounded queue and leave in batches from flush(), never in a request's way; what finds the queue full is
// dropped and counted. add() from any thread; flush() on an io thread, one at a time.
#pragma once
#include <deque>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "net/http_client.h"

namespace steward::gateway {

struct TraceContext {
  std::string trace_id;  // 32 hexadecimal digits; empty: nothing is traced
  std::string span_id;   // 16; of the parent
  bool sampled = true;   // false: the client said that this trace is not recorded
  bool on() const { return !trace_id.empty() && sampled; }
};

// "00-TRACE-SPAN-FLAGS" (W3C Trace Context); nullopt where it is malformed, as the standard has it: then a trace
// begins.
std::optional<TraceContext> read_traceparent(std::string_view header);

using SpanValue = std::variant<std::string, int64_t, double, bool, std::vector<std::string>>;

struct Span {
  enum class Kind { kInternal = 1, kServer = 2, kClient = 3 };
  TraceContext parent;  // its trace; span_id may be empty: the root
  std::string span_id;
  std::string name;
  Kind kind = Kind::kInternal;
  TimeUs start_us = 0, end_us = 0;  // wall clock
  std::vector<std::pair<std::string, SpanValue>> attributes;
  std::string error;  // not empty: the span failed, and why (a code, never content)

  void set(std::string name, SpanValue value) { attributes.emplace_back(std::move(name), std::move(value)); }
};

struct TraceOptions {
  std::string endpoint;  // with "/v1/traces" at its end; empty: off
  std::vector<std::pair<std::string, std::string>> headers;
  bool content = false;
  size_t queue_length = 4096;
  std::string service = "steward";
};

class Traces {
 public:
  Traces(Random& random, Log log) : random_(random), log_(std::move(log)) {}

  void configure(TraceOptions options);  // any thread; what waits goes to the new endpoint
  bool on() const;
  bool content() const;
  // For a request: its own context, below the client's if it named one. Off: an empty one.
  TraceContext begin(std::string_view traceparent);
  std::string new_span_id();
  void add(Span span);
  Task<void> flush(net::HttpClient& client);

  int64_t sent() const;
  int64_t dropped() const;  // the queue was full, or the collector refused them

 private:
  std::vector<Span> take(size_t limit);
  void put_back(std::vector<Span> spans);
  void count(int64_t sent, int64_t dropped);
  TraceOptions options() const;

  Random& random_;
  Log log_;
  mutable std::mutex mutex_;
  TraceOptions options_;
  std::deque<Span> queue_;
  int64_t sent_ = 0, dropped_ = 0;
  bool flushing_ = false;
  bool told_ = false;  // of a failing collector, once until it answers again
};

// ExportTraceServiceRequest in OTLP's JSON encoding: ids in hexadecimal, 64-bit integers as text.
Json otlp_json(const std::vector<Span>& spans, const std::string& service, std::string_view version);
// The endpoint as OTLP's environment variables mean it: the base address gets "/v1/traces".
std::string traces_url(std::string_view endpoint);
// GenAI's well-known name of a provider ("gcp.gemini"), else its own.
std::string genai_provider(std::string_view profile, std::string_view name);

}  // namespace steward::gateway
