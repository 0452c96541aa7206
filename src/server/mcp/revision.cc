#include "server/mcp/revision.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"
#include "gateway/peek.h"

namespace steward::server::mcp {
using gateway::peek;
using gateway::peek_text;
namespace {

constexpr const char* kMetaRevision = "io.modelcontextprotocol/protocolVersion";
constexpr const char* kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";
constexpr std::string_view kRevisionHeader = "mcp-protocol-version", kMethodHeader = "mcp-method",
                           kNameHeader = "mcp-name";
constexpr std::string_view kEncodedBegin = "=?base64?", kEncodedEnd = "?=";
constexpr size_t kQuoted = 80;  // of what others sent, in a sentence

std::unexpected<Refused> refused(RpcCode code, std::string message, Json data = nullptr) {
  return std::unexpected(Refused{400, {code, std::move(message), std::move(data)}});
}

std::unexpected<Refused> unsupported(std::string_view asked, std::string message) {
  return refused(kUnsupportedProtocolVersion, std::move(message),
                 {{"supported", revision_names()}, {"requested", replace_invalid_utf8(asked.substr(0, kQuoted))}});
}

std::expected<void, Refused> mirrors(const net::Headers& headers, std::string_view header, std::string_view wanted) {
  if (!headers.has(header)) return refused(kHeaderMismatch, fmt::format("The header {} is missing.", header));
  const auto told = header_text(headers.get(header));
  if (told && *told == wanted) return {};
  return refused(kHeaderMismatch, fmt::format("The header {} tells something else than the body.", header));
}

// Of 2026-07-28 and later, where a request carries its revision with it.
std::expected<Revision, Refused> carried(const net::Headers& headers, const RpcMessage& message) {
  const Json& meta = peek(message.params, "_meta");
  const Json& told = peek(meta, kMetaRevision);
  if (!told.is_string()) return refused(kInvalidParams, fmt::format("'_meta' must have '{}', a text.", kMetaRevision));
  const auto name = told.get<std::string>();
  if (headers.get(kRevisionHeader) != name)
    return refused(kHeaderMismatch,
                   fmt::format("The header {} must be there and tell the same as '_meta'.", kRevisionHeader));
  const auto revision = find_revision(name);
  if (!revision) return unsupported(name, "This protocol version is not spoken here.");
  if (*revision <= kNewestGreeted)
    return unsupported(name, "This protocol version begins with 'initialize', and is told in a header alone.");
  if (!peek(meta, kMetaCapabilities).is_object())
    return refused(kInvalidParams, fmt::format("'_meta' must have '{}', an object.", kMetaCapabilities));
  if (auto same = mirrors(headers, kMethodHeader, message.method); !same) return std::unexpected(same.error());
  if (message.method != "tools/call") return *revision;
  if (auto same = mirrors(headers, kNameHeader, peek_text(message.params, "name")); !same)
    return std::unexpected(same.error());
  return *revision;
}

}  // namespace

std::string_view revision_name(Revision revision) { return kRevisions.at(static_cast<size_t>(revision)); }

std::optional<Revision> find_revision(std::string_view name) {
  const auto found = std::ranges::find(kRevisions, name);
  if (found == kRevisions.end()) return std::nullopt;
  return static_cast<Revision>(found - kRevisions.begin());
}

Json revision_names() {
  Json out = Json::array();
  for (auto one = kRevisions.rbegin(); one != kRevisions.rend(); ++one) out.push_back(*one);
  return out;
}

std::expected<Revision, Refused> revision_of(const net::Headers& headers, const RpcMessage& message) {
  const std::string_view told = headers.get(kRevisionHeader);
  const bool asks = message.kind == RpcMessage::Kind::kRequest;
  const bool carries = peek(message.params, "_meta").contains(kMetaRevision);
  if (asks && carries) return carried(headers, message);
  if (message.method == "initialize") return kNewestGreeted;  // it is only about to be agreed on
  if (told.empty()) return kUntold;
  const auto revision = find_revision(told);
  if (!revision) return unsupported(told, "This protocol version is not spoken here.");
  if (asks && *revision > kNewestGreeted) return carried(headers, message);  // which tells what it lacks
  return *revision;
}

std::optional<std::string> header_text(std::string_view value) {
  const bool encoded = value.size() >= kEncodedBegin.size() + kEncodedEnd.size() && value.starts_with(kEncodedBegin) &&
                       value.ends_with(kEncodedEnd);
  if (!encoded) return std::string(value);
  value.remove_prefix(kEncodedBegin.size());
  value.remove_suffix(kEncodedEnd.size());
  auto bytes = from_base64(value);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

bool takes_json(std::string_view accept) {
  if (trim(accept).empty()) return true;
  for (const auto one : split(accept, ',')) {
    const std::string type = to_lower_ascii(trim(one.substr(0, one.find(';'))));
    if (type == "application/json" || type == "application/*" || type == "*/*") return true;
  }
  return false;
}

bool is_json_type(std::string_view content_type) {
  const std::string type = to_lower_ascii(trim(content_type.substr(0, content_type.find(';'))));
  return type.empty() || type == "application/json";
}

}  // namespace steward::server::mcp
