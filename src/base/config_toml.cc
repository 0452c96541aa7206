#include "base/config_toml.h"

#include <toml++/toml.h>

#include "base/text.h"

namespace steward {
namespace {

nlohmann::json scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  return nullptr;  // dates have no place here
}

void walk(const toml::node& node, std::vector<std::string>& path, std::vector<TomlEntry>& out) {
  const uint32_t line = node.source().begin.line;
  if (const auto* table = node.as_table()) {
    if (table->empty() || path.size() >= kMaxConfigDepth) out.push_back({path, nullptr, line});
    if (path.size() >= kMaxConfigDepth) return;
    for (const auto& [key, child] : *table) {
      path.emplace_back(key.str());
      walk(child, path, out);
      path.pop_back();
    }
    return;
  }
  if (const auto* array = node.as_array()) {
    nlohmann::json values = nlohmann::json::array();
    for (const auto& child : *array) values.push_back(scalar(child));
    out.push_back({path, std::move(values), line});
    return;
  }
  out.push_back({path, scalar(node), line});
}

}  // namespace

Result<std::vector<TomlEntry>> parse_toml(std::string_view text, std::string_view name) {
  if (text.size() > kMaxConfigBytes)
    return fail(ErrorCode::kConfig, fmt::format("{} is larger than {} bytes.", name, kMaxConfigBytes));
  if (!is_valid_utf8(text)) return fail(ErrorCode::kConfig, fmt::format("{} is not valid UTF-8.", name));
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(ErrorCode::kConfig, fmt::format("{}:{}: not valid TOML: {}.", name, error.source().begin.line,
                                                std::string_view(error.description())));
  }
  std::vector<TomlEntry> out;
  std::vector<std::string> path;
  walk(parsed.table(), path, out);
  return out;
}

}  // namespace steward
