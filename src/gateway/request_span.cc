#include "gateway/request_span.h"

namespace steward::gateway {

std::string_view genai_operation(std::string_view endpoint) {
  if (endpoint == "embeddings") return "embeddings";
  return endpoint == "completions" ? "text_completion" : "chat";
}

RequestSpan::RequestSpan(Services& services, const net::Request& request, const identity::Caller& caller,
                         std::string_view endpoint, std::string_view model)
    : services_(services), traces_(services.current()->traces) {
  if (!traces_ || !traces_->on()) return;
  span_.parent = traces_->begin(request.headers.get("traceparent"));
  if (!span_.parent.on()) return;
  started_us_ = services_.clock.monotonic_us();
  span_.start_us = services_.clock.now_us();
  span_.span_id = traces_->new_span_id();
  span_.kind = Span::Kind::kServer;
  span_.name = fmt::format("{} {}", genai_operation(endpoint), model);
  span_.set("gen_ai.operation.name", std::string(genai_operation(endpoint)));
  span_.set("gen_ai.request.model", std::string(model));
  span_.set("steward.endpoint", std::string(endpoint));
  span_.set("steward.request_id", request.request_id);
  span_.set("steward.tenant", caller.tenant);
  if (caller.key) span_.set("steward.key_id", caller.key->id);
}

RequestSpan::~RequestSpan() {
  if (!span_.parent.on()) return;
  span_.end_us = span_.start_us + (services_.clock.monotonic_us() - started_us_);
  traces_->add(std::move(span_));
}

TraceContext RequestSpan::below() const {
  if (!span_.parent.on()) return {};
  return {span_.parent.trace_id, span_.span_id, true};
}

void RequestSpan::set(std::string name, SpanValue value) {
  if (span_.parent.on()) span_.set(std::move(name), std::move(value));
}

void RequestSpan::failed(const Error& error) { span_.error = info(error.code).name; }

}  // namespace steward::gateway
