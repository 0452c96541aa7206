#include "gateway/asked.h"

#include "base/text.h"

namespace steward::gateway {
namespace {
constexpr size_t kMaxDropNames = 64;
}

std::vector<std::string> read_drop_list(std::string_view header) {
  std::vector<std::string> out;
  for (const auto& name : split(header, ',')) {
    if (const auto trimmed = trim(name); !trimmed.empty() && out.size() < kMaxDropNames) out.emplace_back(trimmed);
  }
  return out;
}

Result<Asked> read_call(Dialect dialect, const net::Request& http, IncomingCall incoming) {
  auto body = parse_json(http.body);
  if (!body) return fail(std::move(body.error()));
  const Ingress& ingress = ingress_of(dialect);
  incoming.headers = &http.headers;
  auto request = ingress.read_request(std::move(*body), incoming);
  if (!request) return fail(std::move(request.error()));
  Asked asked{.request = std::move(*request),
              .ingress = &ingress,
              .endpoint = std::string(to_text(dialect)),
              .may_drop = read_drop_list(http.headers.get("x-steward-drop"))};
  const auto alt = http.query.find("alt");
  asked.json_array = dialect == Dialect::kGemini && (alt == http.query.end() || alt->second != "sse");
  return asked;
}

std::optional<GeminiPath> split_gemini_path(std::string_view rest) {
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == rest.size()) return {};
  return GeminiPath{.model = std::string(rest.substr(0, colon)), .method = std::string(rest.substr(colon + 1))};
}

Dialect dialect_of_path(std::string_view path) {
  if (path.starts_with("/v1/messages")) return Dialect::kMessages;
  if (path.starts_with("/v1/responses") || path.starts_with("/v1/conversations")) return Dialect::kResponses;
  const auto split = path.starts_with("/v1/models/") ? split_gemini_path(path.substr(11)) : std::nullopt;
  const bool gemini_method = split && (split->method.ends_with("Content") || split->method == "batchEmbedContents" ||
                                       split->method == "countTokens");
  if (path == "/v1beta" || path.starts_with("/v1beta/") || gemini_method) return Dialect::kGemini;
  return Dialect::kChat;
}

}  // namespace steward::gateway
