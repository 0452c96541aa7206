// Where traces go: [traces] of the configuration, else OpenTelemetry's own environment variables.
#include "base/crypto.h"
#include "base/text.h"
#include "server/options.h"

namespace steward::server {
namespace {

std::string variable(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : std::string(trim(found->second));
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' && i + 2 < text.size() ? from_hex(text.substr(i + 1, 2)) : Result<std::string>("");
    if (byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// "name=value,name=value", values percent-encoded (W3C Baggage, as OTLP's specification says).
Result<std::vector<std::pair<std::string, std::string>>> read_headers(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto field : split(text, ',')) {
    if (trim(field).empty()) continue;
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos || trim(field.substr(0, equals)).empty())
      return fail(ErrorCode::kConfig, "The headers of traces are written NAME=VALUE,NAME=VALUE.");
    out.emplace_back(trim(field.substr(0, equals)), decoded(trim(field.substr(equals + 1))));
  }
  return out;
}

}  // namespace

Result<gateway::TraceOptions> trace_options(const Config& config, const std::map<std::string, std::string>& environment,
                                            SecretStore& secrets) {
  gateway::TraceOptions options;
  options.endpoint = config.text("traces.endpoint");
  if (variable(environment, "OTEL_SDK_DISABLED") == "true" && options.endpoint.empty()) return options;
  if (options.endpoint.empty()) options.endpoint = variable(environment, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (options.endpoint.empty()) options.endpoint = variable(environment, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (options.endpoint.empty()) return options;
  if (!options.endpoint.starts_with("http://") && !options.endpoint.starts_with("https://"))
    return fail(ErrorCode::kConfig, "traces.endpoint must begin with http:// or https:// (OTLP over HTTP).");
  std::string headers = variable(environment, "OTEL_EXPORTER_OTLP_HEADERS");
  if (const std::string name = config.text("traces.headers_secret"); !name.empty()) {
    auto secret = secrets.get(name);
    if (!secret) return fail(secret.error());
    headers = std::move(*secret);
  }
  auto read = read_headers(headers);
  if (!read) return fail(read.error());
  options.headers = std::move(*read);
  options.content = config.boolean("traces.content");
  options.queue_length = static_cast<size_t>(config.integer("traces.queue_length"));
  if (const std::string service = variable(environment, "OTEL_SERVICE_NAME"); !service.empty())
    options.service = service;
  return options;
}

}  // namespace steward::server
