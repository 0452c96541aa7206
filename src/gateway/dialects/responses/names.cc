#include <algorithm>

#include "base/crypto.h"
#include "gateway/dialects/responses/responses.h"
#include "gateway/peek.h"

namespace steward::gateway::responses {
namespace {

constexpr size_t kMaxName = 64;  // of a function, at every provider
constexpr size_t kHashed = 8;
constexpr std::string_view kAside = "stw1x.";

std::string fitting(std::string name) {
  for (char& c : name) {
    const bool fits =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!fits) c = '_';
  }
  return name;
}

std::optional<Dialect> dialect_of(std::string_view text) {
  for (const Dialect one : {Dialect::kChat, Dialect::kResponses, Dialect::kMessages, Dialect::kGemini}) {
    if (to_text(one) == text) return one;
  }
  return {};
}

}  // namespace

std::string flat_name(std::string_view space, std::string_view name) {
  if (space.empty()) return std::string(name);
  const std::string whole = fmt::format("{}{}{}", space, space.ends_with("__") ? "" : "__", name);
  std::string flat = fitting(whole);
  if (flat.size() <= kMaxName && flat == whole) return flat;
  const std::string hash = to_hex(sha256(whole)).substr(0, kHashed);
  return flat.substr(0, kMaxName - kHashed - 1) + "_" + hash;
}

FullName full_name(const Request& request, const ToolCall& call, const Json& own) {
  if (!call.space.empty()) {
    const std::string name = peek_text(own, "name");
    return {.space = call.space, .name = name.empty() ? call.name : name};
  }
  const auto found = std::ranges::find_if(
      request.tools, [&](const Tool& tool) { return !tool.space.empty() && tool.name == call.name; });
  if (found == request.tools.end()) return {.space = {}, .name = call.name};
  return {.space = found->space, .name = peek_text(found->own, "name")};
}

std::string seal_aside(const Aside& aside) {
  Json json = Json::object();
  if (aside.foreign) {
    json = {{"from", to_text(aside.foreign->from)}, {"type", aside.foreign->type}, {"raw", aside.foreign->raw}};
  } else {
    json = {{"call_id", aside.call_id}, {"signature", seal_signature(aside.signature)}, {"before", aside.before}};
  }
  return std::string(kAside) + to_base64url(dump(json));
}

std::optional<Aside> open_aside(std::string_view encrypted_content) {
  if (!encrypted_content.starts_with(kAside)) return {};
  const auto bytes = from_base64url(encrypted_content.substr(kAside.size()));
  const auto json = bytes ? parse_json(*bytes) : Result<Json>(Json());
  if (!json || !json->is_object()) return {};
  Aside aside;
  if (json->contains("from")) {
    const auto from = dialect_of(peek_text(*json, "from"));
    if (!from) return {};
    aside.foreign = Foreign{.from = *from, .type = peek_text(*json, "type"), .raw = peek(*json, "raw")};
  } else {
    aside.call_id = peek_text(*json, "call_id");
    aside.signature = open_signature(peek_text(*json, "signature"));
    aside.before = peek(*json, "before") != false;
  }
  return aside;
}

}  // namespace steward::gateway::responses
