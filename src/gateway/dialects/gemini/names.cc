#include <algorithm>
#include <array>

#include "base/crypto.h"
#include "gateway/dialects/gemini/gemini.h"

namespace steward::gateway::gemini {
namespace {

// Their insides are the caller's or a tool's, not Google's.
constexpr std::string_view kOpaque[] = {"args",     "response",       "parameters",         "parametersJsonSchema",
                                        "labels",   "responseSchema", "responseJsonSchema", "metadata",
                                        "x_steward"};

std::string camel(std::string_view name) {
  if (name.starts_with("x_") || name.starts_with("@")) return std::string(name);
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i > 0 && i + 1 < name.size() && name[i + 1] >= 'a' && name[i + 1] <= 'z')
      out += static_cast<char>(name[++i] - 'a' + 'A');
    else
      out += name[i];
  }
  return out;
}

}  // namespace

Json camel_case(const Json& json) {
  if (json.is_array()) {
    Json out = Json::array();
    for (const auto& one : json) out.push_back(camel_case(one));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [name, value] : json.items()) {
    std::string named = camel(name);
    const bool opaque = std::ranges::find(kOpaque, named) != std::end(kOpaque);
    out[std::move(named)] = opaque ? value : camel_case(value);
  }
  return out;
}

std::string seal(const Signature& signature) {
  if (signature.empty() || signature.provider.empty()) return signature.value;
  return to_base64(seal_signature(signature));
}

Signature open_seal(std::string_view text) {
  std::string standard(text);
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  while (standard.size() % 4 != 0) standard += '=';
  if (auto bytes = from_base64(standard)) {
    if (Signature opened = open_signature(*bytes); !opened.provider.empty()) return opened;
  }
  return {.value = std::string(text), .provider = {}};
}

}  // namespace steward::gateway::gemini
